//! The doctor's screen: one line per category, details under what is wrong.

use std::io;

use careen_model::{Category, Checked, Diagnosis, Finding, Fix, Looked, Safety, Severity, Step};

use super::{Line, Style, Tone, line::wrap, mark, summary, write_lines};
use crate::{Subject, TextOf, words};

/// How much the doctor tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Findings with price and remedy.
    Problems,
    /// Every check, and under each finding the facts it rests on.
    Everything,
}

/// What the doctor's screen shows.
#[derive(Clone, Copy)]
pub struct Doctor<'a> {
    pub subject: Subject<'a>,
    pub diagnosis: &'a Diagnosis,
    pub detail: Detail,
    pub text_of: &'a TextOf<'a>,
}

impl std::fmt::Debug for Doctor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doctor").field("detail", &self.detail).finish_non_exhaustive()
    }
}

/// One row of the list of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'a> {
    pub rule: &'a str,
    pub title: &'a str,
    pub category: Category,
}

/// Every category with its state, findings below it, and a footer that hides nothing.
pub fn doctor(out: &mut dyn io::Write, style: Style, shown: &Doctor<'_>) -> io::Result<()> {
    let mut lines = Vec::new();
    for category in Category::ALL {
        lines.extend(section(style, category, shown));
    }
    lines.push(Line::new(style));
    lines.extend(footer(style, shown.diagnosis));
    write_lines(out, style, &lines)
}

/// Every check by category, for `--list`.
pub fn checks(out: &mut dyn io::Write, style: Style, listed: &[Listed<'_>]) -> io::Result<()> {
    let widest = listed.iter().map(|check| check.rule.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for category in Category::ALL {
        let mut rows = listed.iter().filter(|check| check.category == category).peekable();
        if rows.peek().is_none() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::new(style));
        }
        lines.push(Line::new(style).add(Tone::Strong, category.name()));
        for check in rows {
            let line = Line::new(style).text("  ").add(Tone::Hint, check.rule);
            lines.push(line.to(widest + 4).text(check.title));
        }
    }
    write_lines(out, style, &lines)
}

fn section(style: Style, category: Category, shown: &Doctor<'_>) -> Vec<Line> {
    let checks: Vec<&Checked> =
        shown.diagnosis.checks.iter().filter(|check| check.category == category).collect();
    if checks.is_empty() {
        return vec![];
    }
    let is_here = |finding: &&Finding| checks.iter().any(|check| check.rule == finding.rule);
    let findings: Vec<&Finding> = shown.diagnosis.findings.iter().filter(is_here).collect();

    let (tone, glyph) = health(&checks, &findings);
    let title = Line::new(style).text("[").add(tone, glyph).text("] ");
    let title = title.add(Tone::Strong, category.name()).to(17);
    let mut lines = vec![];
    let rows = wrap(style, &says(category, &checks, shown), style.width.saturating_sub(17));
    for (i, row) in rows.iter().enumerate() {
        let lead = if i == 0 { title.clone() } else { Line::new(style).to(17) };
        lines.push(lead.text(row));
    }
    for finding in findings {
        lines.extend(told(style, finding, shown));
    }
    if shown.detail == Detail::Everything {
        lines.extend(checks.iter().filter_map(|check| quiet(style, check)).flat_map(|l| l.rows(8)));
    }
    lines
}

fn health(checks: &[&Checked], findings: &[&Finding]) -> (Tone, &'static str) {
    let worst = findings.iter().map(|finding| finding.severity).max();
    match worst {
        Some(Severity::Error) => (Tone::Bad, "✗"),
        Some(Severity::Warning) => (Tone::Beware, "!"),
        _ if checks.iter().all(|check| was_not_looked_at(check)) => (Tone::Dim, "-"),
        _ => (Tone::Good, "✓"),
    }
}

fn was_not_looked_at(check: &Checked) -> bool {
    matches!(check.looked, Looked::Skipped(_) | Looked::Ignored { .. })
}

fn says(category: Category, checks: &[&Checked], shown: &Doctor<'_>) -> String {
    let skipped: Vec<String> = checks.iter().filter_map(|check| skip_reason(check)).collect();
    if skipped.len() == checks.len() {
        let mut reasons = skipped;
        reasons.dedup();
        return format!("skipped: {}", reasons.join("; "));
    }
    let facts = summary::of(category, &shown.subject);
    let facts = facts.unwrap_or_else(|| words::many(checks.len(), "check"));
    match skipped.len() {
        0 => facts,
        n => format!("{facts} ({n} skipped)"),
    }
}

fn skip_reason(check: &Checked) -> Option<String> {
    match &check.looked {
        Looked::Skipped(why) => Some(why.to_string()),
        _ => None,
    }
}

fn told(style: Style, finding: &Finding, shown: &Doctor<'_>) -> Vec<Line> {
    let (tone, glyph) = mark(finding.severity);
    let place = words::place(&finding.place, shown.text_of);
    let is_problem = finding.severity > Severity::Hint;
    let detailed = is_problem || shown.detail == Detail::Everything;

    let mut lines = Vec::new();
    for (i, row) in wrap(style, &finding.message, style.width.saturating_sub(6)).iter().enumerate()
    {
        let lead = match i {
            0 => Line::new(style).text("    ").add(tone, glyph).text(" "),
            _ => Line::new(style).text("      "),
        };
        lines.push(lead.text(row));
    }
    if !detailed {
        return lines;
    }
    let mut facts = Line::new(style).text("      ").add(Tone::Hint, finding.rule);
    facts = facts.add(Tone::Dim, format!(" · {place}"));
    if let Some(cost) = finding.cost {
        let price = format!(" · {} ({})", words::saving(cost.saving), words::basis(cost.basis));
        facts = facts.add(Tone::Strong, price);
    }
    lines.extend(facts.rows(8));
    if shown.detail == Detail::Everything {
        for fact in &finding.evidence {
            let line = Line::new(style).text("      ").add(Tone::Dim, format!("{}: ", fact.what));
            let line = line.text(&fact.value).add(Tone::Dim, format!("  from {}", fact.source));
            lines.extend(line.rows(8));
        }
    }
    let fixes = match shown.detail {
        Detail::Problems => finding.fixes.get(..1).unwrap_or(&[]),
        Detail::Everything => &finding.fixes,
    };
    lines.extend(fixes.iter().flat_map(|fix| remedy(style, fix)));
    lines
}

fn remedy(style: Style, fix: &Fix) -> Vec<Line> {
    let asks = |kind: &dyn Fn(&Step) -> bool| fix.steps.iter().any(kind);
    let how = match fix.safety {
        // What cannot be undone is only done when it is asked for by its name.
        _ if asks(&|step| matches!(step, Step::PruneCache { .. })) => "careen fix --clean-cache",
        _ if asks(&|step| matches!(step, Step::RecreateBuilder { .. })) => {
            "careen fix --recreate-builder"
        }
        Safety::Safe => "careen fix",
        Safety::Risky => "careen fix --risky",
        Safety::Manual => "by hand",
    };
    let line = Line::new(style).text("      fix: ").text(&fix.title);
    let mut lines = line.add(Tone::Dim, format!(" ({how})")).rows(11);
    if fix.safety == Safety::Manual {
        for command in words::steps(fix) {
            lines.push(Line::new(style).text("        ").add(Tone::Hint, command).whole());
        }
    }
    lines
}

/// A check that found nothing, for the reader who wants to see all.
fn quiet(style: Style, check: &Checked) -> Option<Line> {
    let (tone, glyph, rest) = match &check.looked {
        Looked::Found(_) => return None,
        Looked::Passed => (Tone::Good, "✓", String::new()),
        Looked::Skipped(why) => (Tone::Dim, "-", format!("  skipped: {why}")),
        Looked::Ignored { reason } => (Tone::Dim, "-", format!("  ignored: {reason}")),
    };
    let line = Line::new(style).text("    ").add(tone, glyph).text(" ").text(check.title);
    Some(line.add(Tone::Dim, format!(" ({}){rest}", check.rule)))
}

fn footer(style: Style, diagnosis: &Diagnosis) -> Vec<Line> {
    let errors = diagnosis.at_least(Severity::Error);
    let warnings = diagnosis.at_least(Severity::Warning) - errors;
    let hints = diagnosis.findings.len() - errors - warnings;
    let (skipped, ignored) = (diagnosis.skipped(), diagnosis.ignored());
    let found: Vec<String> = [(errors, "error"), (warnings, "warning"), (hints, "hint")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, noun)| words::many(n, noun))
        .collect();
    let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    let checks = words::many(diagnosis.checks.len(), "check");
    let mut lines = vec![
        Line::new(style)
            .add(Tone::Strong, format!("Found {found}"))
            .text(format!(" in {checks}; {skipped} skipped, {ignored} ignored.")),
    ];
    for (reason, rules) in by_reason(diagnosis) {
        let text = format!("{reason}: {}", rules.join(", "));
        for (i, row) in wrap(style, &text, style.width.saturating_sub(2)).iter().enumerate() {
            let indent = if i == 0 { "" } else { "  " };
            lines.push(Line::new(style).add(Tone::Dim, format!("{indent}{row}")));
        }
    }
    let can_fix = |finding: &Finding| finding.fixes.iter().any(|f| f.safety > Safety::Manual);
    if diagnosis.findings.iter().any(can_fix) {
        lines.push(Line::new(style).text("Next: ").add(Tone::Hint, "careen fix"));
    }
    lines
}

/// Checks that were not made, together with those of the same reason, in catalogue order.
fn by_reason(diagnosis: &Diagnosis) -> Vec<(String, Vec<&'static str>)> {
    let mut groups: Vec<(String, Vec<&'static str>)> = Vec::new();
    for check in &diagnosis.checks {
        let reason = match &check.looked {
            Looked::Skipped(why) => format!("skipped, {why}"),
            Looked::Ignored { reason } => format!("ignored, {reason}"),
            _ => continue,
        };
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, rules)) => rules.push(check.rule),
            None => groups.push((reason, vec![check.rule])),
        }
    }
    groups
}
