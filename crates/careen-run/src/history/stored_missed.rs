//! Why a step ran again, as it is stored in the record of its build.

use careen_model::missed::{FileChange, FileChanges, Gone, Missed, Reason};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredMissed {
    step: String,
    name: String,
    #[serde(flatten)]
    reason: StoredReason,
    #[serde(default)]
    lost_caches: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum StoredReason {
    NoCache,
    Instruction {
        before: Option<String>,
        now: String,
    },
    Argument {
        names: Vec<String>,
    },
    Base {
        image: String,
        before: String,
        now: String,
    },
    Files {
        counts: [usize; 4],
        first: Vec<(String, String)>,
    },
    Parent {
        parent: String,
        cause: String,
    },
    Pruned,
    EvictedOrPruned,
    OtherBuilder,
    #[serde(other)]
    Unknown,
}

impl StoredMissed {
    pub(super) fn of(missed: &Missed) -> StoredMissed {
        let reason = match missed.reason.clone() {
            Reason::NoCache => StoredReason::NoCache,
            Reason::Instruction { before, now } => StoredReason::Instruction { before, now },
            Reason::Argument(names) => StoredReason::Argument { names },
            Reason::Base { image, before, now } => StoredReason::Base { image, before, now },
            Reason::Files(files) => StoredReason::Files {
                counts: [files.added, files.removed, files.content, files.mode],
                first: files
                    .first
                    .into_iter()
                    .map(|(path, how)| (path, how.name().to_owned()))
                    .collect(),
            },
            Reason::Parent { parent, cause } => StoredReason::Parent { parent, cause },
            Reason::RecordGone(Gone::Pruned) => StoredReason::Pruned,
            Reason::RecordGone(Gone::Missing) => StoredReason::EvictedOrPruned,
            Reason::RecordGone(Gone::OtherBuilder) => StoredReason::OtherBuilder,
            Reason::Unknown => StoredReason::Unknown,
        };
        let lost_caches = missed.lost_caches.clone();
        StoredMissed { step: missed.step.clone(), name: missed.name.clone(), reason, lost_caches }
    }

    pub(super) fn into_missed(self) -> Missed {
        let reason = match self.reason {
            StoredReason::NoCache => Reason::NoCache,
            StoredReason::Instruction { before, now } => Reason::Instruction { before, now },
            StoredReason::Argument { names } => Reason::Argument(names),
            StoredReason::Base { image, before, now } => Reason::Base { image, before, now },
            StoredReason::Files { counts: [added, removed, content, mode], first } => {
                let first = first.into_iter().filter_map(|(path, how)| Some((path, change(&how)?)));
                let first = first.collect();
                Reason::Files(FileChanges { added, removed, content, mode, first })
            }
            StoredReason::Parent { parent, cause } => Reason::Parent { parent, cause },
            StoredReason::Pruned => Reason::RecordGone(Gone::Pruned),
            StoredReason::EvictedOrPruned => Reason::RecordGone(Gone::Missing),
            StoredReason::OtherBuilder => Reason::RecordGone(Gone::OtherBuilder),
            StoredReason::Unknown => Reason::Unknown,
        };
        Missed { step: self.step, name: self.name, reason, lost_caches: self.lost_caches }
    }
}

fn change(name: &str) -> Option<FileChange> {
    let all = [FileChange::Added, FileChange::Removed, FileChange::Content, FileChange::Mode];
    all.into_iter().find(|change| change.name() == name)
}
