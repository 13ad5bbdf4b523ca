//! A build as a stream of events, and the record that the stream folds into.
//!
//! The engine, a saved log and a test all produce the same events; the terminal, the history and
//! the comparison all consume them. Nobody downstream knows where events came from.

use std::collections::BTreeMap;
use std::time::Duration;

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

/// The part of a build a step belongs to. Times are reported by phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    Prepare,
    Context,
    Base,
    Steps,
    Export,
    CacheExport,
}

impl Phase {
    pub const ALL: [Phase; 6] = [
        Phase::Prepare,
        Phase::Context,
        Phase::Base,
        Phase::Steps,
        Phase::Export,
        Phase::CacheExport,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Phase::Prepare => "prepare",
            Phase::Context => "context",
            Phase::Base => "base image",
            Phase::Steps => "steps",
            Phase::Export => "export",
            Phase::CacheExport => "cache export",
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
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    pub id: StepId,
    pub name: String,
    pub phase: Phase,
    pub inputs: Vec<StepId>,
    /// `None`: planned but never run.
    pub started: Option<Duration>,
    pub ended: Option<Duration>,
    pub cached: bool,
    pub error: Option<String>,
    /// Parts with their own times: name, bytes, start, end.
    pub tasks: Vec<Task>,
    pub log_bytes: u64,
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
            What::StepStarted { step } => self.with(step, |s| {
                s.started.get_or_insert(at);
            }),
            What::StepCached { step } => self.with(step, |s| {
                s.cached = true;
                s.started.get_or_insert(at);
            }),
            What::Progress { step, task, current, done, .. } => self.with(step, |s| {
                s.progress(at, task, *current, *done);
            }),
            What::Log { step, bytes, .. } => self.with(step, |s| s.log_bytes += bytes.len() as u64),
            What::StepEnded { step, error } => {
                self.with(step, |s| {
                    s.ended = Some(at);
                    s.error.clone_from(error);
                });
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
            started: None,
            ended: None,
            cached: false,
            error: None,
            tasks: vec![],
            log_bytes: 0,
        });
    }

    fn with(&mut self, step: &str, change: impl FnOnce(&mut StepRecord)) {
        if let Some(record) = self.steps.iter_mut().find(|known| known.id == step) {
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

    /// Wall time during which at least one step of the phase ran.
    ///
    /// Phases overlap (the context is sent while early steps run), so the sum may exceed `total`.
    pub fn by_phase(&self) -> BTreeMap<Phase, Duration> {
        let mut spans: BTreeMap<Phase, Vec<(Duration, Duration)>> = BTreeMap::new();
        for step in &self.steps {
            let Some(started) = step.started else { continue };
            let ended = step.ended.unwrap_or(self.total).max(started);
            spans.entry(step.phase).or_default().push((started, ended));
        }
        spans.into_iter().map(|(phase, list)| (phase, union(list))).collect()
    }

    /// Wall time during which no step ran at all: what no phase accounts for.
    pub fn unaccounted(&self) -> Duration {
        let spans = self.steps.iter().filter_map(|step| {
            let started = step.started?;
            Some((started, step.ended.unwrap_or(self.total).max(started)))
        });
        self.total.saturating_sub(union(spans.collect()))
    }

    /// Steps of the Dockerfile: run, and taken from the cache.
    pub fn run_and_cached(&self) -> (usize, usize) {
        let done = self.steps.iter().filter(|s| s.phase == Phase::Steps && s.started.is_some());
        done.fold(
            (0, 0),
            |(run, cached), step| if step.cached { (run, cached + 1) } else { (run + 1, cached) },
        )
    }

    /// What was sent as the main context.
    pub fn context(&self) -> Option<&Transfer> {
        self.transfers.iter().find(|transfer| transfer.name == "context")
    }

    /// The chain of steps that the end of the build waited for, first step first.
    ///
    /// From the step that ended last, back over the input that ended last each time.
    pub fn critical_path(&self) -> Vec<&StepRecord> {
        let ran = |step: &&StepRecord| step.started.is_some() && step.ended.is_some();
        let mut path = Vec::new();
        let mut next = self.steps.iter().filter(ran).max_by_key(|step| step.ended);
        while let Some(step) = next {
            path.push(step);
            if path.len() > self.steps.len() {
                break;
            }
            let inputs =
                self.steps.iter().filter(ran).filter(|known| step.inputs.contains(&known.id));
            next = inputs.max_by_key(|known| known.ended).or_else(|| self.waited_for(step));
        }
        path.reverse();
        path
    }

    /// Exports and loads name no inputs: they wait for whatever ended last before they began.
    fn waited_for(&self, step: &StepRecord) -> Option<&StepRecord> {
        let before = self.steps.iter().filter(|known| {
            known.id != step.id && known.ended.is_some() && known.ended <= step.started
        });
        before.max_by_key(|known| known.ended)
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

fn union(mut spans: Vec<(Duration, Duration)>) -> Duration {
    spans.sort_unstable();
    let mut total = Duration::ZERO;
    let mut reach = Duration::ZERO;
    for (start, end) in spans {
        let start = start.max(reach);
        total += end.saturating_sub(start);
        reach = reach.max(end);
    }
    total
}

/// The exit code of the command that failed, in the words of every generation:
/// `… did not complete successfully: exit code: 3` and `executor failed running […]: exit code: 3`.
pub fn exit_code_in(error: &str) -> Option<i32> {
    let after = error.rsplit_once("exit code: ")?.1;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// BuildKit does not name phases; its step names do.
pub fn phase_of(name: &str) -> Phase {
    match name {
        n if n.starts_with("exporting cache")
            || n.starts_with("preparing layers for inline cache")
            || n.contains("build cache for export") =>
        {
            Phase::CacheExport
        }
        n if n.starts_with("exporting") || n.starts_with("sending tarball") => Phase::Export,
        n if n.contains("load build context") || n.contains("load from client") => Phase::Context,
        n if n.starts_with("[internal]")
            || n.starts_with("[auth]")
            || n.split(']').next().is_some_and(|label| label.ends_with(" internal"))
            || n.starts_with("resolve")
            || n.starts_with("docker-image://")
            || n.starts_with("importing cache") =>
        {
            Phase::Prepare
        }
        n if n.contains("] FROM ") => Phase::Base,
        _ => Phase::Steps,
    }
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

    fn sick() -> BuildRecord {
        let start = |step: &str| What::StepStarted { step: step.into() };
        let end = |step: &str| What::StepEnded { step: step.into(), error: None };
        build(vec![
            (0, planned("a", "[internal] load build context", &[])),
            (0, planned("b", "[2/3] RUN uv sync", &["a"])),
            (0, planned("x", "[other 1/1] RUN true", &[])),
            (0, planned("c", "exporting to image", &[])),
            (0, start("a")),
            (10, start("x")),
            (20, end("x")),
            (470, end("a")),
            (470, start("b")),
            (1500, end("b")),
            (1502, start("c")),
            (1825, end("c")),
            (1826, What::Ended { outcome: Outcome::Built }),
        ])
    }

    #[test]
    fn time_goes_to_the_phase_its_name_says() {
        let record = sick();
        let seconds: Vec<_> =
            record.by_phase().into_iter().map(|(p, d)| (p, d.as_secs())).collect();
        assert_eq!(seconds, [(Phase::Context, 470), (Phase::Steps, 1040), (Phase::Export, 323)]);
        assert_eq!(record.unaccounted(), Duration::from_secs(3));
        assert_eq!(record.run_and_cached(), (2, 0));
    }

    #[test]
    fn names_tell_the_phase() {
        for (name, phase) in [
            ("[auth] library/python:pull token for registry-1.docker.io", Phase::Prepare),
            ("[linux/arm64 internal] load metadata for python:3.11", Phase::Prepare),
            ("[internal] load .dockerignore", Phase::Prepare),
            ("[base 1/3] FROM python:3.11", Phase::Base),
            ("[stage-1 2/3] RUN echo internal", Phase::Steps),
            ("preparing layers for inline cache", Phase::CacheExport),
            ("exporting to image", Phase::Export),
        ] {
            assert_eq!(phase_of(name), phase, "{name}");
        }
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

    #[test]
    fn the_critical_path_goes_back_over_what_was_waited_for() {
        let record = sick();
        let path: Vec<_> = record.critical_path().iter().map(|s| s.id.as_str()).collect();
        assert_eq!(path, ["a", "b", "c"]);
    }
}
