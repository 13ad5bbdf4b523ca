//! What earlier builds of this project measured; the source of "measured" prices.

use crate::BuildRecord;

/// The last recorded builds of this project, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryFacts {
    pub builds: Vec<BuildRecord>,
    /// What transfers took on the engine that was used last, newest first, whatever the project.
    pub transfers: Vec<MeasuredTransfer>,
}

/// The transfer of one context, measured by a build.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredTransfer {
    /// Address of the engine.
    pub engine: String,
    /// Entries that were listed.
    pub entries: u64,
    /// Files and bytes that the builder asked for.
    pub files: u64,
    pub bytes: u64,
    pub seconds: f64,
}

impl HistoryFacts {
    /// The newest build that succeeded.
    pub fn last_built(&self) -> Option<&BuildRecord> {
        self.builds.iter().find(|build| build.outcome == Some(crate::Outcome::Built))
    }
}
