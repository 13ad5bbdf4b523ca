//! `JUnit` XML: a suite for each file, a case for each finding.

use std::io;

use super::{LintFile, LintFinding, Linting};
use crate::words;
use crate::xml::{attribute, body};

/// Findings below the severity that fails the run are told in the output of a passed case.
pub fn report(out: &mut dyn io::Write, linting: &Linting) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"careen lint\">")?;
    for file in &linting.files {
        suite(out, linting, file)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(out: &mut dyn io::Write, linting: &Linting, file: &LintFile) -> io::Result<()> {
    let fails = |found: &&LintFinding| {
        linting.fails_at.is_some_and(|floor| found.finding.severity >= floor)
    };
    let path = attribute(&file.shown());
    let (tests, errors) = (file.findings.len().max(1), usize::from(file.unread.is_some()));
    let failures = file.findings.iter().filter(fails).count();
    writeln!(
        out,
        "  <testsuite name=\"{path}\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{errors}\">"
    )?;
    if let Some(reason) = &file.unread {
        let reason = attribute(&format!("could not be read: {reason}"));
        writeln!(out, "    <testcase name=\"read\" classname=\"{path}\">")?;
        writeln!(out, "      <error message=\"{reason}\"/>\n    </testcase>")?;
    } else if file.findings.is_empty() {
        writeln!(out, "    <testcase name=\"lint\" classname=\"{path}\"/>")?;
    }
    for found in &file.findings {
        let at = found.at;
        let name = attribute(&format!("{}:{}:{}", found.finding.rule, at.line, at.column));
        writeln!(out, "    <testcase name=\"{name}\" classname=\"{path}\">")?;
        let told = body(&told(file, found));
        if fails(&found) {
            let message = attribute(&found.finding.message);
            writeln!(out, "      <failure message=\"{message}\">{told}</failure>")?;
        } else {
            writeln!(out, "      <system-out>{told}</system-out>")?;
        }
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

fn told(file: &LintFile, found: &LintFinding) -> String {
    let finding = &found.finding;
    let severity = words::severity(finding.severity);
    let place = format!("{}:{}:{}", file.shown(), found.at.line, found.at.column);
    let mut lines = vec![format!("{place}: {severity}: {}", finding.message)];
    for fact in &finding.evidence {
        lines.push(format!("  {}: {} (from {})", fact.what, fact.value, fact.source));
    }
    for fix in &finding.fixes {
        lines.push(format!("  fix: {} ({})", fix.title, words::safety(fix.safety)));
    }
    lines.join("\n")
}
