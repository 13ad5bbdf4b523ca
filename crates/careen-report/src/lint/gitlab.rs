//! GitLab's code quality report: a JSON list of issues.

use std::io;

use careen_model::Severity;
use careen_model::legacy::Value;

use super::{LintFile, LintFinding, Linting, uri};
use crate::json::write_bare;

/// Files that could not be read are no issue of the code, and this form has no other place.
pub fn report(out: &mut dyn io::Write, linting: &Linting) -> io::Result<()> {
    let issues = linting.all().map(|(file, found)| issue(file, found));
    write_bare(out, &Value::List(issues.collect()))
}

fn issue(file: &LintFile, found: &LintFinding) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    let severity = match found.finding.severity {
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Hint => "minor",
        Severity::Style => "info",
    };
    let path = file.path.strip_prefix(".").unwrap_or(&file.path).to_string_lossy();
    let at = |n: usize| Value::Count(n as u64);
    let lines = Value::Map(vec![("begin", at(found.at.line)), ("end", at(found.at.end_line))]);
    Value::Map(vec![
        ("description", text(&found.finding.message)),
        ("check_name", text(found.finding.rule)),
        // Unique in the report: two files may hold the same line.
        ("fingerprint", text(&format!("{}:{}", found.fingerprint, uri(&file.path)))),
        ("severity", text(severity)),
        ("location", Value::Map(vec![("path", text(&path)), ("lines", lines)])),
    ])
}
