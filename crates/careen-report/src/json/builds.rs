//! Builds, comparisons and image tests.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use careen_model::{
    BuildEvent, BuildRecord, CacheSource, Case, Change, Part, StepChange, StepRecord, Stream,
    Transfer, Verdict, What,
};
use serde::Serialize;

use super::ran_again::{RanAgain, ran_again};
use super::value::seconds;
use crate::{ImageTests, SlowShown, subject, words};

#[derive(Serialize)]
pub(super) struct Build<'a> {
    label: &'a str,
    /// Seconds since the Unix epoch.
    started_at: i64,
    outcome: &'static str,
    total_seconds: f64,
    /// Wall time during which no step ran.
    unaccounted_seconds: f64,
    /// Work of all steps per wall time.
    serialization_factor: Option<f64>,
    work_seconds: f64,
    /// Form and clock of the log it was read from; `null` for a build that careen ran.
    imported: Option<FromLog>,
    /// Wall time in which at least one step of the phase ran; phases overlap.
    phases: BTreeMap<&'static str, f64>,
    /// Each moment once; the shares, with what no step ran in, add up to the total.
    shares: Vec<OneShare>,
    /// The share of the language packages by the groups that its steps install, such as
    /// `PyTorch + JAX`; they add up to it.
    package_groups: Vec<OneGroup>,
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
    /// Why steps ran again; `null` when there was no build to compare with.
    ran_again: Option<Vec<RanAgain<'a>>>,
}

#[derive(Serialize)]
struct FromLog {
    format: &'static str,
    clock: &'static str,
}

#[derive(Serialize)]
struct OneShare {
    part: Cow<'static, str>,
    wall_seconds: f64,
}

#[derive(Serialize)]
struct OneGroup {
    group: Cow<'static, str>,
    wall_seconds: f64,
    /// Time in which at least one of its steps ran, also beside others.
    busy_seconds: f64,
}

/// A build that took longer than usual.
#[derive(Serialize)]
pub(super) struct Slow<'a> {
    build: &'a str,
    usual_build: &'a str,
    took_seconds: f64,
    usually_seconds: f64,
    cause: Option<OneChange<'a>>,
}

/// Medians of the two halves of the list.
#[derive(Serialize)]
pub(super) struct Trend {
    before_seconds: f64,
    now_seconds: f64,
}

#[derive(Serialize)]
struct OneChange<'a> {
    step: &'a str,
    before_seconds: Option<f64>,
    after_seconds: Option<f64>,
    was_cached: bool,
    is_cached: bool,
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
    /// What a step of the language packages installs; `null` for all others.
    package_group: Option<String>,
    inputs: &'a [String],
    started_seconds: Option<f64>,
    ended_seconds: Option<f64>,
    /// Time at work, without the time between its stretches.
    active_seconds: f64,
    cached: bool,
    /// `local`, `imported` or `unknown`; `null` for a step that ran.
    cached_from: Option<&'static str>,
    on_critical_path: bool,
    waited_for: Option<Waited<'a>>,
    error: Option<&'a str>,
    log_bytes: u64,
    /// Bytes that the engine counted: context, layers, exports.
    transferred_bytes: u64,
    /// Bytes of downloads that the output of the step told of.
    downloaded_bytes: u64,
    tasks: Vec<OneTask<'a>>,
}

/// The input that was ready last.
#[derive(Serialize)]
struct Waited<'a> {
    step: &'a str,
    /// After all other inputs were ready.
    alone_seconds: f64,
    /// From when everything was ready until the step began.
    queued_seconds: f64,
}

#[derive(Serialize)]
struct OneTask<'a> {
    name: &'a str,
    bytes: u64,
    started_seconds: f64,
    ended_seconds: Option<f64>,
}

#[derive(Serialize)]
pub(super) struct Table<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title: String,
    before: String,
    after: String,
    rows: Vec<Row>,
    /// Parts of the row of the language packages, where anything is known of them.
    package_groups: Vec<Row>,
    /// The largest change first.
    steps: Vec<OneChange<'a>>,
    /// Why steps of the later build ran again; `null` when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    ran_again: Option<Vec<RanAgain<'a>>>,
}

#[derive(Serialize)]
struct Row {
    /// A phase or a group of packages, or `total`.
    phase: Cow<'static, str>,
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

/// One line of a stream of events, which `careen history import` reads again.
#[derive(Serialize)]
pub(super) struct Event<'a> {
    /// To the nanosecond, so that a stream tells what the history keeps.
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
        Event { at_seconds: event.at.as_secs_f64(), what }
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
            serialization_factor: record.serialization().map(super::value::round),
            work_seconds: seconds(record.work()),
            imported: record.imported.map(|imported| FromLog {
                format: imported.format.name(),
                clock: imported.clock.name(),
            }),
            phases: phases.collect(),
            shares: record
                .shares()
                .iter()
                .map(|share| OneShare {
                    part: share.part.name(),
                    wall_seconds: seconds(share.wall),
                })
                .collect(),
            package_groups: record
                .package_shares()
                .iter()
                .map(|share| OneGroup {
                    group: share.part.name(),
                    wall_seconds: seconds(share.wall),
                    busy_seconds: seconds(share.busy),
                })
                .collect(),
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
                .map(|step| OneStep::of(record, step, critical.contains(step.id.as_str())))
                .collect(),
            ran_again: ran_again(record.missed.as_deref()),
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
    fn of(record: &'a BuildRecord, step: &'a StepRecord, on_critical_path: bool) -> OneStep<'a> {
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
            package_group: step.package_groups().map(|groups| groups.to_string()),
            inputs: &step.inputs,
            started_seconds: step.started.map(seconds),
            ended_seconds: step.ended.map(seconds),
            active_seconds: seconds(step.active(record.total)),
            cached: step.cached,
            cached_from: record.cache_source(step).map(|source| match source {
                CacheSource::Local => "local",
                CacheSource::Imported => "imported",
                CacheSource::Unknown => "unknown",
            }),
            on_critical_path,
            waited_for: record.wait_of(step).map(|wait| Waited {
                step: &wait.on.id,
                alone_seconds: seconds(wait.alone),
                queued_seconds: seconds(wait.queued),
            }),
            error: step.error.as_deref(),
            log_bytes: step.log_bytes,
            transferred_bytes: step.transferred(),
            downloaded_bytes: step.downloaded,
            tasks: tasks.collect(),
        }
    }
}

impl<'a> Table<'a> {
    pub(super) fn titled((title, compared): &'a (String, careen_model::Comparison)) -> Table<'a> {
        let mut table = Table::from(compared);
        table.title.clone_from(title);
        table
    }
}

impl<'a> From<&'a careen_model::Comparison> for Table<'a> {
    fn from(compared: &'a careen_model::Comparison) -> Table<'a> {
        Table {
            title: String::new(),
            before: compared.before_label.clone(),
            after: compared.after_label.clone(),
            rows: compared.rows.iter().filter(|row| !is_group(row)).map(Row::from).collect(),
            package_groups: compared
                .rows
                .iter()
                .filter(|row| is_group(row))
                .map(Row::from)
                .collect(),
            steps: compared.steps.iter().map(OneChange::from).collect(),
            ran_again: ran_again(compared.missed.as_deref()),
        }
    }
}

/// Members of the first list mean what they always meant, so groups have one of their own.
fn is_group(row: &careen_model::Row) -> bool {
    matches!(row.part, Some(Part::Packages(_)))
}

impl<'a> From<&'a StepChange> for OneChange<'a> {
    fn from(change: &'a StepChange) -> OneChange<'a> {
        OneChange {
            step: &change.name,
            before_seconds: change.before.map(seconds),
            after_seconds: change.after.map(seconds),
            was_cached: change.was_cached,
            is_cached: change.is_cached,
        }
    }
}

impl<'a> From<&'a SlowShown> for Slow<'a> {
    fn from(slow: &'a SlowShown) -> Slow<'a> {
        Slow {
            build: &slow.slow,
            usual_build: &slow.usual,
            took_seconds: seconds(slow.took),
            usually_seconds: seconds(slow.usually),
            cause: slow.cause.as_ref().map(OneChange::from),
        }
    }
}

impl From<careen_model::trend::Trend> for Trend {
    fn from(trend: careen_model::trend::Trend) -> Trend {
        Trend { before_seconds: seconds(trend.before), now_seconds: seconds(trend.now) }
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
