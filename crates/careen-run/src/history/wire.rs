//! Records and events as they are stored. These shapes are versioned; the model's are not.
//!
//! Times are nanoseconds, so that nothing changes by being stored.

use std::time::Duration;

use careen_model::{
    BuildEvent, BuildRecord, Imported, LogClock, LogFormat, Outcome, Run, StepRecord, Stream, Task,
    Transfer, What, phase_of,
};
use serde::{Deserialize, Serialize};

use super::stored_missed::StoredMissed;
use crate::recorder::packages_of;

/// Version of [`StoredRecord`] that this careen writes and the newest it reads.
pub(super) const RECORD_VERSION: u32 = 2;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredRecord {
    pub(super) version: u32,
    started_at: i64,
    steps: Vec<StoredStep>,
    transfers: Vec<StoredTransfer>,
    warnings: Vec<String>,
    outcome: Option<StoredOutcome>,
    error: Option<String>,
    exit_code: Option<i32>,
    image: Option<String>,
    image_digest: Option<String>,
    engine: Option<String>,
    total: u64,
    /// Form and clock of the log it was read from.
    #[serde(default)]
    imported: Option<(String, String)>,
    /// Why steps ran again.
    #[serde(default)]
    missed: Option<Vec<StoredMissed>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredStep {
    id: String,
    name: String,
    inputs: Vec<String>,
    started: Option<u64>,
    ended: Option<u64>,
    cached: bool,
    error: Option<String>,
    tasks: Vec<StoredTask>,
    log_bytes: u64,
    #[serde(default)]
    runs: Vec<(u64, Option<u64>)>,
    #[serde(default)]
    downloaded: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredTask {
    name: String,
    bytes: u64,
    started: u64,
    ended: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredTransfer {
    name: String,
    entries: u64,
    files: u64,
    bytes: u64,
    faults: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StoredOutcome {
    Built,
    Failed,
    Cancelled,
}

/// One line of an event log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventLine {
    at: u64,
    #[serde(flatten)]
    what: StoredWhat,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum StoredWhat {
    Planned {
        step: String,
        name: String,
        inputs: Vec<String>,
    },
    Started {
        step: String,
    },
    Cached {
        step: String,
    },
    Progress {
        step: String,
        task: String,
        current: u64,
        total: Option<u64>,
        done: bool,
    },
    /// Text only: what is not UTF-8 was replaced when it was redacted.
    Log {
        step: String,
        err: bool,
        text: String,
    },
    StepEnded {
        step: String,
        error: Option<String>,
    },
    Warned {
        message: String,
    },
    Sent {
        transfer: StoredTransfer,
    },
    Ended {
        outcome: StoredOutcome,
    },
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl StoredRecord {
    pub(super) fn of(record: &BuildRecord) -> StoredRecord {
        StoredRecord {
            version: RECORD_VERSION,
            started_at: record.started_at,
            steps: record.steps.iter().map(StoredStep::of).collect(),
            transfers: record.transfers.iter().map(StoredTransfer::of).collect(),
            warnings: record.warnings.clone(),
            outcome: record.outcome.map(StoredOutcome::of),
            error: record.error.clone(),
            exit_code: record.exit_code,
            image: record.image.clone(),
            image_digest: record.image_digest.clone(),
            engine: record.engine.clone(),
            total: nanos(record.total),
            imported: record.imported.map(|Imported { format, clock }| {
                (format.name().to_owned(), clock.name().to_owned())
            }),
            missed: record.missed.as_ref().map(|all| all.iter().map(StoredMissed::of).collect()),
        }
    }

    pub(super) fn into_record(self, label: String) -> BuildRecord {
        BuildRecord {
            label,
            started_at: self.started_at,
            steps: self.steps.into_iter().map(StoredStep::into_step).collect(),
            transfers: self.transfers.into_iter().map(StoredTransfer::into_transfer).collect(),
            warnings: self.warnings,
            outcome: self.outcome.map(StoredOutcome::into_outcome),
            error: self.error,
            exit_code: self.exit_code,
            image: self.image,
            image_digest: self.image_digest,
            engine: self.engine,
            total: Duration::from_nanos(self.total),
            imported: self.imported.and_then(|(format, clock)| {
                let format = LogFormat::ALL.into_iter().find(|known| known.name() == format)?;
                let clock = LogClock::ALL.into_iter().find(|known| known.name() == clock)?;
                Some(Imported { format, clock })
            }),
            missed: self.missed.map(|all| all.into_iter().map(StoredMissed::into_missed).collect()),
        }
    }
}

impl StoredStep {
    fn of(step: &StepRecord) -> StoredStep {
        let task = |task: &Task| StoredTask {
            name: task.name.clone(),
            bytes: task.bytes,
            started: nanos(task.started),
            ended: task.ended.map(nanos),
        };
        StoredStep {
            id: step.id.clone(),
            name: step.name.clone(),
            inputs: step.inputs.clone(),
            started: step.started.map(nanos),
            ended: step.ended.map(nanos),
            cached: step.cached,
            error: step.error.clone(),
            tasks: step.tasks.iter().map(task).collect(),
            log_bytes: step.log_bytes,
            runs: step.runs.iter().map(|run| (nanos(run.started), run.ended.map(nanos))).collect(),
            downloaded: step.downloaded,
        }
    }

    fn into_step(self) -> StepRecord {
        let task = |task: StoredTask| Task {
            name: task.name,
            bytes: task.bytes,
            started: Duration::from_nanos(task.started),
            ended: task.ended.map(Duration::from_nanos),
        };
        let run = |(started, ended): (u64, Option<u64>)| Run {
            started: Duration::from_nanos(started),
            ended: ended.map(Duration::from_nanos),
        };
        let phase = phase_of(&self.name);
        StepRecord {
            id: self.id,
            phase,
            packages: packages_of(&self.name, phase),
            name: self.name,
            inputs: self.inputs,
            started: self.started.map(Duration::from_nanos),
            ended: self.ended.map(Duration::from_nanos),
            cached: self.cached,
            error: self.error,
            tasks: self.tasks.into_iter().map(task).collect(),
            log_bytes: self.log_bytes,
            runs: self.runs.into_iter().map(run).collect(),
            downloaded: self.downloaded,
        }
    }
}

impl StoredTransfer {
    fn of(transfer: &Transfer) -> StoredTransfer {
        StoredTransfer {
            name: transfer.name.clone(),
            entries: transfer.entries,
            files: transfer.files,
            bytes: transfer.bytes,
            faults: transfer.faults.clone(),
        }
    }

    fn into_transfer(self) -> Transfer {
        let StoredTransfer { name, entries, files, bytes, faults } = self;
        Transfer { name, entries, files, bytes, faults }
    }
}

impl StoredOutcome {
    fn of(outcome: Outcome) -> StoredOutcome {
        match outcome {
            Outcome::Built => StoredOutcome::Built,
            Outcome::Failed => StoredOutcome::Failed,
            Outcome::Cancelled => StoredOutcome::Cancelled,
        }
    }

    fn into_outcome(self) -> Outcome {
        match self {
            StoredOutcome::Built => Outcome::Built,
            StoredOutcome::Failed => Outcome::Failed,
            StoredOutcome::Cancelled => Outcome::Cancelled,
        }
    }
}

impl EventLine {
    pub(super) fn of(event: &BuildEvent) -> EventLine {
        let what = match event.what.clone() {
            What::StepPlanned { step, name, inputs } => StoredWhat::Planned { step, name, inputs },
            What::StepStarted { step } => StoredWhat::Started { step },
            What::StepCached { step } => StoredWhat::Cached { step },
            What::Progress { step, task, current, total, done } => {
                StoredWhat::Progress { step, task, current, total, done }
            }
            What::Log { step, stream, bytes } => StoredWhat::Log {
                step,
                err: stream == Stream::Err,
                text: String::from_utf8_lossy(&bytes).into_owned(),
            },
            What::StepEnded { step, error } => StoredWhat::StepEnded { step, error },
            What::Warned { message } => StoredWhat::Warned { message },
            What::Sent(transfer) => StoredWhat::Sent { transfer: StoredTransfer::of(&transfer) },
            What::Ended { outcome } => StoredWhat::Ended { outcome: StoredOutcome::of(outcome) },
        };
        EventLine { at: nanos(event.at), what }
    }

    pub(super) fn into_event(self) -> BuildEvent {
        let what = match self.what {
            StoredWhat::Planned { step, name, inputs } => What::StepPlanned { step, name, inputs },
            StoredWhat::Started { step } => What::StepStarted { step },
            StoredWhat::Cached { step } => What::StepCached { step },
            StoredWhat::Progress { step, task, current, total, done } => {
                What::Progress { step, task, current, total, done }
            }
            StoredWhat::Log { step, err, text } => What::Log {
                step,
                stream: if err { Stream::Err } else { Stream::Out },
                bytes: text.into_bytes(),
            },
            StoredWhat::StepEnded { step, error } => What::StepEnded { step, error },
            StoredWhat::Warned { message } => What::Warned { message },
            StoredWhat::Sent { transfer } => What::Sent(transfer.into_transfer()),
            StoredWhat::Ended { outcome } => What::Ended { outcome: outcome.into_outcome() },
        };
        BuildEvent { at: Duration::from_nanos(self.at), what }
    }
}
