//! Lines of JSON of `--progress=rawjson`: BuildKit's own messages, so read as the engine's are.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{
    StatusResponse, Vertex, VertexLog, VertexStatus, VertexWarning,
};
use bollard_buildkit_proto::pb;
use careen_model::{BuildEvent, Outcome, What};
use serde::Deserialize;

use super::{Each, LogLine, prefix, texts};
use crate::events::{self, Mapper};

/// BuildKit's messages so far.
#[derive(Debug, Default)]
pub(super) struct RawJson {
    story: Story,
    error: Option<String>,
}

/// Messages of a build that is over, as events since its first moment.
#[derive(Default)]
pub(super) struct Story {
    told: Option<(Mapper, f64)>,
    /// Messages of before the first one with a time: they name steps.
    held: Vec<StatusResponse>,
    end: Ending,
}

/// So many messages without any time are kept.
const HELD: usize = 1000;

/// What tells how the build ended.
#[derive(Debug, Default)]
struct Ending {
    newest: Duration,
    open: BTreeSet<String>,
    has_steps: bool,
    failed: bool,
    cancelled: bool,
}

impl std::fmt::Debug for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Story {{ began: {:?} }}", self.began())
    }
}

/// Whether a log of this form begins with `text`.
pub(super) fn begins(text: &[u8]) -> bool {
    let known: [&[u8]; 4] = [b"{\"vertexes\"", b"{\"statuses\"", b"{\"logs\"", b"{\"warnings\""];
    known.iter().any(|start| text.starts_with(start))
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default, borrow)]
    vertexes: Vec<OneVertex<'a>>,
    #[serde(default, borrow)]
    statuses: Vec<OneStatus<'a>>,
    #[serde(default, borrow)]
    logs: Vec<OneLog<'a>>,
    #[serde(default)]
    warnings: Vec<OneWarning>,
}

type Text<'a> = std::borrow::Cow<'a, str>;

#[derive(Deserialize)]
struct OneVertex<'a> {
    #[serde(default, borrow)]
    digest: Text<'a>,
    #[serde(default)]
    inputs: Option<Vec<String>>,
    #[serde(default, borrow)]
    name: Text<'a>,
    started: Option<String>,
    completed: Option<String>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct OneStatus<'a> {
    #[serde(default, borrow)]
    id: Text<'a>,
    #[serde(default, borrow)]
    vertex: Text<'a>,
    #[serde(default)]
    total: i64,
    #[serde(default)]
    current: i64,
    timestamp: Option<String>,
    started: Option<String>,
    completed: Option<String>,
}

#[derive(Deserialize)]
struct OneLog<'a> {
    #[serde(default, borrow)]
    vertex: Text<'a>,
    #[serde(default)]
    stream: i64,
    #[serde(default, borrow)]
    data: Text<'a>,
    timestamp: Option<String>,
}

#[derive(Deserialize)]
struct OneWarning {
    #[serde(default)]
    vertex: String,
    #[serde(default)]
    level: i64,
    /// Base64, as all bytes in Go's JSON.
    #[serde(default)]
    short: String,
    #[serde(default)]
    range: Option<Vec<OneRange>>,
}

#[derive(Deserialize)]
struct OneRange {
    start: Option<OnePosition>,
}

#[derive(Deserialize)]
struct OnePosition {
    #[serde(default)]
    line: i32,
}

impl RawJson {
    pub(super) fn line(&mut self, line: LogLine<'_>, each: Each<'_>) {
        let Some(message) = parse(line.text) else {
            let text = String::from_utf8_lossy(&line.text[..line.text.len().min(64 << 10)]);
            if let Some(error) = texts::failure(texts::without_escapes(&text).trim()) {
                self.error = Some(error.to_owned());
            }
            return;
        };
        self.story.tell(message, each);
    }

    pub(super) fn began(&self) -> Option<i64> {
        self.story.began()
    }

    pub(super) fn finish(&mut self, each: Each<'_>) {
        self.story.finish(self.error.take(), each);
    }
}

impl Story {
    /// Tells a message; the first one that has a time begins the story.
    pub(super) fn tell(&mut self, message: StatusResponse, each: Each<'_>) {
        if self.told.is_none() {
            let Some(began) = events::oldest(&message) else {
                if self.held.len() < HELD {
                    self.held.push(message);
                }
                return;
            };
            self.told =
                Some((Mapper::new(began, careen_model::SecretValues::default(), ""), began));
            for held in std::mem::take(&mut self.held) {
                self.map(&held, each);
            }
        }
        self.map(&message, each);
    }

    fn map(&mut self, message: &StatusResponse, each: Each<'_>) {
        let Some((mapper, began)) = &mut self.told else { return };
        // The messages were written when their newest time was now.
        let now = events::newest(message).unwrap_or(*began + self.end.newest.as_secs_f64());
        for event in mapper.map(message, now) {
            self.end.learn(&event);
            each(&event);
        }
    }

    pub(super) fn began(&self) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds of our time")]
        self.told.as_ref().map(|(_, began)| *began as i64)
    }

    /// Tells how the build ended, when the messages do.
    pub(super) fn finish(&self, error: Option<String>, each: Each<'_>) {
        let at = self.end.newest;
        let is_cancel =
            error.as_ref().map_or(self.end.cancelled, |error| error.contains("context canceled"));
        let is_over = self.end.open.is_empty() && self.end.has_steps;
        let outcome = if self.end.failed || (error.is_some() && !is_cancel) {
            Outcome::Failed
        } else if is_cancel {
            Outcome::Cancelled
        } else if is_over {
            Outcome::Built
        } else {
            return;
        };
        if let Some(error) = error.filter(|_| !self.end.failed) {
            let what = What::StepEnded { step: String::new(), error: Some(error) };
            each(&BuildEvent { at, what });
        }
        each(&BuildEvent { at, what: What::Ended { outcome } });
    }
}

impl Ending {
    fn learn(&mut self, event: &BuildEvent) {
        self.newest = self.newest.max(event.at);
        match &event.what {
            What::StepStarted { step } => {
                self.has_steps = true;
                if self.open.len() < super::MOST_STEPS {
                    self.open.insert(step.clone());
                }
            }
            What::StepEnded { step, error } => {
                self.open.remove(step);
                match error {
                    Some(error) if error.contains("context canceled") => self.cancelled = true,
                    Some(_) => self.failed = true,
                    None => (),
                }
            }
            _ => (),
        }
    }
}

fn time(text: Option<&String>) -> Option<Timestamp> {
    let text = text?;
    let whole = prefix::epoch(text)?;
    // A float has not the digits for nanoseconds.
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let mut nanos = 0;
    let mut unit = 100_000_000;
    for digit in fraction.bytes().take_while(u8::is_ascii_digit).take(9) {
        nanos += i32::from(digit - b'0') * unit;
        unit /= 10;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds of our time")]
    let seconds = whole.floor() as i64;
    Some(Timestamp { seconds, nanos })
}

fn parse(line: &[u8]) -> Option<StatusResponse> {
    if line.first() != Some(&b'{') {
        return None;
    }
    let message: Message<'_> = serde_json::from_slice(line).ok()?;
    let decode = |text: &str| STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec());
    let vertexes = message.vertexes.into_iter().map(|vertex| Vertex {
        digest: vertex.digest.into_owned(),
        inputs: vertex.inputs.unwrap_or_default(),
        name: vertex.name.into_owned(),
        started: time(vertex.started.as_ref()),
        completed: time(vertex.completed.as_ref()),
        cached: vertex.cached,
        error: vertex.error,
        ..Vertex::default()
    });
    let statuses = message.statuses.into_iter().map(|status| VertexStatus {
        id: status.id.into_owned(),
        vertex: status.vertex.into_owned(),
        total: status.total,
        current: status.current,
        timestamp: time(status.timestamp.as_ref()),
        started: time(status.started.as_ref()),
        completed: time(status.completed.as_ref()),
        ..VertexStatus::default()
    });
    let logs = message.logs.into_iter().map(|log| VertexLog {
        vertex: log.vertex.into_owned(),
        stream: log.stream,
        msg: decode(&log.data),
        timestamp: time(log.timestamp.as_ref()),
    });
    let warnings = message.warnings.into_iter().map(|warning| VertexWarning {
        vertex: warning.vertex,
        level: warning.level,
        short: decode(&warning.short),
        ranges: warning
            .range
            .unwrap_or_default()
            .into_iter()
            .map(|range| pb::Range {
                start: range.start.map(|start| pb::Position { line: start.line, character: 0 }),
                end: None,
            })
            .collect(),
        ..VertexWarning::default()
    });
    Some(StatusResponse {
        vertexes: vertexes.collect(),
        statuses: statuses.collect(),
        logs: logs.collect(),
        warnings: warnings.collect(),
    })
}
