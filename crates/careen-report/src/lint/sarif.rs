//! SARIF 2.1.0 (OASIS): rules with their pages, regions, fingerprints, fixes as replacements.

use std::io;

use careen_model::legacy::Value;
use careen_model::{Fix, Safety, Severity};

use super::{LintFile, LintFinding, Linting, Range, uri};
use crate::json::write_bare;
use crate::words;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One log with one run.
pub fn log(out: &mut dyn io::Write, linting: &Linting) -> io::Result<()> {
    // In the order of their first finding, which the results refer to.
    let mut rules: Vec<&LintFinding> = Vec::new();
    for (_, found) in linting.all() {
        if !rules.iter().any(|known| known.finding.rule == found.finding.rule) {
            rules.push(found);
        }
    }
    let index = |found: &LintFinding| {
        rules.iter().position(|known| known.finding.rule == found.finding.rule).unwrap_or(0)
    };
    let results = linting.all().map(|(file, found)| result(file, found, index(found)));
    let driver = map([
        ("name", text("careen")),
        ("version", text(env!("CARGO_PKG_VERSION"))),
        ("rules", Value::List(rules.iter().map(|found| rule(found)).collect())),
    ]);
    let notifications = linting.unread().map(|(file, reason)| {
        map([
            ("level", text("error")),
            ("message", message(&format!("{} could not be read: {reason}", file.shown()))),
            ("locations", Value::List(vec![location(file, None)])),
        ])
    });
    let invocation = map([
        ("executionSuccessful", Value::Bool(linting.unread().next().is_none())),
        ("toolExecutionNotifications", Value::List(notifications.collect())),
    ]);
    let run = map([
        ("tool", map([("driver", driver)])),
        ("columnKind", text("unicodeCodePoints")),
        ("invocations", Value::List(vec![invocation])),
        ("results", Value::List(results.collect())),
    ]);
    let log = map([
        ("$schema", text(SCHEMA)),
        ("version", text("2.1.0")),
        ("runs", Value::List(vec![run])),
    ]);
    write_bare(out, &log)
}

fn rule(found: &LintFinding) -> Value {
    let rule = &found.rule;
    let help = map([("text", text(&plain(rule.page))), ("markdown", text(rule.page))]);
    let names = rule.aliases.iter().map(|name| text(name));
    let mut members = vec![("id", text(found.finding.rule))];
    // A rule without a page, of another tool's profile, has nothing to say here.
    if !rule.title.is_empty() {
        members.push(("shortDescription", message(rule.title)));
    }
    if !rule.page.is_empty() {
        members.push(("help", help));
    }
    members.push(("defaultConfiguration", map([("level", text(level(found.finding.severity)))])));
    let tags = Value::List(vec![text(rule.topic)]);
    members.push(("properties", map([("tags", tags), ("aliases", Value::List(names.collect()))])));
    Value::Map(members)
}

fn result(file: &LintFile, found: &LintFinding, index: usize) -> Value {
    let finding = &found.finding;
    let mut members = vec![
        ("ruleId", text(finding.rule)),
        ("ruleIndex", count(index)),
        ("level", text(level(finding.severity))),
        ("message", message(&finding.message)),
        ("locations", Value::List(vec![location(file, Some(found.at))])),
        ("partialFingerprints", map([("careen/v1", text(&found.fingerprint))])),
    ];
    let fixes: Vec<Value> = finding.fixes.iter().filter_map(|each| fix(file, each)).collect();
    if !fixes.is_empty() {
        members.push(("fixes", Value::List(fixes)));
    }
    let evidence = finding
        .evidence
        .iter()
        .map(|fact| text(&format!("{}: {} (from {})", fact.what, fact.value, fact.source)));
    let severity = text(words::severity(finding.severity));
    members.push((
        "properties",
        map([("severity", severity), ("evidence", Value::List(evidence.collect()))]),
    ));
    Value::Map(members)
}

/// A viewer applies these with one click, so only edits of this file that a person may take as
/// they are: a fix by hand is none.
fn fix(file: &LintFile, fix: &Fix) -> Option<Value> {
    let edits = file.replacements(fix);
    if edits.is_empty() || fix.safety == Safety::Manual {
        return None;
    }
    let replacements = edits.iter().map(|edit| {
        map([
            ("deletedRegion", region(edit.at)),
            ("insertedContent", map([("text", text(edit.text))])),
        ])
    });
    let change = map([
        ("artifactLocation", map([("uri", text(&uri(&file.path)))])),
        ("replacements", Value::List(replacements.collect())),
    ]);
    let title = format!("{} ({})", fix.title, words::safety(fix.safety));
    Some(map([("description", message(&title)), ("artifactChanges", Value::List(vec![change]))]))
}

fn location(file: &LintFile, at: Option<Range>) -> Value {
    let mut physical = vec![("artifactLocation", map([("uri", text(&uri(&file.path)))]))];
    physical.extend(at.map(|at| ("region", region(at))));
    map([("physicalLocation", Value::Map(physical))])
}

fn region(at: Range) -> Value {
    map([
        ("startLine", count(at.line)),
        ("startColumn", count(at.column)),
        ("endLine", count(at.end_line)),
        ("endColumn", count(at.end_column)),
    ])
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint | Severity::Style => "note",
    }
}

/// The sentences of a page before its examples.
fn plain(page: &str) -> String {
    let prose = page.split("```").next().unwrap_or(page);
    let lines = prose.lines().filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn count(n: usize) -> Value {
    Value::Count(n as u64)
}

fn message(said: &str) -> Value {
    map([("text", text(said))])
}

fn map<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Map(members.into())
}
