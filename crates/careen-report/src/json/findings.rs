//! Findings, checks, plans and what was applied.

use careen_model::{
    Category, Checked, Choice, Cost, Diagnosis, FileChange, Looked, Place, Planned, Saving, Step,
};
use serde::Serialize;

use super::value::round;
use crate::{TextOf, diff, terminal, words};

#[derive(Serialize)]
pub(super) struct Finding<'a> {
    rule: &'a str,
    severity: &'static str,
    category: Option<String>,
    place: Where,
    message: &'a str,
    evidence: Vec<Evidence<'a>>,
    cost: Option<Price>,
    fixes: Vec<Fix<'a>>,
}

#[derive(Serialize)]
struct Where {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Present when the text of the file was at hand.
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    lines: Option<Lines>,
}

/// All counted from one; columns count characters; the end is behind the last one.
#[derive(Serialize)]
struct Lines {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
pub(crate) struct Evidence<'a> {
    what: &'a str,
    value: &'a str,
    source: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Price {
    /// `seconds`, `seconds-per-rebuild`, `bytes` or `may-fail`.
    kind: &'static str,
    seconds: Option<f64>,
    bytes: Option<u64>,
    basis: &'static str,
}

#[derive(Serialize)]
struct Fix<'a> {
    title: &'a str,
    safety: &'static str,
    undoable: bool,
    steps: Vec<Act<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Act<'a> {
    Edit { path: String, edits: usize },
    Write { path: String, executable: bool },
    PruneCache { ids: &'a [String], bytes: u64 },
    RecreateBuilder { name: &'a str, cache: &'static str },
    RemoveLeftovers { what: &'static str, items: Vec<Leftover<'a>> },
    Show { command: &'a str },
}

#[derive(Serialize)]
struct Leftover<'a> {
    id: &'a str,
    name: &'a str,
    bytes: Option<u64>,
    age_seconds: Option<u64>,
}

impl<'a> From<&'a careen_model::Leftover> for Leftover<'a> {
    fn from(item: &'a careen_model::Leftover) -> Leftover<'a> {
        let careen_model::Leftover { id, name, bytes, age_seconds } = item;
        Leftover { id, name, bytes: *bytes, age_seconds: *age_seconds }
    }
}

#[derive(Serialize)]
pub(super) struct Check<'a> {
    rule: &'a str,
    title: &'a str,
    category: String,
    /// `passed`, `found`, `skipped` or `ignored`.
    looked: &'static str,
    findings: usize,
    reason: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Listed<'a> {
    rule: &'a str,
    title: &'a str,
    category: String,
}

#[derive(Serialize)]
pub(super) struct Plan<'a> {
    chosen: Vec<Chosen<'a>>,
    left: Vec<Left<'a>>,
    files: Vec<Change>,
}

#[derive(Serialize)]
struct Chosen<'a> {
    rule: &'a str,
    message: &'a str,
    fix: Fix<'a>,
}

#[derive(Serialize)]
struct Left<'a> {
    #[serde(flatten)]
    planned: Chosen<'a>,
    /// `not-asked`, `overlaps` or `refused`.
    because: &'static str,
    reason: String,
}

#[derive(Serialize)]
struct Change {
    path: String,
    is_new: bool,
    executable: bool,
    bytes_before: usize,
    bytes_after: usize,
    /// Unified, with three lines of context; `null` when a side is not text.
    diff: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Applied<'a> {
    /// Nothing where only the engine was changed.
    journal: Option<&'a str>,
    fixes: Vec<Done<'a>>,
}

#[derive(Serialize)]
struct Done<'a> {
    rule: &'a str,
    title: &'a str,
    undoable: bool,
    measured: Option<Measured<'a>>,
    /// Why the check still finds something.
    still: Option<&'a str>,
}

#[derive(Serialize)]
struct Measured<'a> {
    what: &'a str,
    before: &'a str,
    after: &'a str,
}

impl<'a> Finding<'a> {
    pub(super) fn of(
        finding: &'a careen_model::Finding,
        diagnosis: &Diagnosis,
        text_of: &TextOf<'_>,
    ) -> Finding<'a> {
        let check = diagnosis.checks.iter().find(|check| check.rule == finding.rule);
        let evidence = finding.evidence.iter().map(Evidence::from);
        Finding {
            rule: finding.rule,
            severity: words::severity(finding.severity),
            category: check.map(|check| category(check.category)),
            place: place(&finding.place, text_of),
            message: &finding.message,
            evidence: evidence.collect(),
            cost: finding.cost.map(Price::from),
            fixes: finding.fixes.iter().map(Fix::from).collect(),
        }
    }
}

fn category(category: Category) -> String {
    category.name().to_lowercase().replace(' ', "-")
}

fn place(place: &Place, text_of: &TextOf<'_>) -> Where {
    let bare = |kind| Where { kind, path: None, lines: None };
    match place {
        Place::Host => bare("host"),
        Place::Engine => bare("engine"),
        Place::Context => bare("context"),
        Place::File { path, span } => {
            let lines = text_of(path).map(|text| {
                let start = words::position(&text, span.start);
                let end = words::position(&text, span.end);
                Lines {
                    line: start.line,
                    column: start.column,
                    end_line: end.line,
                    end_column: end.column,
                }
            });
            Where { kind: "file", path: Some(path.to_string_lossy().into_owned()), lines }
        }
    }
}

impl<'a> From<&'a careen_model::Evidence> for Evidence<'a> {
    fn from(fact: &'a careen_model::Evidence) -> Evidence<'a> {
        Evidence { what: fact.what, value: &fact.value, source: &fact.source }
    }
}

impl From<Cost> for Price {
    fn from(cost: Cost) -> Price {
        let (kind, seconds, bytes) = match cost.saving {
            Saving::Seconds(seconds) => ("seconds", Some(round(seconds)), None),
            Saving::SecondsPerRebuild(seconds) => {
                ("seconds-per-rebuild", Some(round(seconds)), None)
            }
            Saving::Bytes(bytes) => ("bytes", None, Some(bytes)),
            Saving::MayFail => ("may-fail", None, None),
        };
        Price { kind, seconds, bytes, basis: words::basis(cost.basis) }
    }
}

impl<'a> From<&'a careen_model::Fix> for Fix<'a> {
    fn from(fix: &'a careen_model::Fix) -> Fix<'a> {
        let steps = fix.steps.iter().map(|step| match step {
            Step::Edit { path, edits } => {
                Act::Edit { path: path.to_string_lossy().into_owned(), edits: edits.len() }
            }
            Step::Write { path, executable, .. } => {
                Act::Write { path: path.to_string_lossy().into_owned(), executable: *executable }
            }
            Step::PruneCache { ids, bytes } => Act::PruneCache { ids, bytes: *bytes },
            Step::RecreateBuilder { name, cache } => {
                Act::RecreateBuilder { name, cache: words::builder_cache(*cache) }
            }
            Step::RemoveLeftovers { kind, items } => Act::RemoveLeftovers {
                what: kind.noun(),
                items: items.iter().map(Leftover::from).collect(),
            },
            Step::Show { command } => Act::Show { command },
        });
        Fix {
            title: &fix.title,
            safety: words::safety(fix.safety),
            undoable: fix.undoable,
            steps: steps.collect(),
        }
    }
}

impl<'a> From<&'a Checked> for Check<'a> {
    fn from(check: &'a Checked) -> Check<'a> {
        let (looked, findings, reason) = match &check.looked {
            Looked::Passed => ("passed", 0, None),
            Looked::Found(n) => ("found", *n, None),
            Looked::Skipped(why) => ("skipped", 0, Some(why.to_string())),
            Looked::Ignored { reason } => ("ignored", 0, Some(reason.clone())),
        };
        let category = category(check.category);
        Check { rule: check.rule, title: check.title, category, looked, findings, reason }
    }
}

impl<'a> From<&terminal::Listed<'a>> for Listed<'a> {
    fn from(check: &terminal::Listed<'a>) -> Listed<'a> {
        Listed { rule: check.rule, title: check.title, category: category(check.category) }
    }
}

impl<'a> From<&'a Planned> for Chosen<'a> {
    fn from(planned: &'a Planned) -> Chosen<'a> {
        Chosen { rule: planned.rule, message: &planned.message, fix: Fix::from(&planned.fix) }
    }
}

impl<'a> From<&'a careen_model::Plan> for Plan<'a> {
    fn from(plan: &'a careen_model::Plan) -> Plan<'a> {
        let left = plan.left.iter().map(|(planned, choice)| Left {
            planned: Chosen::from(planned),
            because: match choice {
                Choice::NotAsked(_) => "not-asked",
                Choice::Overlaps => "overlaps",
                Choice::Refused(_) => "refused",
            },
            reason: words::choice(choice),
        });
        Plan {
            chosen: plan.chosen.iter().map(Chosen::from).collect(),
            left: left.collect(),
            files: plan.files.iter().map(Change::from).collect(),
        }
    }
}

impl From<&FileChange> for Change {
    fn from(file: &FileChange) -> Change {
        let path = file.path.to_string_lossy().into_owned();
        let before = file.before.as_deref().map(std::str::from_utf8).transpose();
        let diff = match (before, std::str::from_utf8(&file.after)) {
            (Ok(before), Ok(after)) => Some(diff::unified(&path, before, after)),
            _ => None,
        };
        Change {
            path,
            is_new: file.before.is_none(),
            executable: file.executable,
            bytes_before: file.before.as_ref().map_or(0, Vec::len),
            bytes_after: file.after.len(),
            diff,
        }
    }
}

impl<'a> From<&terminal::Applied<'a>> for Applied<'a> {
    fn from(applied: &terminal::Applied<'a>) -> Applied<'a> {
        let fixes = applied.fixes.iter().map(|done| Done {
            rule: done.planned.rule,
            title: &done.planned.fix.title,
            undoable: done.planned.fix.undoable,
            measured: done.number.as_ref().map(|(what, before, after)| Measured {
                what,
                before,
                after,
            }),
            still: done.still.as_deref(),
        });
        Applied { journal: applied.journal, fixes: fixes.collect() }
    }
}
