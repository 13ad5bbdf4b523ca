//! What earlier builds of this project measured; the source of "measured" prices.

use std::path::PathBuf;

use crate::{BuildRecord, Fact, Why};

/// The last recorded builds of this project, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryFacts {
    pub builds: Vec<BuildRecord>,
    /// What transfers took on the engine that was used last, newest first, whatever the project.
    pub transfers: Vec<MeasuredTransfer>,
    /// Folders with the name of the context that Docker's client built lately with its current
    /// builder, the last first and this one among them.
    pub namesakes: Fact<Vec<Namesake>>,
}

/// Nothing is known.
impl Default for HistoryFacts {
    fn default() -> HistoryFacts {
        HistoryFacts {
            builds: Vec::new(),
            transfers: Vec::new(),
            namesakes: Fact::Unknown(Why::NotAsked),
        }
    }
}

/// A folder that the builder knows by its last name only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namesake {
    /// Canonical.
    pub folder: PathBuf,
    /// It is the context.
    pub is_this: bool,
    /// Its last build, seconds since the Unix epoch.
    pub built_at: i64,
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
