//! BuildKit's status messages as build events, on one clock.
//!
//! Pure: messages in, events out. The engine stamps everything with its own clock; we turn that
//! into time since the start of the build.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{
    StatusResponse, Vertex, VertexLog, VertexStatus, VertexWarning,
};
use careen_model::{BuildEvent, Stream, What};

use careen_model::SecretValues;

/// A first message is younger than this (measured under 60 ms), so a larger difference between
/// the engine's time and ours is a difference of the clocks.
const LATENCY: f64 = 0.25;

/// Turns messages into events; keeps what it has already told.
pub(crate) struct Mapper {
    clock: Clock,
    redactor: SecretValues,
    /// What the builder says before the names of folders; nobody wants to read it.
    mark: String,
    steps: HashMap<String, Told>,
    tasks: HashSet<(String, String)>,
    /// Ends of output that may be the beginning of a secret, by step and stream.
    held: HashMap<(String, i64), Vec<u8>>,
}

/// What has been told of a step.
#[derive(Default)]
struct Told {
    started: Option<Duration>,
    ended: Option<Duration>,
    cached: bool,
}

/// Engine time to time since the start.
struct Clock {
    /// Our time at the start, seconds since the Unix epoch.
    started: f64,
    /// Seconds to add to the engine's time; known from the first message on.
    correction: Option<f64>,
}

impl Clock {
    /// `theirs` is the newest time in a message that arrived at `ours`.
    fn learn(&mut self, theirs: f64, ours: f64) {
        if self.correction.is_some() {
            return;
        }
        let age = ours - theirs;
        let is_same_clock = (-0.005..LATENCY).contains(&age);
        self.correction = Some(if is_same_clock { 0.0 } else { age });
    }

    fn since_start(&self, theirs: f64) -> Duration {
        let at = theirs + self.correction.unwrap_or(0.0) - self.started;
        Duration::try_from_secs_f64(at).unwrap_or(Duration::ZERO)
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit 53 bits")]
fn seconds(time: &Timestamp) -> f64 {
    time.seconds as f64 + f64::from(time.nanos) / 1e9
}

impl Mapper {
    /// `started` in seconds since the Unix epoch, by our clock.
    pub(crate) fn new(started: f64, redactor: SecretValues, folder_mark: &str) -> Mapper {
        let clock = Clock { started, correction: None };
        Mapper {
            clock,
            redactor,
            mark: format!("{folder_mark}-"),
            steps: HashMap::new(),
            tasks: HashSet::new(),
            held: HashMap::new(),
        }
    }

    pub(crate) fn redactor(&self) -> &SecretValues {
        &self.redactor
    }

    /// The events of one message that arrived at `now`, seconds since the Unix epoch.
    pub(crate) fn map(&mut self, message: &StatusResponse, now: f64) -> Vec<BuildEvent> {
        if let Some(newest) = newest(message) {
            self.clock.learn(newest, now);
        }
        let mut events = Vec::new();
        for vertex in &message.vertexes {
            self.vertex(vertex, now, &mut events);
        }
        // The message that ends a step may carry its last output.
        let ends = events.extract_if(.., |event| self.is_end(event)).collect::<Vec<_>>();
        for status in &message.statuses {
            self.status(status, now, &mut events);
        }
        for log in &message.logs {
            events.extend(self.log(log, now));
        }
        for end in ends {
            self.release(&end, &mut events);
            events.push(end);
        }
        for warning in &message.warnings {
            events.push(self.warning(warning, now));
        }
        events
    }

    fn at(&self, time: Option<&Timestamp>, now: f64) -> Duration {
        match time {
            Some(time) => self.clock.since_start(seconds(time)),
            None => Duration::try_from_secs_f64(now - self.clock.started).unwrap_or_default(),
        }
    }

    fn vertex(&mut self, vertex: &Vertex, now: f64, events: &mut Vec<BuildEvent>) {
        let step = vertex.digest.clone();
        let started = vertex.started.as_ref().map(|time| self.clock.since_start(seconds(time)));
        let ended = vertex.completed.as_ref().map(|time| self.clock.since_start(seconds(time)));
        let arrived = self.at(None, now);
        if !self.steps.contains_key(&step) {
            let what = What::StepPlanned {
                step: step.clone(),
                name: self.redactor.text(&vertex.name),
                inputs: vertex.inputs.clone(),
            };
            events.push(BuildEvent { at: started.unwrap_or(arrived), what });
        }
        let error = (!vertex.error.is_empty()).then(|| self.redactor.text(&vertex.error));
        let told = self.steps.entry(step.clone()).or_default();
        if let Some(at) = started
            && told.started != Some(at)
        {
            // Looking into the cache and running are two intervals of one step.
            told.started = Some(at);
            told.ended = None;
            events.push(BuildEvent { at, what: What::StepStarted { step: step.clone() } });
        }
        if vertex.cached && !told.cached {
            told.cached = true;
            let at = ended.or(started).unwrap_or(arrived);
            events.push(BuildEvent { at, what: What::StepCached { step: step.clone() } });
        }
        let is_new_end = ended.is_some() && told.ended != ended;
        // A step that never ran can still fail, when what it waits for does.
        let is_new_error = ended.is_none() && error.is_some() && told.ended.is_none();
        if is_new_end || is_new_error {
            let at = ended.unwrap_or(arrived);
            told.ended = Some(at);
            events.push(BuildEvent { at, what: What::StepEnded { step, error } });
        }
    }

    fn status(&mut self, status: &VertexStatus, now: f64, events: &mut Vec<BuildEvent>) {
        let task = self.redactor.text(status.id.trim_end_matches([':', ' ']));
        let task = match task.split_once(&self.mark) {
            Some((before, after)) if self.mark.len() > 1 => format!("{before}{after}"),
            _ => task,
        };
        let step = status.vertex.clone();
        let bytes = |value: i64| u64::try_from(value).unwrap_or(0);
        let total = Some(bytes(status.total)).filter(|&total| total > 0);
        let done = status.completed.is_some();
        let is_first = self.tasks.insert((step.clone(), task.clone()));
        if is_first && let Some(started) = &status.started {
            let at = self.at(Some(started), now);
            let what = What::Progress {
                step: step.clone(),
                task: task.clone(),
                current: 0,
                total,
                done: false,
            };
            events.push(BuildEvent { at, what });
        }
        let at = self.at(status.completed.as_ref().or(status.timestamp.as_ref()), now);
        let current = bytes(status.current);
        events.push(BuildEvent { at, what: What::Progress { step, task, current, total, done } });
    }

    /// A secret may come in two pieces, so an end that could be its beginning waits for more.
    fn log(&mut self, log: &VertexLog, now: f64) -> Option<BuildEvent> {
        let at = self.at(log.timestamp.as_ref(), now);
        let held = self.held.entry((log.vertex.clone(), log.stream)).or_default();
        held.extend_from_slice(&log.msg);
        let mut bytes = self.redactor.bytes(held);
        *held = bytes.split_off(bytes.len() - self.redactor.begun(&bytes));
        (!bytes.is_empty()).then(|| log_event(at, &log.vertex, log.stream, bytes))
    }

    /// Whether this ends a step for good: looking into the cache ends too, and then it starts,
    /// both in one message when an engine tells of the past.
    fn is_end(&self, event: &BuildEvent) -> bool {
        match &event.what {
            What::StepEnded { step, .. } => self.steps[step].ended == Some(event.at),
            _ => false,
        }
    }

    /// What was held back of a step that ended.
    fn release(&mut self, end: &BuildEvent, events: &mut Vec<BuildEvent>) {
        let What::StepEnded { step, .. } = &end.what else { return };
        for stream in [1, 2] {
            let Some(bytes) = self.held.remove(&(step.clone(), stream)) else { continue };
            if !bytes.is_empty() {
                events.push(log_event(end.at, step, stream, bytes));
            }
        }
    }

    fn warning(&self, warning: &VertexWarning, now: f64) -> BuildEvent {
        let mut message = self.redactor.text(&String::from_utf8_lossy(&warning.short));
        let start = warning.ranges.first().and_then(|range| range.start.as_ref());
        // BuildKit's own checks name the line in their text, other frontends do not.
        if let Some(line) = start.filter(|_| !message.contains("(line ")) {
            message = format!("{message} (line {})", line.line);
        }
        BuildEvent { at: self.at(None, now), what: What::Warned { message } }
    }
}

/// Streams have the numbers of file descriptors.
fn log_event(at: Duration, step: &str, stream: i64, bytes: Vec<u8>) -> BuildEvent {
    let stream = if stream == 2 { Stream::Err } else { Stream::Out };
    BuildEvent { at, what: What::Log { step: step.to_owned(), stream, bytes } }
}

/// The newest time that a message mentions.
pub(crate) fn newest(message: &StatusResponse) -> Option<f64> {
    times(message).max_by(f64::total_cmp)
}

/// The oldest time that a message mentions.
pub(crate) fn oldest(message: &StatusResponse) -> Option<f64> {
    times(message).min_by(f64::total_cmp)
}

fn times(message: &StatusResponse) -> impl Iterator<Item = f64> {
    let vertexes = message.vertexes.iter().flat_map(|v| [&v.started, &v.completed]);
    let statuses = message.statuses.iter().flat_map(|s| [&s.timestamp, &s.completed]);
    let logs = message.logs.iter().map(|log| &log.timestamp);
    vertexes.chain(statuses).chain(logs).flatten().map(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn time(seconds: i64, millis: i32) -> Option<Timestamp> {
        let time = Timestamp { seconds, nanos: millis * 1_000_000 };
        (seconds > 0).then_some(time)
    }

    fn vertex(digest: &str, name: &str) -> Vertex {
        Vertex { digest: digest.into(), name: name.into(), ..Vertex::default() }
    }

    /// The shape of messages is that of a recorded build: a step is told, starts, logs, ends.
    fn messages(skew: i64) -> Vec<StatusResponse> {
        let base = 1000 + skew;
        let run = Vertex { inputs: vec!["a".into()], ..vertex("b", "[2/2] RUN echo hunter2") };
        vec![
            StatusResponse {
                vertexes: vec![
                    Vertex {
                        started: time(base, 10),
                        ..vertex("a", "[internal] load build context")
                    },
                    run.clone(),
                ],
                ..StatusResponse::default()
            },
            StatusResponse {
                statuses: vec![VertexStatus {
                    id: "transferring context:".into(),
                    vertex: "a".into(),
                    current: 500,
                    started: time(base, 20),
                    timestamp: time(base, 90),
                    completed: time(base, 100),
                    ..VertexStatus::default()
                }],
                vertexes: vec![
                    Vertex {
                        started: time(base, 10),
                        completed: time(base, 110),
                        ..vertex("a", "[internal] load build context")
                    },
                    Vertex { started: time(base, 120), ..run.clone() },
                ],
                ..StatusResponse::default()
            },
            StatusResponse {
                logs: vec![VertexLog {
                    vertex: "b".into(),
                    timestamp: time(base, 500),
                    stream: 2,
                    msg: b"it is hunter2\n".to_vec(),
                }],
                warnings: vec![VertexWarning { short: b"old ENV".to_vec(), ..Default::default() }],
                ..StatusResponse::default()
            },
            StatusResponse {
                vertexes: vec![Vertex {
                    started: time(base, 120),
                    completed: time(base + 1, 0),
                    error: "exit code: 3 with hunter2".into(),
                    ..run
                }],
                ..StatusResponse::default()
            },
        ]
    }

    fn check(skew: i64, expected: &Expect) {
        use std::fmt::Write;
        let secret: &[u8] = b"hunter2";
        let mut mapper = Mapper::new(1000.0, SecretValues::new([secret].into_iter()), "");
        let mut text = String::new();
        for (message, now) in messages(skew).iter().zip([1000.05, 1000.15, 1000.55, 1001.05]) {
            for event in mapper.map(message, now) {
                writeln!(text, "{:>4} {:?}", event.at.as_millis(), event.what).unwrap();
            }
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn a_build_is_told_once_in_engine_time() {
        check(
            0,
            &expect![[r#"
                  10 StepPlanned { step: "a", name: "[internal] load build context", inputs: [] }
                  10 StepStarted { step: "a" }
                  50 StepPlanned { step: "b", name: "[2/2] RUN echo ***", inputs: ["a"] }
                 120 StepStarted { step: "b" }
                  20 Progress { step: "a", task: "transferring context", current: 0, total: None, done: false }
                 100 Progress { step: "a", task: "transferring context", current: 500, total: None, done: true }
                 110 StepEnded { step: "a", error: None }
                 500 Log { step: "b", stream: Err, bytes: [105, 116, 32, 105, 115, 32, 42, 42, 42, 10] }
                 550 Warned { message: "old ENV" }
                1000 StepEnded { step: "b", error: Some("exit code: 3 with ***") }
            "#]],
        );
    }

    #[test]
    fn a_secret_in_two_pieces_stays_hidden() {
        let secret: &[u8] = b"hunter2";
        let mut mapper = Mapper::new(1000.0, SecretValues::new([secret].into_iter()), "");
        let mut told = Vec::new();
        for piece in [&b"it is hun"[..], b"ter2\nno hunt", b"ing\nthe end hu"] {
            let log = VertexLog {
                vertex: "b".into(),
                stream: 1,
                msg: piece.to_vec(),
                ..Default::default()
            };
            let message = StatusResponse { logs: vec![log], ..StatusResponse::default() };
            told.extend(mapper.map(&message, 1000.1));
        }
        let end = Vertex { started: time(1000, 1), completed: time(1000, 2), ..vertex("b", "RUN") };
        let message = StatusResponse { vertexes: vec![end], ..StatusResponse::default() };
        told.extend(mapper.map(&message, 1000.2));
        let logs = told.iter().filter_map(|event| match &event.what {
            What::Log { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        assert_eq!(logs.collect::<Vec<_>>(), ["it is ", "***\nno ", "hunting\nthe end ", "hu"]);
    }

    #[test]
    fn an_engine_with_another_clock_tells_the_same_story() {
        // Off by 40 ms at most: how long the first message was under way is unknown.
        let mut clock = Clock { started: 1000.0, correction: None };
        clock.learn(4600.01, 1000.05);
        assert_eq!(clock.since_start(4600.01).as_millis(), 50);
        assert_eq!(clock.since_start(4601.01).as_millis(), 1050);
        let mut clock = Clock { started: 1000.0, correction: None };
        clock.learn(1000.01, 1000.05);
        assert_eq!(clock.since_start(1000.01).as_millis(), 10);
        assert_eq!(clock.since_start(900.0), Duration::ZERO);
    }
}
