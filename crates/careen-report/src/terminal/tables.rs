//! Tables of builds: the history, and two builds side by side.

use std::io;

use careen_model::{BuildRecord, Change, Comparison, Row, Transfer, units};

use super::{Line, Style, Tone, write_lines};
use crate::words;

/// Recorded builds, as they are given.
pub fn history(out: &mut dyn io::Write, style: Style, builds: &[BuildRecord]) -> io::Result<()> {
    let title = Line::new(style).add(Tone::Dim, " build  when (UTC)").to(26);
    let title = title.add(Tone::Dim, "outcome").right(48, Tone::Dim, "total");
    let title = title.right(60, Tone::Dim, "context").right(72, Tone::Dim, "run/cached");
    let mut lines = vec![title];
    for build in builds {
        let (run, cached) = build.run_and_cached();
        let sent = build.context().map_or("-".to_owned(), |sent| units::size(sent.bytes));
        let line = Line::new(style).text(" ").add(Tone::Strong, &build.label).to(8);
        let line = line.text(words::date(build.started_at)).to(26);
        let line = line.add(outcome_tone(build), words::outcome(build.outcome));
        let line = line.right(48, Tone::Plain, units::time(build.total));
        let line = line.right(60, Tone::Plain, sent);
        lines.push(line.right(72, Tone::Plain, format!("{run}/{cached}")));
    }
    if builds.is_empty() {
        lines = vec![Line::new(style).text("no build of this project is recorded yet")];
    }
    write_lines(out, style, &lines)
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
        let line = Line::new(style).text(" ").add(name_tone, words::phase(row));
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
