//! The bare `careen`: one screen that says what the next build loses and what to type next.

use std::io;
use std::time::Duration;

use careen_model::{Diagnosis, Fact, Finding, Safety, Saving, Severity, units};

use super::{Line, Style, Tone, line::wrap, mark, summary, write_lines};
use crate::{Subject, words};

/// Lines that a terminal of 25 has left below the prompt.
const LINES: usize = 24;

/// What the first screen shows.
#[derive(Debug, Clone, Copy)]
pub struct Overview<'a> {
    /// Version of careen.
    pub version: &'a str,
    pub subject: Subject<'a>,
    pub diagnosis: &'a Diagnosis,
    /// Wall time of all checks.
    pub took: Duration,
}

/// At most 24 lines; what does not fit is counted.
pub fn overview(out: &mut dyn io::Write, style: Style, shown: &Overview<'_>) -> io::Result<()> {
    let mut lines = header(style, shown);
    lines.push(Line::new(style));
    lines.push(counts(style, shown));
    lines.push(Line::new(style));
    let next = next_steps(style, shown.diagnosis);
    let room = LINES.saturating_sub(lines.len() + next.len() + 1);
    lines.extend(findings(style, &shown.diagnosis.findings, room));
    lines.push(Line::new(style));
    lines.extend(next);
    write_lines(out, style, &lines)
}

fn header(style: Style, shown: &Overview<'_>) -> Vec<Line> {
    let subject = &shown.subject;
    let name = Line::new(style).add(Tone::Strong, format!("careen {}", shown.version));
    let mut lines = vec![match subject.project {
        Some(project) => {
            let root = words::shown(&project.root);
            let file = match &project.dockerfile {
                Fact::Known(source) => words::shown(&source.path),
                Fact::Unknown(why) => why.to_string(),
            };
            name.text("  ").text(root).text(" → ").text(file)
        }
        None => name,
    }];
    let mut row = |title: &str, text: String| {
        lines.push(Line::new(style).add(Tone::Dim, title).to(9).text(text));
    };
    if let Some(engine) = subject.engine {
        row("engine", words::engine(engine));
    }
    match subject.context {
        Some(Fact::Known(context)) => row("context", summary::context(context)),
        Some(Fact::Unknown(why)) => row("context", format!("not looked at: {why}")),
        None => (),
    }
    if let Some(text) = subject.host.and_then(summary::latency) {
        row("", text);
    }
    lines
}

fn counts(style: Style, shown: &Overview<'_>) -> Line {
    let diagnosis = shown.diagnosis;
    let errors = diagnosis.at_least(Severity::Error);
    let warnings = diagnosis.at_least(Severity::Warning) - errors;
    let hints = diagnosis.at_least(Severity::Style) - errors - warnings;
    let mut line = Line::new(style);
    let found = [
        (errors, "error", Severity::Error),
        (warnings, "warning", Severity::Warning),
        (hints, "hint", Severity::Hint),
    ];
    for (n, noun, severity) in found.into_iter().filter(|(n, ..)| *n > 0) {
        let (tone, glyph) = mark(severity);
        line = line.text(" ").add(tone, glyph).text(format!(" {} ", words::many(n, noun)));
    }
    if diagnosis.findings.is_empty() {
        line = line.text(" ").add(Tone::Good, "✓").text(" nothing found ");
    }
    for (n, noun) in [(diagnosis.skipped(), "skipped"), (diagnosis.ignored(), "ignored")] {
        if n > 0 {
            line = line.add(Tone::Dim, format!(" - {n} {noun} "));
        }
    }
    let checks = words::many(diagnosis.checks.len(), "check");
    let checks = format!("{checks} in {}", units::time(shown.took));
    line.right(style.table(), Tone::Dim, checks)
}

fn findings(style: Style, findings: &[Finding], room: usize) -> Vec<Line> {
    if findings.is_empty() {
        return vec![];
    }
    let (basis_at, end) = (style.table() - 26, style.table());
    let title = Line::new(style).text(" ").add(Tone::Strong, "Where the next build loses time");
    let mut lines = vec![title.to(basis_at).add(Tone::Dim, "basis").right(end, Tone::Dim, "saves")];
    // Costs decide here, not severity: the screen answers "what do I lose".
    // A hint without a price is for the doctor.
    let matters = |f: &&Finding| f.cost.is_some() || f.severity > Severity::Hint;
    let mut by_cost: Vec<&Finding> = findings.iter().filter(matters).collect();
    by_cost.sort_by(|a, b| b.weight().total_cmp(&a.weight()));
    let mut told = 0;
    for finding in &by_cost {
        let rows = finding_rows(style, finding, (basis_at, end));
        let is_last = told + 1 == by_cost.len();
        if lines.len() + rows.len() + usize::from(!is_last) > room {
            break;
        }
        lines.extend(rows);
        told += 1;
    }
    if told < by_cost.len() {
        let rest = format!("   and {} more", by_cost.len() - told);
        lines.push(Line::new(style).add(Tone::Dim, rest));
    }
    lines
}

/// One or two lines: the message, then the name of the rule in brackets.
fn finding_rows(style: Style, finding: &Finding, (basis_at, end): (usize, usize)) -> Vec<Line> {
    let (tone, glyph) = mark(finding.severity);
    let columns = basis_at.saturating_sub(5);
    let rule = format!("[{}]", finding.rule);
    let wrapped = wrap(style, &format!("{} {rule}", finding.message), columns);
    let first = Line::new(style).text(" ").add(tone, glyph).text(" ").text(&wrapped[0]);
    let first = match finding.cost {
        Some(cost) => {
            let first = first.to(basis_at).add(Tone::Dim, words::basis(cost.basis));
            let saves = words::saving(cost.saving).replace(" per rebuild", "/rebuild");
            first.right(end, Tone::Strong, saves)
        }
        None => first,
    };
    let mut lines = vec![first];
    match wrapped.len() {
        1 => (),
        2 => lines.push(Line::new(style).text("   ").text(&wrapped[1])),
        _ => {
            let room = columns.saturating_sub(rule.len() + 1);
            let rest = wrapped[1..].join(" ");
            let rest = rest.strip_suffix(&rule).unwrap_or(&rest);
            lines.push(
                Line::new(style).text("   ").cut(room, Tone::Plain, rest).text(" ").text(rule),
            );
        }
    }
    lines
}

/// ` (up to 70.0 s)`: what the safe fixes save of the next build, if their prices add up.
fn gain(diagnosis: &Diagnosis) -> String {
    let is_safe =
        |finding: &&Finding| finding.fixes.first().is_some_and(|fix| fix.safety == Safety::Safe);
    let seconds = diagnosis.findings.iter().filter(is_safe).filter_map(|finding| {
        match finding.cost.map(|cost| cost.saving) {
            Some(Saving::Seconds(seconds)) => Some(seconds),
            _ => None,
        }
    });
    match seconds.sum::<f64>() {
        seconds if seconds >= 1.0 => format!(" (up to {})", words::seconds_of(seconds)),
        _ => String::new(),
    }
}

fn next_steps(style: Style, diagnosis: &Diagnosis) -> Vec<Line> {
    let of = |safety| {
        let fixes = diagnosis.findings.iter().filter_map(|finding| finding.fixes.first());
        fixes.filter(|fix| fix.safety == safety).count()
    };
    let (safe, risky) = (of(Safety::Safe), of(Safety::Risky));
    let row = |command: &str, does: String| {
        Line::new(style).text(" ").add(Tone::Hint, command).to(20).text(does)
    };
    let mut lines = Vec::new();
    if safe > 0 {
        let safe = words::many(safe, "safe fix");
        let gain = gain(diagnosis);
        lines.push(row("careen fix", format!("{safe}{gain}, shown as a diff first, undoable")));
    } else if risky > 0 {
        lines.push(row("careen fix", format!("{} to decide on", words::many(risky, "fix"))));
    }
    lines.push(row("careen doctor -v", "all checks with evidence".to_owned()));
    lines.push(row("careen build", "build, time every step, compare with last time".to_owned()));
    lines
}
