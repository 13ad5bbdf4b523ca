//! Comments that silence a rule: ours and those of other linters.

use std::path::PathBuf;

use careen_model::{Finding, Place, Span};
use careen_syntax::dockerfile::Item;

use crate::{ParsedDockerfile, Rule};

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
    /// top. Names nobody knows silence nothing.
    pub(crate) fn of(file: Option<&ParsedDockerfile>, dialects: &[Dialect]) -> Suppressions {
        let Some(file) = file else { return Suppressions::default() };
        let mut rows = Vec::new();
        let mut waiting: Vec<Row> = Vec::new();
        for item in &file.file.items {
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
                }
                _ => (),
            }
        }
        if dialects.contains(&Dialect::BuildKit)
            && let Some(check) = file.file.check()
        {
            let skipped = check.value.split(';').find_map(|part| part.trim().strip_prefix("skip="));
            rows.extend(names(skipped.unwrap_or("")).map(|name| Row {
                name,
                within: None,
                reason: "# check=skip".into(),
            }));
        }
        Suppressions { path: file.path.clone(), rows }
    }

    /// Why this finding is silenced, if it is.
    pub(crate) fn reason(&self, rule: &Rule, finding: &Finding) -> Option<String> {
        // Of a rule with several aliases a finding may be one of them only.
        let aliases = if finding.also.is_empty() { rule.aliases } else { &finding.also };
        let known = || aliases.iter().copied().chain([rule.id, finding.rule]);
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
