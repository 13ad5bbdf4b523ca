//! Builds, comparisons and image tests.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use careen_model::{
    BuildEvent, BuildRecord, Case, Change, StepRecord, Stream, Transfer, Verdict, What,
};
use serde::Serialize;

use super::value::seconds;
use crate::{ImageTests, subject, words};

#[derive(Serialize)]
pub(super) struct Build<'a> {
    label: &'a str,
    /// Seconds since the Unix epoch.
    started_at: i64,
    outcome: &'static str,
    total_seconds: f64,
    /// Wall time during which no step ran.
    unaccounted_seconds: f64,
    phases: BTreeMap<&'static str, f64>,
    steps_run: usize,
    steps_cached: usize,
    image: Option<&'a str>,
    image_digest: Option<&'a str>,
    engine: Option<&'a str>,
    error: Option<&'a str>,
    exit_code: Option<i32>,
    warnings: &'a [String],
    transfers: Vec<Sent<'a>>,
    steps: Vec<OneStep<'a>>,
}

#[derive(Serialize)]
struct Sent<'a> {
    name: &'a str,
    entries: u64,
    files: u64,
    bytes: u64,
    faults: &'a [String],
}

#[derive(Serialize)]
struct OneStep<'a> {
    id: &'a str,
    name: &'a str,
    phase: &'static str,
    inputs: &'a [String],
    started_seconds: Option<f64>,
    ended_seconds: Option<f64>,
    cached: bool,
    on_critical_path: bool,
    error: Option<&'a str>,
    log_bytes: u64,
    tasks: Vec<OneTask<'a>>,
}

#[derive(Serialize)]
struct OneTask<'a> {
    name: &'a str,
    bytes: u64,
    started_seconds: f64,
    ended_seconds: Option<f64>,
}

#[derive(Serialize)]
pub(super) struct Table {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title: String,
    before: String,
    after: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    /// A phase, or `total`.
    phase: &'static str,
    before_seconds: f64,
    after_seconds: f64,
    /// How many times faster; `null` when the later one took no time.
    ratio: Option<f64>,
    /// `faster`, `slower`, `same`, `new`, `gone` or `cached`.
    change: &'static str,
}

#[derive(Serialize)]
pub(super) struct Tests<'a> {
    image: &'a str,
    digest: Option<&'a str>,
    conditions: &'a str,
    took_seconds: f64,
    passed: usize,
    failed: usize,
    skipped: usize,
    broken: usize,
    cases: Vec<Test<'a>>,
}

#[derive(Serialize)]
struct Test<'a> {
    name: &'a str,
    argv: &'a [String],
    critical: bool,
    /// `passed`, `failed`, `skipped`, or `broken` when it could not be run.
    verdict: &'static str,
    took_seconds: f64,
    shown: Option<&'a str>,
    reason: Option<&'a str>,
    stderr: Option<&'a str>,
    hint: Option<&'a str>,
}

/// One line of a stream of events.
#[derive(Serialize)]
pub(super) struct Event<'a> {
    at_seconds: f64,
    #[serde(flatten)]
    what: Happened<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Happened<'a> {
    StepPlanned { step: &'a str, name: &'a str, inputs: &'a [String] },
    StepStarted { step: &'a str },
    StepCached { step: &'a str },
    Progress { step: &'a str, task: &'a str, current: u64, total: Option<u64>, done: bool },
    Log { step: &'a str, stream: &'static str, text: Cow<'a, str> },
    StepEnded { step: &'a str, error: Option<&'a str> },
    Warned { message: &'a str },
    Sent(Sent<'a>),
    Ended { outcome: &'static str },
}

impl<'a> From<&'a BuildEvent> for Event<'a> {
    fn from(event: &'a BuildEvent) -> Event<'a> {
        let what = match &event.what {
            What::StepPlanned { step, name, inputs } => {
                Happened::StepPlanned { step, name, inputs }
            }
            What::StepStarted { step } => Happened::StepStarted { step },
            What::StepCached { step } => Happened::StepCached { step },
            What::Progress { step, task, current, total, done } => {
                Happened::Progress { step, task, current: *current, total: *total, done: *done }
            }
            What::Log { step, stream, bytes } => Happened::Log {
                step,
                stream: match stream {
                    Stream::Out => "out",
                    Stream::Err => "err",
                },
                text: String::from_utf8_lossy(bytes),
            },
            What::StepEnded { step, error } => {
                Happened::StepEnded { step, error: error.as_deref() }
            }
            What::Warned { message } => Happened::Warned { message },
            What::Sent(transfer) => Happened::Sent(Sent::from(transfer)),
            What::Ended { outcome } => Happened::Ended { outcome: words::outcome(Some(*outcome)) },
        };
        Event { at_seconds: seconds(event.at), what }
    }
}

impl<'a> From<&'a BuildRecord> for Build<'a> {
    fn from(record: &'a BuildRecord) -> Build<'a> {
        let critical: BTreeSet<&str> =
            record.critical_path().into_iter().map(|step| step.id.as_str()).collect();
        let (steps_run, steps_cached) = record.run_and_cached();
        let phases = record.by_phase().into_iter().map(|(p, took)| (p.name(), seconds(took)));
        Build {
            label: &record.label,
            started_at: record.started_at,
            outcome: words::outcome(record.outcome),
            total_seconds: seconds(record.total),
            unaccounted_seconds: seconds(record.unaccounted()),
            phases: phases.collect(),
            steps_run,
            steps_cached,
            image: record.image.as_deref(),
            image_digest: record.image_digest.as_deref(),
            engine: record.engine.as_deref(),
            error: record.error.as_deref(),
            exit_code: record.exit_code,
            warnings: &record.warnings,
            transfers: record.transfers.iter().map(Sent::from).collect(),
            steps: record
                .steps
                .iter()
                .map(|step| OneStep::of(step, critical.contains(step.id.as_str())))
                .collect(),
        }
    }
}

impl<'a> From<&'a Transfer> for Sent<'a> {
    fn from(transfer: &'a Transfer) -> Sent<'a> {
        let Transfer { name, entries, files, bytes, faults } = transfer;
        Sent { name, entries: *entries, files: *files, bytes: *bytes, faults }
    }
}

impl<'a> OneStep<'a> {
    fn of(step: &'a StepRecord, on_critical_path: bool) -> OneStep<'a> {
        let tasks = step.tasks.iter().map(|task| OneTask {
            name: &task.name,
            bytes: task.bytes,
            started_seconds: seconds(task.started),
            ended_seconds: task.ended.map(seconds),
        });
        OneStep {
            id: &step.id,
            name: &step.name,
            phase: step.phase.name(),
            inputs: &step.inputs,
            started_seconds: step.started.map(seconds),
            ended_seconds: step.ended.map(seconds),
            cached: step.cached,
            on_critical_path,
            error: step.error.as_deref(),
            log_bytes: step.log_bytes,
            tasks: tasks.collect(),
        }
    }
}

impl From<&careen_model::Comparison> for Table {
    fn from(compared: &careen_model::Comparison) -> Table {
        Table {
            title: String::new(),
            before: compared.before_label.clone(),
            after: compared.after_label.clone(),
            rows: compared.rows.iter().map(Row::from).collect(),
        }
    }
}

impl From<&careen_model::Row> for Row {
    fn from(row: &careen_model::Row) -> Row {
        Row {
            phase: words::phase(row),
            before_seconds: seconds(row.before),
            after_seconds: seconds(row.after),
            ratio: row.ratio().map(super::value::round),
            change: match row.change() {
                Change::Faster(_) => "faster",
                Change::Slower(_) => "slower",
                Change::Same => "same",
                Change::New => "new",
                Change::Gone => "gone",
                Change::Cached => "cached",
            },
        }
    }
}

impl<'a> From<&ImageTests<'a>> for Tests<'a> {
    fn from(tests: &ImageTests<'a>) -> Tests<'a> {
        let tally = tests.tally();
        Tests {
            image: tests.image,
            digest: tests.digest,
            conditions: tests.conditions,
            took_seconds: seconds(tests.took),
            passed: tally.passed,
            failed: tally.failed,
            skipped: tally.skipped,
            broken: tally.broken,
            cases: tests.runs.iter().map(Test::from).collect(),
        }
    }
}

impl<'a> From<&'a (Case, Verdict)> for Test<'a> {
    fn from((case, verdict): &'a (Case, Verdict)) -> Test<'a> {
        let mut test = Test {
            name: &case.name,
            argv: &case.argv,
            critical: case.critical,
            verdict: "passed",
            took_seconds: seconds(subject::took(verdict)),
            shown: None,
            reason: None,
            stderr: None,
            hint: None,
        };
        match verdict {
            Verdict::Passed { shown, .. } => test.shown = Some(shown),
            Verdict::Failed { reason, stderr, hint, .. } => {
                test.verdict = "failed";
                test.reason = Some(reason);
                test.stderr = Some(stderr);
                test.hint = hint.as_deref();
            }
            Verdict::Skipped { reason } => {
                test.verdict = "skipped";
                test.reason = Some(reason);
            }
            Verdict::Broken { reason } => {
                test.verdict = "broken";
                test.reason = Some(reason);
            }
        }
        test
    }
}
