//! The screen of image tests.

use std::io;

use careen_model::{Case, Verdict, units};

use super::{Line, Style, Tone, write_lines};
use crate::{ImageTests, clean_lines, words};

/// Longest tail of a failed test's output that is shown.
const SHOWN_LINES: usize = 6;

/// One line per case; a failed one with its output and a hint.
pub fn image_tests(
    out: &mut dyn io::Write,
    style: Style,
    tests: &ImageTests<'_>,
) -> io::Result<()> {
    let count = words::many(tests.runs.len(), "test");
    let digest =
        tests.digest.map_or(String::new(), |digest| format!(" ({})", words::short_digests(digest)));
    let title = Line::new(style).add(Tone::Strong, tests.image).add(Tone::Dim, digest);
    let what = format!("  {}, {count}, {}", tests.conditions, units::time(tests.took));
    let mut lines = vec![title.text(what)];
    for (case, verdict) in tests.runs {
        lines.extend(row(style, case, verdict));
    }
    lines.push(footer(style, tests));
    write_lines(out, style, &lines)
}

fn row(style: Style, case: &Case, verdict: &Verdict) -> Vec<Line> {
    let end = style.table();
    let line = |tone, glyph: &str| Line::new(style).text(" ").add(tone, glyph).text(" ");
    let note = if case.critical { "" } else { " (not critical)" };
    match verdict {
        Verdict::Passed { shown, took } => {
            let line = line(Tone::Good, "✓").text(&case.name).text(" ");
            let room = end.saturating_sub(line.width() + 10);
            let line = line.cut(room, Tone::Dim, shown);
            vec![line.right(end, Tone::Plain, units::time(*took))]
        }
        Verdict::Failed { reason, stderr, hint, took } => {
            let line = line(Tone::Bad, "✗").text(&case.name).add(Tone::Dim, note);
            let mut lines = vec![line.right(end, Tone::Plain, units::time(*took))];
            lines.push(Line::new(style).text("     ").add(Tone::Bad, reason));
            let told = clean_lines(stderr);
            let skip = told.len().saturating_sub(SHOWN_LINES);
            for text in &told[skip..] {
                lines.push(Line::new(style).text("     ").text(text));
            }
            if let Some(hint) = hint {
                lines.push(Line::new(style).text("     ").add(Tone::Hint, format!("hint: {hint}")));
            }
            lines
        }
        Verdict::Skipped { reason } => {
            let line = line(Tone::Dim, "-").text(&case.name);
            vec![line.add(Tone::Dim, format!("  skipped: {reason}"))]
        }
        Verdict::Broken { reason } => {
            let line = line(Tone::Beware, "!").text(&case.name);
            vec![line.add(Tone::Beware, format!("  could not be run: {reason}"))]
        }
    }
}

fn footer(style: Style, tests: &ImageTests<'_>) -> Line {
    let tally = tests.tally();
    let mut line = Line::new(style).text(format!("{} passed", tally.passed));
    let rest = [
        (tally.failed, "failed", Tone::Bad),
        (tally.broken, "could not be run", Tone::Beware),
        (tally.skipped, "skipped", Tone::Plain),
    ];
    for (n, what, tone) in rest.into_iter().filter(|(n, ..)| *n > 0) {
        line = line.text(", ").add(tone, format!("{n} {what}"));
    }
    line
}
