//! A build as a trace file of Chrome's JSON format, which Perfetto opens too.
//!
//! Steps that overlap lie in different rows; the critical path has its category.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use careen_model::{BuildRecord, StepRecord};
use serde::Serialize;

use crate::words;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    trace_events: Vec<Event>,
    display_time_unit: &'static str,
}

/// Times in microseconds, as the format has them.
#[derive(Serialize)]
struct Event {
    name: String,
    cat: &'static str,
    ph: &'static str,
    ts: u128,
    dur: u128,
    pid: u32,
    tid: usize,
    args: Arguments,
}

#[derive(Serialize)]
struct Arguments {
    step: usize,
    phase: &'static str,
    cached: bool,
    critical: bool,
}

/// One complete event per step that ran.
pub fn trace(out: &mut dyn io::Write, record: &BuildRecord) -> io::Result<()> {
    let critical: BTreeSet<&str> =
        record.critical_path().into_iter().map(|step| step.id.as_str()).collect();
    let mut started: Vec<(usize, &StepRecord, Duration)> = record
        .steps
        .iter()
        .enumerate()
        .filter_map(|(i, step)| Some((i, step, step.started?)))
        .collect();
    started.sort_by_key(|(i, _, start)| (*start, *i));

    let mut rows: Vec<Duration> = Vec::new();
    let mut events = Vec::new();
    for (i, step, start) in started {
        let end = step.ended.unwrap_or(record.total).max(start);
        let row = rows.iter().position(|free| *free <= start).unwrap_or(rows.len());
        rows.resize(rows.len().max(row + 1), Duration::ZERO);
        rows[row] = end;
        let is_critical = critical.contains(step.id.as_str());
        events.push(Event {
            name: words::step(step),
            cat: if is_critical { "critical" } else { "step" },
            ph: "X",
            ts: start.as_micros(),
            dur: end.saturating_sub(start).as_micros(),
            pid: 1,
            tid: row + 1,
            args: Arguments {
                step: i + 1,
                phase: step.phase.name(),
                cached: step.cached,
                critical: is_critical,
            },
        });
    }
    let trace = Trace { trace_events: events, display_time_unit: "ms" };
    serde_json::to_writer(&mut *out, &trace).map_err(io::Error::other)?;
    writeln!(out)
}
