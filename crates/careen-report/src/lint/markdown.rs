//! Markdown for a pull request: the numbers first, then one table.

use std::io;

use super::Linting;
use crate::markdown::text;
use crate::words;

/// Findings that a comment shows; the rest is counted.
const FINDINGS: usize = 50;

pub fn report(out: &mut dyn io::Write, linting: &Linting) -> io::Result<()> {
    let counts = linting.counts();
    let found = match counts.severities() {
        none if none.is_empty() => "nothing found".to_owned(),
        some => some,
    };
    writeln!(out, "### careen lint: {found}\n")?;
    if counts.findings > 0 {
        writeln!(out, "| | finding | where |\n|---|---|---|")?;
    }
    for (file, found) in linting.all().take(FINDINGS) {
        let finding = &found.finding;
        let fix = finding.fixes.first().map_or(String::new(), |fix| {
            format!("<br>fix: {} ({})", text(&fix.title), words::safety(fix.safety))
        });
        writeln!(
            out,
            "| {} | {} `{}`{fix} | {}:{} |",
            words::severity(finding.severity),
            text(&finding.message),
            found.rule_named(),
            text(&file.shown()),
            found.at.line
        )?;
    }
    if counts.findings > FINDINGS {
        writeln!(out, "\nand {} more", counts.findings - FINDINGS)?;
    }
    for (file, reason) in linting.unread() {
        writeln!(out, "\n{} could not be read: {}", text(&file.shown()), text(reason))?;
    }
    writeln!(out, "\n{}", summary(linting))
}

/// Files, fixes, and what was kept back.
fn summary(linting: &Linting) -> String {
    let counts = linting.counts();
    let mut parts = vec![words::many(counts.files, "file")];
    let more = [
        (counts.safe, "fixable"),
        (counts.risky, "fixable with --risky"),
        (counts.suppressed, "suppressed"),
        (counts.known, "in the baseline"),
    ];
    parts.extend(more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    parts.join(", ")
}
