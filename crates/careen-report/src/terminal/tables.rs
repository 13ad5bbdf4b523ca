//! Tables of builds: the history, and two builds side by side.

use std::io;
use std::time::Duration;

use careen_model::trend::Trend;
use careen_model::{BuildRecord, Change, Comparison, Listed, Row, State, Transfer, units};

use super::{Line, Style, Tone, write_lines};
use crate::{HistoryShown, PruneShown, words};

/// Steps of a comparison that are worth a line.
const STEPS: usize = 5;

/// Recorded builds as they are given, how they go, and which were slow because of what.
pub fn history(out: &mut dyn io::Write, style: Style, shown: &HistoryShown<'_>) -> io::Result<()> {
    if shown.rows.is_empty() {
        let none = Line::new(style).text("no build of this project is recorded yet");
        return write_lines(out, style, &[none]);
    }
    let mut lines = builds(style, shown.rows, |label| {
        let found = shown.slow.iter().find(|slow| slow.slow == label)?;
        Some(units::ratio(ratio(found.took, found.usually)))
    });
    if let Some(trend) = shown.trend {
        let row = trend_row(trend);
        let line = Line::new(style).text(" ").add(Tone::Dim, "trend").to(8);
        let line = line.text(format!("median {} ", units::time(trend.now)));
        let line =
            line.text(format!("in the newer half, {} in the older: ", units::time(trend.before)));
        lines.push(Line::new(style));
        lines.push(line.add(change_tone(&row), words::change(&row)));
    }
    for (i, slow) in shown.slow.iter().enumerate() {
        if i == 0 {
            lines.push(Line::new(style));
        }
        let line = Line::new(style).text(" ").add(Tone::Beware, "slow").to(8);
        let line = line.add(Tone::Strong, &slow.slow).text(format!(
            " took {} instead of {} ({})",
            units::time(slow.took),
            units::time(slow.usually),
            slow.usual,
        ));
        lines.push(line);
        lines.push(Line::new(style).to(8).text(words::cause(slow.cause.as_ref())));
    }
    write_lines(out, style, &lines)
}

/// What was read from a log.
pub fn imported(out: &mut dyn io::Write, style: Style, record: &BuildRecord) -> io::Result<()> {
    let (run, cached) = record.run_and_cached();
    let line = Line::new(style).text("recorded as build ").add(Tone::Strong, &record.label);
    let line = line.text(format!(" from {}: ", words::imported(record.imported)));
    let line = line.add(outcome_tone(record), words::outcome(record.outcome));
    let line = line.text(format!(", {}", units::time(record.total)));
    let steps = words::many(record.steps.len(), "step");
    let line = line.text(format!(", {steps}, of the Dockerfile {run} run and {cached} cached"));
    write_lines(out, style, &line.rows(0))
}

/// Builds that go, or are gone.
pub fn pruned(out: &mut dyn io::Write, style: Style, shown: &PruneShown<'_>) -> io::Result<()> {
    let count = words::many(shown.builds.len(), "build");
    let size = units::size(shown.log_bytes);
    let said = match (shown.builds.is_empty(), shown.done) {
        (true, _) => "every recorded build is kept".to_owned(),
        (false, true) => format!("removed {count} and {size} of logs"),
        (false, false) => format!("{count} and {size} of logs would go"),
    };
    let mut lines =
        if shown.builds.is_empty() { vec![] } else { builds(style, shown.builds, |_| None) };
    lines.push(Line::new(style).add(Tone::Strong, said));
    write_lines(out, style, &lines)
}

fn builds(style: Style, rows: &[Listed], slow: impl Fn(&str) -> Option<String>) -> Vec<Line> {
    let title = Line::new(style).add(Tone::Dim, " build  when (UTC)").to(26);
    let title = title.add(Tone::Dim, "outcome").right(48, Tone::Dim, "total");
    let title = title.right(60, Tone::Dim, "context").right(72, Tone::Dim, "run/cached");
    let mut lines = vec![title];
    for build in rows {
        let sent = build.context_bytes.map_or("-".to_owned(), units::size);
        let line = Line::new(style).text(" ").add(Tone::Strong, &build.label).to(8);
        let line = line.text(words::date(build.started_at)).to(26);
        let line = line.add(state_tone(build.state), build.state.name());
        let line = match build.imported {
            Some(_) => line.add(Tone::Dim, " import"),
            None => line,
        };
        let line = line.right(48, Tone::Plain, units::time(build.total));
        let line = line.right(60, Tone::Plain, sent);
        let line =
            line.right(72, Tone::Plain, format!("{}/{}", build.steps_run, build.steps_cached));
        lines.push(match slow(&build.label) {
            Some(ratio) => line.text(" ").add(Tone::Beware, ratio),
            None => line,
        });
    }
    lines
}

fn ratio(took: Duration, usually: Duration) -> f64 {
    took.as_secs_f64() / usually.as_secs_f64().max(0.001)
}

fn trend_row(trend: Trend) -> Row {
    Row { part: None, before: trend.before, after: trend.now, cached: false }
}

/// A before/after table under its title.
pub fn comparison(
    out: &mut dyn io::Write,
    style: Style,
    title: &str,
    compared: &Comparison,
) -> io::Result<()> {
    let mut lines = vec![Line::new(style).add(Tone::Strong, title)];
    let before = named("before", &compared.before_label);
    let after = named("after", &compared.after_label);
    lines.extend(rows(style, compared, (&before, &after)));
    if let Some((before, after)) = &compared.context {
        let entries = |sent: &Transfer| units::count(sent.entries);
        let bytes = |sent: &Transfer| units::size(sent.bytes);
        for (name, before, after) in [
            ("context entries", entries(before), entries(after)),
            ("context bytes sent", bytes(before), bytes(after)),
        ] {
            let line = Line::new(style).text(" ").text(name);
            lines.push(line.right(28, Tone::Plain, before).right(42, Tone::Plain, after));
        }
    }
    let noise = Duration::from_millis(500);
    let changed = compared.steps.iter().filter(|step| step.by() >= noise).take(STEPS);
    for (i, step) in changed.enumerate() {
        let title = if i == 0 { "steps" } else { "" };
        let line = Line::new(style).text(" ").add(Tone::Dim, title).to(8);
        let tone = if step.slower_by().is_zero() { Tone::Good } else { Tone::Bad };
        let line = line.add(tone, format!("{:>10}", words::difference(step)));
        lines.push(line.text(format!("  {}", words::step_name(&step.name))));
    }
    lines.extend(super::build::ran_again(style, compared.missed.as_deref()));
    write_lines(out, style, &lines)
}

fn named(word: &str, label: &str) -> String {
    if label.is_empty() { word.to_owned() } else { format!("{word} {label}") }
}

/// The table of phases; `titles` stand above the two columns of times.
pub(super) fn rows(style: Style, compared: &Comparison, titles: (&str, &str)) -> Vec<Line> {
    let head = Line::new(style).add(Tone::Dim, " phase").right(28, Tone::Dim, titles.0);
    let head = head.right(42, Tone::Dim, titles.1).right(58, Tone::Dim, "change");
    let mut lines = vec![head];
    for row in &compared.rows {
        let name_tone = if row.part.is_none() { Tone::Strong } else { Tone::Plain };
        let line = Line::new(style).text(" ").add(name_tone, words::phase_after("  ", row));
        let line = line.right(28, Tone::Plain, units::time(row.before));
        let line = line.right(42, name_tone, units::time(row.after));
        lines.push(line.right(58, change_tone(row), words::change(row)));
    }
    lines
}

pub(super) fn change_tone(row: &Row) -> Tone {
    match row.change() {
        Change::Faster(_) | Change::Gone | Change::Cached => Tone::Good,
        Change::Slower(_) => Tone::Bad,
        Change::Same | Change::New => Tone::Dim,
    }
}

pub(super) fn outcome_tone(build: &BuildRecord) -> Tone {
    match build.outcome {
        Some(careen_model::Outcome::Built) => Tone::Good,
        Some(careen_model::Outcome::Failed) => Tone::Bad,
        _ => Tone::Beware,
    }
}

fn state_tone(state: State) -> Tone {
    match state {
        State::Built => Tone::Good,
        State::Failed => Tone::Bad,
        State::Running | State::Cancelled | State::Interrupted => Tone::Beware,
    }
}
