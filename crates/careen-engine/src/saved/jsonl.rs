//! Lines of JSON of `careen build --format jsonl`: our own events, as programs read them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use careen_model::{BuildEvent, Outcome, Stream, Transfer, What};
use serde::Deserialize;

use super::{Each, LogLine, MOST_STEPS};

/// No build takes so many seconds; a damaged line may say so.
const LONGEST: f64 = 1e9;

/// A line that is none of ours, or was cut, is left out.
#[derive(Debug, Default)]
pub(super) struct Jsonl {
    steps: BTreeSet<String>,
    /// When the present build began: several streams in one file are one after the other.
    began: Duration,
    newest: Duration,
    has_ended: bool,
}

type Text<'a> = Cow<'a, str>;

#[derive(Deserialize)]
struct Line<'a> {
    at_seconds: f64,
    #[serde(flatten, borrow)]
    event: Happened<'a>,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Happened<'a> {
    StepPlanned {
        #[serde(borrow)]
        step: Text<'a>,
        #[serde(borrow)]
        name: Text<'a>,
        #[serde(default)]
        inputs: Vec<String>,
    },
    StepStarted {
        #[serde(borrow)]
        step: Text<'a>,
    },
    StepCached {
        #[serde(borrow)]
        step: Text<'a>,
    },
    Progress {
        #[serde(borrow)]
        step: Text<'a>,
        #[serde(borrow)]
        task: Text<'a>,
        current: u64,
        total: Option<u64>,
        #[serde(default)]
        done: bool,
    },
    Log {
        #[serde(borrow)]
        step: Text<'a>,
        #[serde(borrow)]
        stream: Text<'a>,
        #[serde(borrow)]
        text: Text<'a>,
    },
    StepEnded {
        #[serde(borrow)]
        step: Text<'a>,
        error: Option<String>,
    },
    Warned {
        message: String,
    },
    Sent {
        name: String,
        entries: u64,
        files: u64,
        bytes: u64,
        #[serde(default)]
        faults: Vec<String>,
    },
    Ended {
        #[serde(borrow)]
        outcome: Text<'a>,
    },
    /// Of a careen that tells more than this one knows.
    #[serde(other)]
    Other,
}

/// Whether a log of this form begins with `text`.
pub(super) fn begins(text: &[u8]) -> bool {
    text.starts_with(b"{\"at_seconds\":")
}

impl Jsonl {
    pub(super) fn line(&mut self, line: LogLine<'_>, each: Each<'_>) {
        if line.is_rest || !begins(line.text) {
            return;
        }
        let Ok(Line { at_seconds, event }) = serde_json::from_slice(line.text) else { return };
        let Some(since) = Some(at_seconds).filter(|at| (0.0..LONGEST).contains(at)) else { return };
        let Some(what) = self.what(event) else { return };
        if std::mem::replace(&mut self.has_ended, matches!(what, What::Ended { .. })) {
            self.began = self.newest;
        }
        let at = self.began + Duration::from_secs_f64(since);
        self.newest = self.newest.max(at);
        each(&BuildEvent { at, what });
    }

    fn what(&mut self, event: Happened<'_>) -> Option<What> {
        Some(match event {
            Happened::StepPlanned { step, name, inputs } => {
                if self.steps.len() >= MOST_STEPS && !self.steps.contains(step.as_ref()) {
                    return None;
                }
                let step = step.into_owned();
                self.steps.insert(step.clone());
                What::StepPlanned { step, name: name.into_owned(), inputs }
            }
            Happened::StepStarted { step } => What::StepStarted { step: step.into_owned() },
            Happened::StepCached { step } => What::StepCached { step: step.into_owned() },
            Happened::Progress { step, task, current, total, done } => What::Progress {
                step: step.into_owned(),
                task: task.into_owned(),
                current,
                total,
                done,
            },
            Happened::Log { step, stream, text } => What::Log {
                step: step.into_owned(),
                stream: if stream == "err" { Stream::Err } else { Stream::Out },
                bytes: text.into_owned().into_bytes(),
            },
            Happened::StepEnded { step, error } => {
                What::StepEnded { step: step.into_owned(), error }
            }
            Happened::Warned { message } => What::Warned { message },
            Happened::Sent { name, entries, files, bytes, faults } => {
                What::Sent(Transfer { name, entries, files, bytes, faults })
            }
            Happened::Ended { outcome } => What::Ended {
                outcome: match outcome.as_ref() {
                    "built" => Outcome::Built,
                    "failed" => Outcome::Failed,
                    "cancelled" => Outcome::Cancelled,
                    _ => return None,
                },
            },
            Happened::Other => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use careen_model::LogFormat;

    use super::super::tests::fold;
    use super::*;

    const STREAM: &str = "{\"at_seconds\":0.25,\"event\":\"step-planned\",\"step\":\"a\",\"name\":\"[1/1] RUN \\\"x\\\"\",\"inputs\":[\"b\"]}\n\
        {\"at_seconds\":0.5,\"event\":\"step-started\",\"step\":\"a\"}\n\
        {\"at_seconds\":0.75,\"event\":\"progress\",\"step\":\"a\",\"task\":\"t\",\"current\":7,\"total\":null,\"done\":true}\n\
        {\"at_seconds\":0.8,\"event\":\"log\",\"step\":\"a\",\"stream\":\"err\",\"text\":\"\\u001bhi\\n\"}\n\
        {\"at_seconds\":0.9,\"event\":\"of-tomorrow\",\"step\":\"a\"}\n\
        {\"at_seconds\":0.9,\"event\":\"sent\",\"name\":\"context\",\"entries\":3,\"files\":2,\"bytes\":9,\"faults\":[]}\n\
        {\"at_seconds\":1.123456789,\"event\":\"step-ended\",\"step\":\"a\",\"error\":\"exit code: 3\"}\n\
        {\"at_seconds\":1.5,\"event\":\"ended\",\"outcome\":\"failed\"}\n";

    #[test]
    fn a_stream_is_read_however_it_comes() {
        for size in [1, 7, STREAM.len()] {
            let (record, summary, output) = fold(STREAM.as_bytes(), size);
            assert_eq!(summary.format, Some(LogFormat::Jsonl));
            let step = &record.steps[0];
            assert_eq!(
                (step.name.as_str(), &step.inputs[..]),
                ("[1/1] RUN \"x\"", &["b".into()][..])
            );
            assert_eq!(step.ended, Some(Duration::from_nanos(1_123_456_789)));
            assert_eq!((step.transferred(), step.error.as_deref()), (7, Some("exit code: 3")));
            assert_eq!((record.outcome, record.exit_code), (Some(Outcome::Failed), Some(3)));
            assert_eq!(record.context().map(|sent| (sent.entries, sent.bytes)), Some((3, 9)));
            assert_eq!(record.total, Duration::from_millis(1500));
            assert_eq!(output, b"a|\x1bhi\n");
        }
    }

    #[test]
    fn a_stream_that_was_cut_or_damaged_is_read_as_far_as_it_makes_sense() {
        let (record, ..) = fold(&STREAM.as_bytes()[..STREAM.len() - 20], 64);
        assert_eq!((record.outcome, record.steps.len()), (None, 1));
        let odd = format!(
            "{STREAM}not json\n{{\"at_seconds\":-1,\"event\":\"step-started\",\"step\":\"a\"}}\n"
        );
        assert_eq!(fold(odd.as_bytes(), 64).0, fold(STREAM.as_bytes(), 64).0);
        let endless = STREAM.replace("1.5,", "1e300,");
        assert_eq!(fold(endless.as_bytes(), 64).0.total, Duration::from_nanos(1_123_456_789));
    }

    #[test]
    fn two_streams_are_one_build_after_the_other() {
        let (record, ..) = fold(STREAM.repeat(2).as_bytes(), 64);
        assert_eq!(record.total, Duration::from_secs(3));
        let starts: Vec<_> =
            record.steps[0].runs.iter().map(|run| run.started.as_millis()).collect();
        assert_eq!(starts, [500, 2000]);
    }
}
