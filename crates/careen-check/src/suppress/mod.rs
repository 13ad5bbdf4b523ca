//! Comments that silence a rule: ours and those of other linters.

mod directives;
mod forms;
mod shells;

use std::path::PathBuf;

use careen_model::{Finding, Place, Span};
use careen_syntax::dockerfile::{Given, Item, Keyword};

use self::forms::{Form, Reach, read_comment};
use crate::{Facts, ParsedDockerfile, Rule};

pub(crate) use forms::is_hadolint_ignore;
pub(crate) use shells::{ShellComments, shells};

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
    pub(crate) rows: Vec<Row>,
}

/// One name in one comment.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) dialect: Dialect,
    /// As written: an id, an alias, or the name of another linter's rule.
    pub(crate) name: String,
    /// `None`: the whole file.
    within: Option<Span>,
    reason: String,
    /// The comment, or the directive.
    pub(crate) comment: Span,
    /// The day after which it counts no more, in seconds since the Unix epoch.
    pub(crate) ends: Option<i64>,
}

impl Suppressions {
    /// Reads the comments of the given dialects, and `# check=skip=…` at the top or right above an
    /// instruction. Names nobody knows silence nothing, and neither does what has ended.
    pub(crate) fn of(facts: &Facts, dialects: &[Dialect]) -> Suppressions {
        let Some(file) = &facts.dockerfile else { return Suppressions::default() };
        let mut suppressions = Suppressions::written(file, &facts.lint.given, dialects);
        suppressions.rows.retain(|row| row.ends.is_none_or(|ends| facts.now <= ends));
        suppressions
    }

    /// All of them, also what has ended.
    pub(crate) fn written(
        file: &ParsedDockerfile,
        given: &Given,
        dialects: &[Dialect],
    ) -> Suppressions {
        let heeds_buildkit = dialects.contains(&Dialect::BuildKit);
        let mut rows = Vec::new();
        let mut waiting: Vec<Row> = Vec::new();
        // What other linters would do is done to the line; what we do is meant for a person.
        let is_strict = dialects == [Dialect::Hadolint];
        for (at, item) in file.file.items.iter().enumerate() {
            match item {
                Item::Comment(span) => {
                    if is_strict {
                        waiting.clear();
                    }
                    let text = comment(file, *span);
                    let Some((form, said)) = read_comment(&text, dialects) else { continue };
                    let row = |name| Row {
                        dialect: form.dialect,
                        name,
                        within: None,
                        reason: said.reason.clone(),
                        comment: *span,
                        ends: said.ends,
                    };
                    let silent = said.rules.iter().cloned().map(row);
                    match form.reach {
                        Reach::Here => waiting.extend(silent),
                        Reach::File => rows.extend(silent),
                        Reach::Stage => {
                            let within = Some(stage_after(file, at, form, is_strict));
                            rows.extend(silent.map(|row| Row { within, ..row }));
                        }
                    }
                }
                Item::Instruction(instruction) => {
                    let within = Some(instruction.span);
                    rows.extend(waiting.drain(..).map(|row| Row { within, ..row }));
                    if heeds_buildkit {
                        rows.extend(directives::right_above(file, at, within));
                    }
                }
                _ if is_strict => waiting.clear(),
                _ => (),
            }
        }
        if heeds_buildkit {
            rows.extend(directives::at_the_top(file, given));
        }
        Suppressions { path: file.path.clone(), rows }
    }

    /// Why this finding is silenced, if it is.
    pub(crate) fn reason(&self, rule: &Rule, finding: &Finding) -> Option<String> {
        self.position(rule, finding).map(|at| self.rows[at].reason.clone())
    }

    /// The row that silences this finding.
    pub(crate) fn position(&self, rule: &Rule, finding: &Finding) -> Option<usize> {
        // Of a rule with several aliases a finding may be one of them only.
        let aliases = if finding.also.is_empty() { rule.aliases } else { &finding.also };
        let known = || aliases.iter().copied().chain([rule.id, finding.rule]);
        self.rows.iter().position(|row| {
            let is_named = known().any(|name| row.name.eq_ignore_ascii_case(name));
            is_named && row.within.is_none_or(|within| self.holds(within, finding))
        })
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

/// The text of a comment.
pub(crate) fn comment(file: &ParsedDockerfile, span: Span) -> String {
    let bytes = &file.file.source()[span.start as usize..span.end as usize];
    String::from_utf8_lossy(bytes).into_owned()
}

/// From a comment to the end of its stage; right above a FROM, to the end of the one that begins.
///
/// hadolint reckons in lines: the line below the comment is not meant, and the FROM that ends the
/// stage is.
fn stage_after(file: &ParsedDockerfile, at: usize, form: &Form, is_strict: bool) -> Span {
    let items = &file.file.items;
    let start = match items.get(at + 1) {
        Some(next) if is_strict => next.span().end,
        _ => items[at].span().end,
    };
    let ends = |item: &Item| match item {
        Item::Instruction(instruction) => instruction.keyword == Keyword::From,
        Item::Comment(span) if is_strict => {
            let text = comment(file, *span);
            read_comment(&text, &[form.dialect]).is_some_and(|(form, _)| form.reach == Reach::Stage)
        }
        _ => false,
    };
    let is_above = items.get(at + 1).is_some_and(ends);
    let mut rest = items.iter().skip(at + 1 + usize::from(is_above));
    let end = match rest.find(|item| ends(item)) {
        Some(next) if is_strict => next.span().end,
        Some(next) => next.span().start,
        None => u32::MAX,
    };
    Span { start, end }
}
