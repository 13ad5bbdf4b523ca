//! What makes COPY run again: what it takes that changes often, and what runs again after it.

use std::path::PathBuf;

use crate::context::Amount;
use crate::context_answer::SourceUse;

/// One COPY, ADD or bind mount with what disturbs it and what it disturbs.
#[derive(Debug, Clone, PartialEq)]
pub struct Disturbed {
    pub source: SourceUse,
    /// What changes often, the most often first.
    pub busters: Vec<Buster>,
    /// Steps that run again when the source changes, itself first.
    pub steps: Vec<Rerun>,
    /// Commits that were looked at; `None` without a repository or `git`.
    pub commits: Option<u64>,
}

/// Something below a source that changes often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buster {
    /// Relative to the context: the source itself, or what lies directly in it.
    pub path: PathBuf,
    /// What of it is sent.
    pub amount: Amount,
    /// Commits that changed it, of those looked at.
    pub commits: u64,
    /// The kind of files that tools make again and again, when it holds some: `python-cache`.
    pub category: Option<&'static str>,
    /// Something in it is newer than the last recorded build.
    pub is_newer: bool,
}

/// A step that runs again.
#[derive(Debug, Clone, PartialEq)]
pub struct Rerun {
    /// Counted from one.
    pub line: u32,
    /// The instruction on one line.
    pub text: String,
    /// What it took when it last ran in a recorded build, and which build that was.
    pub seconds: Option<f64>,
    pub build: Option<String>,
}

impl Disturbed {
    /// Sum of the steps that were measured; `None` when none was.
    pub fn seconds(&self) -> Option<f64> {
        let known = self.steps.iter().filter_map(|step| step.seconds);
        known.reduce(|sum, seconds| sum + seconds)
    }
}
