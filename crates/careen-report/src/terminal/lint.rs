//! The findings of `careen lint` on a screen: a line that tools can find again, what it is about,
//! and what would fix it.

use std::io;

use careen_model::Safety;
use unicode_width::UnicodeWidthStr;

use super::line::cut;
use super::{Line, Style, Tone, mark, write_lines};
use crate::lint::{Fixed, LintFile, LintFinding, Linting};
use crate::{clean, words};

/// How much is shown of each finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excerpts {
    /// The line of the file with the place marked, and the fix.
    Shown,
    /// One line a finding, for pipes.
    Left,
}

/// Every finding, what could not be read, and the numbers.
pub fn lint(
    out: &mut dyn io::Write,
    style: Style,
    linting: &Linting,
    excerpts: Excerpts,
) -> io::Result<()> {
    let mut lines: Vec<Line> = linting.fixed.iter().map(|fixed| made(style, fixed)).collect();
    for file in &linting.files {
        for found in &file.findings {
            lines.push(headline(style, file, found));
            if excerpts == Excerpts::Shown {
                lines.extend(excerpt(style, file, found));
            }
        }
        if let Some(reason) = &file.unread {
            let line = Line::new(style).add(Tone::Strong, format!("{}: ", file.shown()));
            lines
                .push(line.add(Tone::Bad, "could not be read").text(format!(": {reason}")).whole());
        }
    }
    for entry in &linting.stale {
        let text = format!("{}: {} is in the baseline and found no more", entry.path, entry.rule);
        lines.push(Line::new(style).add(Tone::Dim, text).whole());
    }
    lines.extend(linting.notes.iter().map(|note| Line::new(style).add(Tone::Dim, note).whole()));
    if !lines.is_empty() && excerpts == Excerpts::Shown {
        lines.push(Line::new(style));
    }
    lines.extend(summary(style, linting));
    write_lines(out, style, &lines)
}

fn made(style: Style, fixed: &Fixed) -> Line {
    let line = Line::new(style).add(Tone::Strong, format!("{}: ", fixed.path));
    let line = line.add(Tone::Good, "fixed").text(" ").add(Tone::Hint, fixed.rule);
    line.text(format!(": {}", fixed.title)).whole()
}

fn headline(style: Style, file: &LintFile, found: &LintFinding) -> Line {
    let finding = &found.finding;
    let (tone, _) = mark(finding.severity);
    let place = format!("{}:{}:{}: ", file.shown(), found.at.line, found.at.column);
    let line = Line::new(style).add(Tone::Strong, place);
    let line = line.add(tone, words::severity(finding.severity)).text(" ");
    line.add(Tone::Hint, found.rule_named()).text(format!(": {}", finding.message)).whole()
}

/// The first line of the place with carets below it, and the best fix.
fn excerpt(style: Style, file: &LintFile, found: &LintFinding) -> Vec<Line> {
    let at = found.at;
    let bytes = file.lines.line(&file.source, at.line);
    let text = String::from_utf8_lossy(bytes);
    let number = at.line.to_string();
    let gutter = " ".repeat(number.len());
    let room = style.width.saturating_sub(number.len() + 5).max(20);
    // A long line is shown from shortly before the place.
    let skipped = if at.column > room / 2 { at.column - room / 4 } else { 0 };
    let part = |from: usize, to: usize| -> String {
        text.chars().skip(from).take(to.saturating_sub(from)).collect()
    };
    let end = if at.end_line == at.line { at.end_column } else { usize::MAX };
    let shown = cut(style, &clean(&part(skipped, usize::MAX)), room);
    let before = clean(&part(skipped, at.column - 1)).width().min(room);
    let marked = clean(&part(at.column - 1, end.saturating_sub(1)));
    let carets = marked.trim_end().width().clamp(1, room.saturating_sub(before).max(1));
    let lead = |number: &str| Line::new(style).add(Tone::Dim, format!(" {number} | "));
    let mut lines = Vec::new();
    if !shown.trim().is_empty() {
        let carets = "^".repeat(carets);
        let (tone, _) = mark(found.finding.severity);
        lines.push(lead(&number).text(shown).whole());
        lines.push(lead(&gutter).text(" ".repeat(before)).add(tone, carets).whole());
    }
    if let Some(fix) = found.finding.fixes.iter().max_by_key(|fix| fix.safety) {
        let how = match fix.safety {
            Safety::Safe => "fix",
            Safety::Risky => "risky fix",
            Safety::Manual => "by hand",
        };
        let line = Line::new(style).text(format!(" {gutter} = "));
        lines.push(line.add(Tone::Good, how).text(format!(": {}", fix.title)).whole());
    }
    lines
}

fn summary(style: Style, linting: &Linting) -> Vec<Line> {
    let counts = linting.counts();
    let read = counts.files - counts.unread;
    let files = words::many(read, "file");
    let mut lines = Vec::new();
    let kept = [(counts.suppressed, "suppressed"), (counts.known, "in the baseline")];
    let kept = kept.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    let kept: Vec<String> = kept.collect();
    let kept = if kept.is_empty() { String::new() } else { format!(" ({})", kept.join(", ")) };
    lines.push(if counts.findings == 0 {
        Line::new(style).add(Tone::Good, "nothing found").text(format!(" in {files}{kept}"))
    } else {
        let found = words::many(counts.findings, "finding");
        let line = Line::new(style).add(Tone::Strong, found);
        let severities = counts.severities();
        line.text(format!(" in {} of {files}: {severities}{kept}", counts.with_findings))
    });
    let fixable = match (counts.safe, counts.risky) {
        (0, 0) => None,
        (safe, 0) => Some(format!("{safe} fixable with --fix")),
        (0, risky) => Some(format!("{risky} fixable with --fix --risky")),
        (safe, risky) => {
            Some(format!("{safe} fixable with --fix, {risky} more with --fix --risky"))
        }
    };
    lines.extend(fixable.map(|fixable| Line::new(style).text(fixable)));
    if !linting.fixed.is_empty() {
        let made = words::many(linting.fixed.len(), "fix");
        let mut line = Line::new(style).add(Tone::Good, format!("{made} made"));
        if let Some(id) = linting.journal.last() {
            line = line.text("; undo: ").add(Tone::Hint, format!("careen undo {id}"));
        }
        lines.push(line);
    }
    if counts.unread > 0 {
        let unread = format!("{} could not be read", words::many(counts.unread, "file"));
        lines.push(Line::new(style).add(Tone::Bad, unread));
    }
    lines.into_iter().map(Line::whole).collect()
}
