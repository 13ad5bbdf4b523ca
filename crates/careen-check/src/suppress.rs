//! Comments that silence a rule: ours and those of other linters.

use std::path::PathBuf;

use careen_model::{Finding, Place, Span};
use careen_syntax::dockerfile::{Dockerfile, Item};

use crate::buildkit::{CheckOptions, Names, above};
use crate::profile::Profile;
use crate::{Facts, Rule};

/// Whose comments they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Careen,
    BuildKit,
    Hadolint,
    Tally,
    Droast,
}

impl Dialect {
    pub(crate) const ALL: [Dialect; 5] =
        [Dialect::Careen, Dialect::BuildKit, Dialect::Hadolint, Dialect::Tally, Dialect::Droast];
}

/// What the comments of a Dockerfile silence.
#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    path: PathBuf,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    /// As written: an id, an alias, or `all`.
    name: String,
    /// `None`: the whole file.
    within: Option<Span>,
    reason: String,
}

/// How a form of comment is written.
struct Form {
    dialect: Dialect,
    /// What stands after the `#`.
    start: &'static str,
    reach: Reach,
    /// What the text after the names is.
    rest: Rest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The next instruction.
    Here,
    File,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// The names end at white space; a reason follows.
    Reason,
    /// White space may follow a comma; there is no reason.
    Names,
}

#[rustfmt::skip]
const FORMS: [Form; 4] = [
    Form { dialect: Dialect::Careen, start: "careen: ignore=", reach: Reach::Here, rest: Rest::Reason },
    Form { dialect: Dialect::Careen, start: "careen: ignore-file=", reach: Reach::File, rest: Rest::Reason },
    Form { dialect: Dialect::Hadolint, start: "hadolint ignore=", reach: Reach::Here, rest: Rest::Names },
    Form { dialect: Dialect::Hadolint, start: "hadolint global ignore=", reach: Reach::File, rest: Rest::Names },
];

impl Suppressions {
    /// Reads the comments of the given dialects: those of [`FORMS`], and `# check=skip=…` at the
    /// top or right above an instruction. Names nobody knows silence nothing.
    pub(crate) fn of(facts: &Facts, dialects: &[Dialect]) -> Suppressions {
        let Some(file) = &facts.dockerfile else { return Suppressions::default() };
        let heeds_buildkit = dialects.contains(&Dialect::BuildKit);
        let mut rows = Vec::new();
        let mut waiting: Vec<Row> = Vec::new();
        for (at, item) in file.file.items.iter().enumerate() {
            match item {
                Item::Comment(span) => {
                    let text = String::from_utf8_lossy(
                        &file.file.source()[span.start as usize..span.end as usize],
                    );
                    let Some((form, named)) = read_comment(&text, dialects) else { continue };
                    match form.reach {
                        Reach::Here => waiting.extend(named),
                        Reach::File => rows.extend(named),
                    }
                }
                Item::Instruction(instruction) => {
                    let within = Some(instruction.span);
                    rows.extend(waiting.drain(..).map(|row| Row { within, ..row }));
                    let is_commented =
                        at > 0 && matches!(file.file.items[at - 1], Item::Comment(_));
                    if heeds_buildkit && is_commented {
                        rows.extend(skipped_above(&file.file, at, within));
                    }
                }
                _ => (),
            }
        }
        if heeds_buildkit && let Ok(options) = CheckOptions::of(&file.file, &facts.lint.given) {
            rows.extend(skipped(options.skip, None, "# check=skip"));
        }
        Suppressions { path: file.path.clone(), rows }
    }

    /// Why this finding is silenced, if it is.
    pub(crate) fn reason(&self, rule: &Rule, finding: &Finding) -> Option<String> {
        let known = || {
            let aliases = rule.aliases.iter().chain(&finding.also).copied();
            aliases.chain([rule.id, finding.rule])
        };
        let row = self.rows.iter().find(|row| {
            let is_named = known().any(|name| row.name.eq_ignore_ascii_case(name));
            is_named && row.within.is_none_or(|within| self.holds(within, finding))
        })?;
        Some(row.reason.clone())
    }

    fn holds(&self, within: Span, finding: &Finding) -> bool {
        match &finding.place {
            Place::File { path, span } => {
                *path == self.path && within.start <= span.start && span.start < within.end
            }
            _ => false,
        }
    }
}

/// What `# check=skip=…` right above an instruction silences in it.
fn skipped_above(file: &Dockerfile, item: usize, within: Option<Span>) -> Vec<Row> {
    let above = above(file, item);
    let Some(options) = above.options() else { return vec![] };
    let told = above.texts.iter().find_map(|text| Some(text.split_once("//")?.1.trim()));
    skipped(options.skip, within, told.unwrap_or("# check=skip"))
}

fn skipped(names: Names, within: Option<Span>, reason: &str) -> Vec<Row> {
    let row = |name: String| Row { name, within, reason: reason.to_owned() };
    match names {
        Names::These(names) => names.into_iter().filter(|name| !name.is_empty()).map(row).collect(),
        Names::All => Profile::BuildKit.names().map(|name| row(name.to_owned())).collect(),
    }
}

/// The form of a comment and what it silences, not yet placed.
fn read_comment(text: &str, dialects: &[Dialect]) -> Option<(&'static Form, Vec<Row>)> {
    let text = text.trim().trim_start_matches('#').trim();
    let known = FORMS.iter().filter(|form| dialects.contains(&form.dialect));
    let (form, rest) = known.into_iter().find_map(|form| {
        let rest = text.strip_prefix(form.start)?;
        Some((form, rest))
    })?;
    let (listed, reason) = match form.rest {
        Rest::Names => (rest, ""),
        Rest::Reason => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
    };
    let reason = match reason.trim() {
        "" => format!("# {}", form.start.trim_end_matches('=')),
        reason => reason.to_owned(),
    };
    let named = names(listed).map(|name| Row { name, within: None, reason: reason.clone() });
    Some((form, named.collect()))
}

fn names(listed: &str) -> impl Iterator<Item = String> {
    listed.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}
