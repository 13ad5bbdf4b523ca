//! A build as a trace file of Chrome's JSON format, which Perfetto opens too.
//!
//! Steps that overlap lie in different rows, because events of one thread may only nest; the
//! critical path has its category.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use careen_model::{BuildRecord, StepRecord};
use serde::Serialize;

use crate::words;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    trace_events: Vec<Entry>,
    display_time_unit: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Named(Named),
    Event(Event),
}

/// What a process or a thread is called.
#[derive(Serialize)]
struct Named {
    name: &'static str,
    ph: &'static str,
    pid: u32,
    tid: usize,
    args: Name,
}

#[derive(Serialize)]
struct Name {
    name: String,
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
        events.push(Entry::Event(Event {
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
        }));
    }
    let title_of = |name, tid, text: String| {
        Entry::Named(Named { name, ph: "M", pid: 1, tid, args: Name { name: text } })
    };
    let title = match record.label.as_str() {
        "" => "build".to_owned(),
        label => format!("build {label}"),
    };
    let titles = std::iter::once(title_of("process_name", 0, title));
    let titles = titles
        .chain((1..=rows.len()).map(|row| title_of("thread_name", row, format!("row {row}"))));
    let trace = Trace { trace_events: titles.chain(events).collect(), display_time_unit: "ms" };
    serde_json::to_writer(&mut *out, &trace).map_err(io::Error::other)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use careen_model::Phase;
    use serde_json::Value;

    use super::*;

    /// Steps that overlap in every way, some without any time, with odd nanoseconds.
    fn record(seed: u64) -> BuildRecord {
        let mut dice = seed;
        let mut below = |n: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            Duration::from_nanos(dice % n)
        };
        let mut record = BuildRecord { label: "0007".into(), ..BuildRecord::default() };
        for i in 0..40 {
            let started = if i % 5 == 0 { Duration::from_micros(17) } else { below(90_000) };
            let took = if i % 7 == 0 { Duration::ZERO } else { below(40_000) };
            record.total = record.total.max(started + took);
            record.steps.push(StepRecord {
                id: format!("s{i}"),
                name: format!("[{i}/40] RUN step {i}"),
                phase: Phase::Steps,
                started: (i % 11 != 3).then_some(started),
                // One that never ended goes on to the end of the build.
                ended: (i % 13 != 5).then_some(started + took),
                ..StepRecord::default()
            });
        }
        record
    }

    /// Times of one event: whole microseconds, as the format has them.
    fn span(event: &Value) -> (u64, u64) {
        let start = event["ts"].as_u64().unwrap();
        (start, start + event["dur"].as_u64().unwrap())
    }

    #[test]
    fn events_of_one_thread_nest_as_viewers_ask_for() {
        for seed in 1..200 {
            let record = record(seed);
            let mut text = Vec::new();
            trace(&mut text, &record).unwrap();
            let trace: Value = serde_json::from_slice(&text).unwrap();
            let mut threads: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
            let mut named = Vec::new();
            for event in trace["traceEvents"].as_array().unwrap() {
                assert_eq!(event["pid"], 1, "{event}");
                assert!(event["name"].as_str().is_some_and(|name| !name.is_empty()), "{event}");
                let tid = event["tid"].as_u64().unwrap();
                match event["ph"].as_str().unwrap() {
                    "M" => named.push((tid, event["args"]["name"].as_str().unwrap().to_owned())),
                    "X" => threads.entry(tid).or_default().push(span(event)),
                    other => panic!("{other} is no phase of ours: {event}"),
                }
            }
            let started = record.steps.iter().filter(|step| step.started.is_some()).count();
            assert_eq!(threads.values().map(Vec::len).sum::<usize>(), started);
            assert_eq!(named[0], (0, "build 0007".to_owned()));
            let rows: Vec<u64> = named[1..].iter().map(|(tid, _)| *tid).collect();
            assert_eq!(rows, threads.keys().copied().collect::<Vec<_>>(), "every row has a name");
            for (tid, mut spans) in threads {
                // As a viewer sorts them: by time, the longer one outside.
                spans.sort_by_key(|&(start, end)| (start, std::cmp::Reverse(end)));
                let mut open: Vec<(u64, u64)> = Vec::new();
                for (start, end) in spans {
                    open.retain(|&(_, until)| until > start);
                    let fits = open.iter().all(|&(_, until)| end <= until);
                    assert!(fits, "seed {seed}, thread {tid}: {start}–{end} in {open:?}");
                    open.push((start, end));
                    assert!(u128::from(end) <= record.total.as_micros(), "beyond the end");
                }
            }
        }
    }
}
