//! A build as a stream of events, and the record that the stream folds into.
//!
//! The engine, a saved log and a test all produce the same events; the terminal, the history and
//! the comparison all consume them. Nobody downstream knows where events came from.

mod downloads;
mod group;
pub mod missed;
mod phase;
mod times;

use std::time::Duration;

pub use self::downloads::told as told_downloads;
pub use self::group::{PackageGroup, PackageGroups};
pub use self::missed::Missed;
pub use self::phase::{Phase, phase_of};
pub use self::times::{CacheSource, Part, Share, Wait};

/// Identifies a step within one build: BuildKit's vertex digest, or a counter.
pub type StepId = String;

/// Something happened, `at` after the build began.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildEvent {
    pub at: Duration,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The engine told us of a step; it may start much later, or never.
    StepPlanned {
        step: StepId,
        name: String,
        inputs: Vec<StepId>,
    },
    StepStarted {
        step: StepId,
    },
    StepCached {
        step: StepId,
    },
    /// A part of a step with its own progress: `transferring context`, `exporting layers`.
    /// `current` and `total` are bytes where the engine counts bytes.
    Progress {
        step: StepId,
        task: String,
        current: u64,
        total: Option<u64>,
        done: bool,
    },
    /// Output of the step, as it came; may break anywhere, also within a character.
    Log {
        step: StepId,
        stream: Stream,
        bytes: Vec<u8>,
    },
    StepEnded {
        step: StepId,
        error: Option<String>,
    },
    /// A warning of the builder itself, such as a lint finding.
    Warned {
        message: String,
    },
    /// What our own file sync has sent so far, for one named folder.
    Sent(Transfer),
    Ended {
        outcome: Outcome,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// What the file sync did for one folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer {
    /// `context`, `dockerfile` or the name of a named context; `dockerignore` for the ignore file,
    /// which a builder fetches apart from the context it belongs to.
    pub name: String,
    /// Entries told to the builder.
    pub entries: u64,
    /// Files whose content the builder asked for.
    pub files: u64,
    /// Bytes of content sent.
    pub bytes: u64,
    /// Files that changed size while they were sent, or could not be read.
    pub faults: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Built,
    Failed,
    Cancelled,
}

/// Where the events of a build were read when careen did not run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    pub format: LogFormat,
    pub clock: LogClock,
}

/// The forms in which builds are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines of JSON of `buildx build --progress=rawjson`.
    RawJson,
    /// Lines such as `#7 1.234 text` of `--progress=plain`.
    Plain,
    /// Frames such as `=> [2/5] RUN make` of `--progress=tty`.
    Terminal,
    /// `Step 3/7 : RUN make` of the builder before BuildKit, and of Buildah.
    Classic,
    /// Careen's own event log.
    Events,
    /// What `careen build --format jsonl` writes.
    Jsonl,
    /// A build exported by `docker buildx history export`.
    DockerBuild,
}

/// What the times of a log were read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogClock {
    /// The engine's own times.
    Engine,
    /// Times that a build service wrote before every line.
    Lines,
    /// Durations only: when a step began is worked out from what it needs.
    Durations,
    /// The log has no times.
    Nothing,
}

impl LogFormat {
    pub const ALL: [LogFormat; 7] = [
        LogFormat::RawJson,
        LogFormat::Plain,
        LogFormat::Terminal,
        LogFormat::Classic,
        LogFormat::Events,
        LogFormat::Jsonl,
        LogFormat::DockerBuild,
    ];

    pub fn name(self) -> &'static str {
        match self {
            LogFormat::RawJson => "rawjson",
            LogFormat::Plain => "plain",
            LogFormat::Terminal => "tty",
            LogFormat::Classic => "classic",
            LogFormat::Events => "events",
            LogFormat::Jsonl => "jsonl",
            LogFormat::DockerBuild => "dockerbuild",
        }
    }
}

impl LogClock {
    pub const ALL: [LogClock; 4] =
        [LogClock::Engine, LogClock::Lines, LogClock::Durations, LogClock::Nothing];

    pub fn name(self) -> &'static str {
        match self {
            LogClock::Engine => "engine",
            LogClock::Lines => "lines",
            LogClock::Durations => "durations",
            LogClock::Nothing => "nothing",
        }
    }
}

/// What is left of a build when the events are gone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BuildRecord {
    /// Short id in the history, such as `0007`; empty before it is stored.
    pub label: String,
    /// Seconds since the Unix epoch.
    pub started_at: i64,
    /// In the order the engine first told of them.
    pub steps: Vec<StepRecord>,
    pub transfers: Vec<Transfer>,
    pub warnings: Vec<String>,
    pub outcome: Option<Outcome>,
    /// The error of the step that failed, or of the whole build.
    pub error: Option<String>,
    /// Exit code of the command that failed, when the engine told it.
    pub exit_code: Option<i32>,
    pub image: Option<String>,
    pub image_digest: Option<String>,
    pub engine: Option<String>,
    pub total: Duration,
    /// Read from a log; `None` for a build that careen ran.
    pub imported: Option<Imported>,
    /// Steps that ran although the build before had them; `None` when that was not looked at.
    pub missed: Option<Vec<Missed>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepRecord {
    pub id: StepId,
    pub name: String,
    pub phase: Phase,
    pub inputs: Vec<StepId>,
    /// `None`: planned but never run.
    pub started: Option<Duration>,
    pub ended: Option<Duration>,
    /// When it was at work: an engine may begin a step, leave it and begin it again. In order;
    /// empty in records of before it was kept.
    pub runs: Vec<Run>,
    pub cached: bool,
    pub error: Option<String>,
    /// Parts with their own times: name, bytes, start, end.
    pub tasks: Vec<Task>,
    pub log_bytes: u64,
    /// Bytes of downloads that its own output told of, such as apt's and pip's.
    pub downloaded: u64,
    /// What it installs, where its name tells; only for steps of [`Phase::Packages`].
    pub packages: PackageGroups,
}

/// One stretch of work of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub started: Duration,
    pub ended: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub name: String,
    pub bytes: u64,
    pub started: Duration,
    pub ended: Option<Duration>,
}

impl BuildRecord {
    /// Folds one event in. Order is the only thing that matters; clocks are never read.
    pub fn apply(&mut self, event: &BuildEvent) {
        self.total = self.total.max(event.at);
        let at = event.at;
        match &event.what {
            What::StepPlanned { step, name, inputs } => self.plan(step, name, inputs),
            What::StepStarted { step } => self.with(step, |s| s.start(at)),
            What::StepCached { step } => self.with(step, |s| {
                s.cached = true;
                s.started.get_or_insert(at);
            }),
            What::Progress { step, task, current, done, .. } => self.with(step, |s| {
                s.progress(at, task, *current, *done);
            }),
            What::Log { step, bytes, .. } => self.with(step, |s| {
                s.log_bytes += bytes.len() as u64;
                s.downloaded += told_downloads(bytes);
            }),
            What::StepEnded { step, error } => {
                self.with(step, |s| s.end(at, error.as_ref()));
                if let Some(error) = error {
                    self.failed(error);
                }
            }
            What::Warned { message } => self.warnings.push(message.clone()),
            What::Sent(transfer) => self.transferred(transfer),
            What::Ended { outcome } => self.outcome = Some(*outcome),
        }
    }

    fn plan(&mut self, step: &str, name: &str, inputs: &[StepId]) {
        if self.steps.iter().any(|known| known.id == step) {
            return;
        }
        self.steps.push(StepRecord {
            id: step.to_owned(),
            name: name.to_owned(),
            phase: phase_of(name),
            inputs: inputs.to_vec(),
            ..StepRecord::default()
        });
    }

    fn with(&mut self, step: &str, change: impl FnOnce(&mut StepRecord)) {
        // The newest steps tell most.
        if let Some(record) = self.steps.iter_mut().rfind(|known| known.id == step) {
            change(record);
        }
    }

    /// The first error that is not the echo of another one: when one step fails, the steps beside
    /// it are cancelled, and either may be told first.
    fn failed(&mut self, error: &str) {
        let is_echo = |text: &str| text.contains("context canceled");
        if self.error.as_deref().is_none_or(|known| is_echo(known) && !is_echo(error)) {
            self.error = Some(error.to_owned());
            self.exit_code = exit_code_in(error);
        }
    }

    fn transferred(&mut self, transfer: &Transfer) {
        match self.transfers.iter_mut().find(|known| known.name == transfer.name) {
            Some(known) => *known = transfer.clone(),
            None => self.transfers.push(transfer.clone()),
        }
    }

    /// Steps of the Dockerfile: run, and taken from the cache.
    pub fn run_and_cached(&self) -> (usize, usize) {
        let done = self.steps.iter().filter(|s| s.phase.is_step() && s.started.is_some());
        done.fold(
            (0, 0),
            |(run, cached), step| if step.cached { (run, cached + 1) } else { (run + 1, cached) },
        )
    }

    /// What was sent as the main context.
    pub fn context(&self) -> Option<&Transfer> {
        self.transfers.iter().find(|transfer| transfer.name == "context")
    }
}

impl StepRecord {
    /// Wall time of the step; zero when it never started.
    pub fn took(&self) -> Duration {
        match (self.started, self.ended) {
            (Some(started), Some(ended)) => ended.saturating_sub(started),
            _ => Duration::ZERO,
        }
    }

    /// Beginning again after an end is a new stretch; before one it is the same news again.
    fn start(&mut self, at: Duration) {
        self.started.get_or_insert(at);
        match self.runs.last_mut() {
            Some(Run { ended: None, .. }) => (),
            _ => self.runs.push(Run { started: at, ended: None }),
        }
    }

    fn end(&mut self, at: Duration, error: Option<&String>) {
        self.ended = Some(at);
        self.error = error.cloned();
        if let Some(run) = self.runs.last_mut() {
            run.ended = Some(run.ended.unwrap_or(at).max(at));
        }
    }

    fn progress(&mut self, at: Duration, task: &str, bytes: u64, done: bool) {
        let known = if let Some(known) = self.tasks.iter_mut().find(|known| known.name == task) {
            known
        } else {
            self.tasks.push(Task { name: task.to_owned(), bytes, started: at, ended: None });
            self.tasks.last_mut().expect("one was just pushed")
        };
        known.bytes = known.bytes.max(bytes);
        if done {
            known.ended.get_or_insert(at);
        }
    }
}

/// The exit code of the command that failed, in the words of every generation:
/// `… did not complete successfully: exit code: 3`, `executor failed running […]: exit code: 3`
/// and `… returned a non-zero code: 3`.
pub fn exit_code_in(error: &str) -> Option<i32> {
    let words = ["exit code: ", "non-zero code: "];
    let after = words.iter().find_map(|words| Some(error.rsplit_once(words)?.1))?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(step: &str, name: &str, inputs: &[&str]) -> What {
        let inputs = inputs.iter().map(|id| (*id).to_owned()).collect();
        What::StepPlanned { step: step.into(), name: name.into(), inputs }
    }

    fn build(script: Vec<(u64, What)>) -> BuildRecord {
        let mut record = BuildRecord::default();
        for (second, what) in script {
            record.apply(&BuildEvent { at: Duration::from_secs(second), what });
        }
        record
    }

    #[test]
    fn a_step_that_begins_again_has_two_stretches() {
        let start = || What::StepStarted { step: "a".into() };
        let end = || What::StepEnded { step: "a".into(), error: None };
        let record = build(vec![
            (0, planned("a", "[internal] load build context", &[])),
            (0, start()),
            (1, end()),
            (5, start()),
            (6, start()),
            (9, end()),
        ]);
        let step = &record.steps[0];
        assert_eq!((step.took().as_secs(), step.active(record.total).as_secs()), (9, 5));
        assert_eq!(step.runs.len(), 2);
    }

    #[test]
    fn the_cause_is_kept_and_not_its_echo() {
        let end = |error: &str| What::StepEnded { step: "a".into(), error: Some(error.to_owned()) };
        let cause = "process \"x\" did not complete successfully: exit code: 137";
        for errors in [["context canceled", cause], [cause, "context canceled"]] {
            let record = build(errors.iter().map(|error| (1, end(error))).collect());
            assert_eq!((record.error.as_deref(), record.exit_code), (Some(cause), Some(137)));
        }
        assert_eq!(exit_code_in("executor failed running [sh]: exit code: 3"), Some(3));
        assert_eq!(exit_code_in("not found"), None);
    }
}
