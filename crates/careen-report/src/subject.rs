//! What a report is about: the facts and results that several formats show.

use std::path::{Path, PathBuf};
use std::time::Duration;

use careen_model::trend::Trend;
use careen_model::{
    Case, ContextFacts, EngineFacts, Fact, HistoryFacts, HostFacts, Listed, ProjectFacts, Proof,
    StepChange, Verdict,
};

/// Gives the text of a file that a finding points into, to turn byte offsets into lines.
pub type TextOf<'a> = dyn Fn(&Path) -> Option<String> + 'a;

/// The facts behind a diagnosis. `None` means that this command has no such facts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    pub project: Option<&'a ProjectFacts>,
    pub host: Option<&'a HostFacts>,
    pub engine: Option<&'a EngineFacts>,
    pub context: Option<&'a Fact<ContextFacts>>,
    pub history: Option<&'a HistoryFacts>,
}

impl<'a> Subject<'a> {
    pub(crate) fn known_context(&self) -> Option<&'a ContextFacts> {
        self.context.and_then(Fact::known)
    }
}

/// One change of the journal, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    pub id: String,
    /// Seconds since the Unix epoch.
    pub at: i64,
    pub rules: Vec<String>,
    pub files: Vec<PathBuf>,
    /// The change that this one took back.
    pub undoes: Option<String>,
    /// `applied`, `undone by …`, `interrupted`.
    pub state: String,
}

/// A proof and when it was made.
#[derive(Debug, Clone, Copy)]
pub struct ProofShown<'a> {
    pub proof: &'a Proof,
    /// Seconds since the Unix epoch.
    pub at: i64,
}

/// One layer of an image, the oldest first in a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerShown {
    /// The instruction, as the engine keeps it.
    pub made_by: String,
    pub bytes: u64,
}

/// One run of image tests.
#[derive(Debug, Clone, Copy)]
pub struct ImageTests<'a> {
    pub image: &'a str,
    pub digest: Option<&'a str>,
    /// How the tests ran: `network none, read-only`.
    pub conditions: &'a str,
    pub runs: &'a [(Case, Verdict)],
    /// Wall time of the whole run.
    pub took: Duration,
}

impl ImageTests<'_> {
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (_, verdict) in self.runs {
            match verdict {
                Verdict::Passed { .. } => tally.passed += 1,
                Verdict::Failed { .. } => tally.failed += 1,
                Verdict::Skipped { .. } => tally.skipped += 1,
                Verdict::Broken { .. } => tally.broken += 1,
            }
        }
        tally
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    pub(crate) broken: usize,
}

/// `duration` of a verdict; skipped and broken ones took none.
pub(crate) fn took(verdict: &Verdict) -> Duration {
    match verdict {
        Verdict::Passed { took, .. } | Verdict::Failed { took, .. } => *took,
        Verdict::Skipped { .. } | Verdict::Broken { .. } => Duration::ZERO,
    }
}

/// The list of recorded builds.
#[derive(Debug, Clone, Copy)]
pub struct HistoryShown<'a> {
    /// Oldest first.
    pub rows: &'a [Listed],
    /// Oldest first.
    pub slow: &'a [SlowShown],
    pub trend: Option<Trend>,
}

/// A build that took longer than usual, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowShown {
    pub slow: String,
    /// The earlier build of the usual time.
    pub usual: String,
    pub took: Duration,
    pub usually: Duration,
    pub cause: Option<StepChange>,
}

/// Builds that retention does not keep.
#[derive(Debug, Clone, Copy)]
pub struct PruneShown<'a> {
    pub builds: &'a [Listed],
    pub log_bytes: u64,
    /// They are gone; otherwise they would go.
    pub done: bool,
}
