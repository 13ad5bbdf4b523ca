//! What `careen context` answers: the sets of a context, what they cost, and why a path is in them.

use std::path::PathBuf;

use crate::{
    ContextFacts,
    context::{Amount, IgnoreProblem, Sized},
    host::Latency,
};

/// One screen about a context.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextAnswer {
    pub facts: ContextFacts,
    pub target: Option<String>,
    /// Whose rules the answer follows: `buildkit`, `buildkit-20.10`, `classic`, `classic-20.10`.
    pub builder: &'static str,
    /// The builder is sent all that is kept, whatever is copied.
    pub sends_all: bool,
    /// What the build takes from the context; `None` when no Dockerfile is known, and then all that
    /// is kept counts as sent.
    pub sources: Option<Vec<SourceUse>>,
    /// Folders of the sent set, each after the one that holds it.
    pub tree: Vec<Branch>,
    /// Largest files of the sent set, biggest first.
    pub largest: Vec<Sized>,
    /// What the ignore file writer would leave; `None` when it has nothing to add.
    pub proposal: Option<Tried>,
    pub first: TransferTime,
    pub repeated: TransferTime,
    /// Measured on the engine; `None` leaves the coefficients as they are documented.
    pub calibration: Option<Calibration>,
    /// Measured on the context when its file system is slow enough to count.
    pub slow_lookup: Option<Latency>,
}

/// One source of COPY, ADD or a bind mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUse {
    /// Counted from one.
    pub line: u32,
    /// `COPY`, `ADD`, `RUN --mount=type=bind` or `RUN --mount=type=tmpfs`.
    pub instruction: &'static str,
    /// Relative to the context; `.` is all of it.
    pub path: String,
    /// Variables without a known value; the build may take something else.
    pub unknown: Vec<String>,
}

/// A folder with everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Relative to the context.
    pub path: PathBuf,
    /// How many shown folders are above it.
    pub depth: usize,
    pub amount: Amount,
}

/// Seconds of a transfer, by what costs them. Modelled, with coefficients that were measured on
/// the engine where there is a [`Calibration`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TransferTime {
    /// What every transfer costs, however small; 0 when it was never measured.
    pub fixed: f64,
    /// Comparing and creating entries.
    pub entries: f64,
    pub bytes: f64,
    /// Waiting for a slow file system.
    pub lookups: f64,
}

impl TransferTime {
    /// All of it, in seconds.
    pub fn seconds(self) -> f64 {
        self.fixed + self.entries + self.bytes + self.lookups
    }
}

/// What earlier transfers to one engine say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Its address.
    pub engine: String,
    /// Transfers that were measured.
    pub transfers: usize,
    /// Seconds that every transfer costs.
    pub fixed_seconds: f64,
    /// Multiple of the coefficients, for a transfer of new files; `None` when none was long enough.
    pub first: Option<f64>,
    /// The same when nothing has changed.
    pub repeated: Option<f64>,
}

/// What patterns that are not written yet would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// As they would be added.
    pub patterns: Vec<String>,
    pub kept: Change,
    pub sent: Change,
    /// Sources of the build that the patterns hide: the build would fail.
    pub hidden: Vec<SourceUse>,
}

/// An amount before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    pub before: Amount,
    pub after: Amount,
}

/// Why a path is in or out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathAnswer {
    /// Relative to the context.
    pub path: String,
    pub found: Found,
    /// The ignore file in force; `None` when there is none.
    pub ignore: Option<PathBuf>,
    /// What is wrong with the ignore file.
    pub problems: Vec<IgnoreProblem>,
    /// Why this user cannot read the file or folder that lies there.
    pub closed: Option<String>,
    /// What the walk goes through; the last step decides whether the path is listed.
    pub walk: Vec<IgnoreStep>,
    /// What opening the file goes through.
    pub open: Vec<IgnoreStep>,
    /// The classic builder's decision by `.dockerignore` in the context root; `Err` is the reason
    /// why its build fails.
    pub classic: Result<bool, String>,
    /// The sources that take it.
    pub taken: Vec<SourceUse>,
    /// Whether the build's sources are known.
    pub has_sources: bool,
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Folder,
    Link,
    /// Bytes.
    File(u64),
    /// A socket, FIFO or device.
    Special,
    /// This user may not look.
    Denied,
}

/// One line of an ignore file that counted for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreStep {
    /// Counted from one.
    pub line: u32,
    pub pattern: String,
    /// The path itself or the folder above it that matched.
    pub matched: String,
    /// The state after this line.
    pub excluded: bool,
    /// How the line is easily misread, a sentence each.
    pub readings: Vec<&'static str>,
}

impl PathAnswer {
    /// The builder's client lists the path.
    pub fn is_kept(&self) -> bool {
        !is_out(&self.walk)
    }

    /// Listed, but opening it is refused: the file arrives with 0 bytes.
    pub fn is_emptied(&self) -> bool {
        self.is_kept() && is_out(&self.open) && matches!(self.found, Found::File(1..))
    }
}

fn is_out(steps: &[IgnoreStep]) -> bool {
    steps.last().is_some_and(|step| step.excluded)
}

/// What one line of the ignore file is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineWorth {
    /// Counted from one.
    pub line: u32,
    pub pattern: String,
    /// Everything that the line covers, ignored or not.
    pub matched: Amount,
    /// What only this line keeps out, or lets in.
    pub exclusive: Amount,
    pub state: LineState,
    pub readings: Vec<&'static str>,
    /// The equal pattern that costs less to match.
    pub faster: Option<String>,
    /// An exception that makes the builder enter every ignored folder.
    pub disables_pruning: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineState {
    Works,
    /// It matches nothing that is there.
    Dead,
    /// It matches, but other lines decide the same without it.
    Shadowed,
    /// Every build fails on it.
    Fails(String),
}
