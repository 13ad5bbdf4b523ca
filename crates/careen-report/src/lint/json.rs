//! Findings as one JSON document, or one object a line.

use std::io;

use careen_model::{Fix, Step};
use serde::Serialize;

use super::{LintFile, LintFinding, Linting, Range};
use crate::json::{Evidence, Price, seconds, write, write_line};
use crate::words;

#[derive(Serialize)]
struct Document<'a> {
    profile: &'static str,
    took_seconds: f64,
    findings: Vec<Found<'a>>,
    files: Vec<File<'a>>,
    counts: Counts,
    /// Entries of the baseline that nothing answers any more.
    stale_baseline: Vec<Stale<'a>>,
    /// Fixes that were made before this was found.
    fixed: Vec<Made<'a>>,
    /// Journal entries that take them back.
    journal: &'a [String],
    notes: &'a [String],
}

#[derive(Serialize)]
struct Made<'a> {
    path: &'a str,
    rule: &'a str,
    title: &'a str,
    safety: &'static str,
}

#[derive(Serialize)]
struct Found<'a> {
    path: String,
    #[serde(flatten)]
    at: Range,
    rule: &'a str,
    aliases: &'a [&'static str],
    severity: &'static str,
    /// What suffers: `correctness`, `security`, `performance`, `size`, `reproducibility`, `style`.
    category: &'static str,
    message: &'a str,
    evidence: Vec<Evidence<'a>>,
    cost: Option<Price>,
    fixes: Vec<Repair<'a>>,
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct Repair<'a> {
    title: &'a str,
    safety: &'static str,
    edits: Vec<Replaced<'a>>,
    commands: Vec<&'a str>,
}

#[derive(Serialize)]
struct Replaced<'a> {
    #[serde(flatten)]
    at: Range,
    text: &'a str,
}

#[derive(Serialize)]
struct File<'a> {
    path: String,
    /// `linted`, or `unread` with the reason.
    state: &'static str,
    reason: Option<&'a str>,
    findings: usize,
    suppressed: usize,
    known: usize,
}

#[derive(Serialize)]
struct Counts {
    files: usize,
    unread: usize,
    findings: usize,
    error: usize,
    warning: usize,
    hint: usize,
    style: usize,
    fixable_safe: usize,
    fixable_risky: usize,
    suppressed: usize,
    known: usize,
}

#[derive(Serialize)]
struct Stale<'a> {
    path: &'a str,
    rule: &'a str,
    line: u32,
    message: &'a str,
}

/// `kind: "lint"`.
pub fn document(out: &mut dyn io::Write, linting: &Linting) -> io::Result<()> {
    let counts = linting.counts();
    let stale = linting.stale.iter().map(|entry| Stale {
        path: &entry.path,
        rule: &entry.rule,
        line: entry.line,
        message: &entry.message,
    });
    let fixed = linting.fixed.iter().map(|fixed| Made {
        path: &fixed.path,
        rule: fixed.rule,
        title: &fixed.title,
        safety: words::safety(fixed.safety),
    });
    let document = Document {
        profile: linting.profile,
        took_seconds: seconds(linting.took),
        findings: linting.all().map(|(file, found)| Found::of(linting, file, found)).collect(),
        files: linting.files.iter().map(File::from).collect(),
        counts: Counts {
            files: counts.files,
            unread: counts.unread,
            findings: counts.findings,
            error: counts.error,
            warning: counts.warning,
            hint: counts.hint,
            style: counts.style,
            fixable_safe: counts.safe,
            fixable_risky: counts.risky,
            suppressed: counts.suppressed,
            known: counts.known,
        },
        stale_baseline: stale.collect(),
        fixed: fixed.collect(),
        journal: &linting.journal,
        notes: &linting.notes,
    };
    write(out, "lint", document)
}

/// A finding a line, then a line for each file that could not be read.
pub fn lines(out: &mut dyn io::Write, linting: &Linting) -> io::Result<()> {
    for (file, found) in linting.all() {
        write_line(out, &Found::of(linting, file, found))?;
    }
    for file in linting.files.iter().filter(|file| file.unread.is_some()) {
        write_line(out, &File::from(file))?;
    }
    Ok(())
}

impl<'a> Found<'a> {
    fn of(linting: &Linting, file: &LintFile, found: &'a LintFinding) -> Found<'a> {
        let finding = &found.finding;
        Found {
            path: path_of(file),
            at: found.at,
            rule: finding.rule,
            aliases: &found.rule.aliases,
            severity: linting.severity(finding.severity),
            category: found.rule.topic,
            message: &finding.message,
            evidence: finding.evidence.iter().map(Evidence::from).collect(),
            cost: finding.cost.map(Price::from),
            fixes: finding.fixes.iter().map(|fix| Repair::of(file, fix)).collect(),
            fingerprint: &found.fingerprint,
        }
    }
}

impl<'a> Repair<'a> {
    fn of(file: &LintFile, fix: &'a Fix) -> Repair<'a> {
        let edits = file.replacements(fix).into_iter();
        let commands = fix.steps.iter().filter_map(|step| match step {
            Step::Show { command } => Some(command.as_str()),
            _ => None,
        });
        Repair {
            title: &fix.title,
            safety: words::safety(fix.safety),
            edits: edits.map(|edit| Replaced { at: edit.at, text: edit.text }).collect(),
            commands: commands.collect(),
        }
    }
}

impl<'a> From<&'a LintFile> for File<'a> {
    fn from(file: &'a LintFile) -> File<'a> {
        File {
            path: path_of(file),
            state: if file.unread.is_some() { "unread" } else { "linted" },
            reason: file.unread.as_deref(),
            findings: file.findings.len(),
            suppressed: file.suppressed,
            known: file.known,
        }
    }
}

fn path_of(file: &LintFile) -> String {
    file.path.to_string_lossy().into_owned()
}
