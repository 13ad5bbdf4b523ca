//! Why steps of a build ran again.

use careen_model::missed::{Missed, Reason};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct RanAgain<'a> {
    id: &'a str,
    step: &'a str,
    /// `no-cache`, `instruction`, `argument`, `base`, `files`, `parent`, `pruned`,
    /// `evicted-or-pruned`, `other-builder` or `unknown`.
    reason: &'static str,
    /// Not the consequence of another step that ran.
    first_cause: bool,
    /// The text before and now; `null` before for what is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<Instruction<'a>>,
    /// Names only.
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Base<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Files<'a>>,
    /// The step that ran before this one, and the step that the chain began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    /// Targets of cache mounts that the builder no longer had.
    cache_mounts_lost: &'a [String],
}

#[derive(Serialize)]
struct Instruction<'a> {
    before: Option<&'a str>,
    now: &'a str,
}

#[derive(Serialize)]
struct Base<'a> {
    image: &'a str,
    before: &'a str,
    now: &'a str,
}

#[derive(Serialize)]
struct Files<'a> {
    added: usize,
    removed: usize,
    content: usize,
    mode: usize,
    /// The first of them.
    first: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    /// `added`, `removed`, `content` or `mode`.
    change: &'static str,
}

pub(super) fn ran_again(missed: Option<&[Missed]>) -> Option<Vec<RanAgain<'_>>> {
    Some(missed?.iter().map(RanAgain::from).collect())
}

impl<'a> From<&'a Missed> for RanAgain<'a> {
    fn from(missed: &'a Missed) -> RanAgain<'a> {
        let mut told = RanAgain {
            id: &missed.step,
            step: &missed.name,
            reason: missed.reason.name(),
            first_cause: missed.reason.is_first(),
            instruction: None,
            arguments: None,
            base: None,
            files: None,
            parent: None,
            cause: None,
            cache_mounts_lost: &missed.lost_caches,
        };
        match &missed.reason {
            Reason::Instruction { before, now } => {
                told.instruction = Some(Instruction { before: before.as_deref(), now });
            }
            Reason::Argument(names) => told.arguments = Some(names),
            Reason::Base { image, before, now } => told.base = Some(Base { image, before, now }),
            Reason::Files(files) => {
                let first = files.first.iter();
                told.files = Some(Files {
                    added: files.added,
                    removed: files.removed,
                    content: files.content,
                    mode: files.mode,
                    first: first.map(|(path, how)| File { path, change: how.name() }).collect(),
                });
            }
            Reason::Parent { parent, cause } => {
                told.parent = Some(parent);
                told.cause = Some(cause);
            }
            Reason::NoCache | Reason::RecordGone(_) | Reason::Unknown => (),
        }
        told
    }
}
