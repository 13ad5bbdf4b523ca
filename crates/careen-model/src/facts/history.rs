//! What earlier builds of this project measured; the source of "measured" prices.

use crate::BuildRecord;

/// The last recorded builds of this project, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryFacts {
    pub builds: Vec<BuildRecord>,
}

impl HistoryFacts {
    /// The newest build that succeeded.
    pub fn last_built(&self) -> Option<&BuildRecord> {
        self.builds.iter().find(|build| build.outcome == Some(crate::Outcome::Built))
    }
}
