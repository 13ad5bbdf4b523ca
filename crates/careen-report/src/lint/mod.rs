//! What `careen lint` shows in any format: files in their order, findings with their places.

pub mod checkstyle;
pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod markdown;
mod position;
pub mod sarif;

use std::path::{Path, PathBuf};
use std::time::Duration;

use careen_model::{Edit, Finding, Fix, Safety, Severity, Span, Step};

pub use position::{LineIndex, Range};

use crate::words;

/// One run over files.
#[derive(Debug, Clone, Default)]
pub struct Linting {
    /// Whose rules: `careen`, `buildkit`, `hadolint`.
    pub profile: &'static str,
    /// In the order they were named or found.
    pub files: Vec<LintFile>,
    /// The severity from which on the run counts as failed; `None`: it never does.
    pub fails_at: Option<Severity>,
    /// Entries of the baseline that nothing answers any more.
    pub stale: Vec<StaleEntry>,
    /// Fixes that were made before this was found.
    pub fixed: Vec<Fixed>,
    /// Journal entries that take them back.
    pub journal: Vec<String>,
    /// What the search for files did not understand, and fixes that were not made.
    pub notes: Vec<String>,
    pub took: Duration,
}

/// One file and what was found in it.
#[derive(Debug, Clone, Default)]
pub struct LintFile {
    pub path: PathBuf,
    pub source: Vec<u8>,
    pub lines: LineIndex,
    /// Why it could not be looked at.
    pub unread: Option<String>,
    /// By place.
    pub findings: Vec<LintFinding>,
    /// Kept back by comments in the file or by the selection.
    pub suppressed: usize,
    /// Kept back by the baseline.
    pub known: usize,
    /// The file says itself that what was found in it makes the run fail.
    pub must_fail: bool,
}

/// A finding with everything that the formats say of it.
#[derive(Debug, Clone)]
pub struct LintFinding {
    pub finding: Finding,
    pub rule: LintRule,
    pub at: Range,
    /// The same for the same thing after lines have moved.
    pub fingerprint: String,
}

impl LintFinding {
    /// The rule, and in brackets the names that other tools have for this very finding, such as
    /// ShellCheck's number: one rule of ours may stand for many of theirs.
    pub fn rule_named(&self) -> String {
        // A finding of another tool's profile has that name already.
        let is_ours = self.finding.rule.starts_with(|first: char| first.is_ascii_lowercase());
        match self.finding.also.as_slice() {
            [] => self.finding.rule.to_owned(),
            also if is_ours => format!("{} ({})", self.finding.rule, also.join(", ")),
            _ => self.finding.rule.to_owned(),
        }
    }
}

/// What a format says of the rule behind a finding.
#[derive(Debug, Clone, Default)]
pub struct LintRule {
    pub title: &'static str,
    /// What suffers: `correctness`, `security`, …
    pub topic: &'static str,
    /// Other names of the finding.
    pub aliases: Vec<&'static str>,
    /// The page of the rule, in Markdown.
    pub page: &'static str,
}

/// An entry of a baseline that nothing answers any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleEntry {
    pub path: String,
    pub rule: String,
    pub line: u32,
    pub message: String,
}

/// A fix that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    pub path: String,
    pub rule: &'static str,
    pub title: String,
    pub safety: Safety,
}

/// How many of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LintCounts {
    pub files: usize,
    pub unread: usize,
    pub with_findings: usize,
    pub findings: usize,
    pub error: usize,
    pub warning: usize,
    pub hint: usize,
    pub style: usize,
    /// With a safe fix.
    pub safe: usize,
    /// With a risky fix and no safe one.
    pub risky: usize,
    pub suppressed: usize,
    pub known: usize,
}

/// One edit of a fix where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replacement<'a> {
    pub(crate) at: Range,
    pub(crate) text: &'a str,
}

impl LintFile {
    /// A file that was read; its findings are added with [`LintFile::push`].
    pub fn new(path: PathBuf, source: Vec<u8>) -> LintFile {
        let lines = LineIndex::of(&source);
        LintFile { path, source, lines, ..LintFile::default() }
    }

    /// A file that could not be looked at.
    pub fn unread(path: PathBuf, reason: String) -> LintFile {
        LintFile { path, unread: Some(reason), ..LintFile::default() }
    }

    pub fn range(&self, span: Span) -> Range {
        self.lines.range(&self.source, span)
    }

    pub(crate) fn shown(&self) -> String {
        words::shown(&self.path)
    }

    /// The edits that a fix makes in this very file.
    pub(crate) fn replacements<'a>(&self, fix: &'a Fix) -> Vec<Replacement<'a>> {
        let edits = fix.steps.iter().filter_map(|step| match step {
            Step::Edit { path, edits } if *path == self.path => Some(edits),
            _ => None,
        });
        let located = |edit: &'a Edit| Replacement { at: self.range(edit.span), text: &edit.text };
        edits.flatten().map(located).collect()
    }
}

impl Linting {
    pub fn counts(&self) -> LintCounts {
        let mut counts = LintCounts { files: self.files.len(), ..LintCounts::default() };
        for file in &self.files {
            counts.unread += usize::from(file.unread.is_some());
            counts.with_findings += usize::from(!file.findings.is_empty());
            counts.suppressed += file.suppressed;
            counts.known += file.known;
            for LintFinding { finding, .. } in &file.findings {
                counts.findings += 1;
                match finding.severity {
                    Severity::Error => counts.error += 1,
                    Severity::Warning => counts.warning += 1,
                    Severity::Hint => counts.hint += 1,
                    Severity::Style => counts.style += 1,
                }
                match finding.fixes.iter().map(|fix| fix.safety).max() {
                    Some(Safety::Safe) => counts.safe += 1,
                    Some(Safety::Risky) => counts.risky += 1,
                    Some(Safety::Manual) | None => (),
                }
            }
        }
        counts
    }

    /// Findings at or above the severity that makes the run fail.
    pub fn failures(&self) -> usize {
        let Some(floor) = self.fails_at else { return 0 };
        self.all().filter(|(_, found)| found.finding.severity >= floor).count()
    }

    /// Whether the run has failed: by what was found, or because a file asks for it.
    pub fn has_failed(&self) -> bool {
        let asks = |file: &LintFile| file.must_fail && !file.findings.is_empty();
        self.failures() > 0 || (self.fails_at.is_some() && self.files.iter().any(asks))
    }

    /// hadolint says `info` where careen says `hint`.
    pub(crate) fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Hint if self.profile == "hadolint" => "info",
            other => words::severity(other),
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&LintFile, &LintFinding)> {
        self.files.iter().flat_map(|file| file.findings.iter().map(move |found| (file, found)))
    }

    pub(crate) fn unread(&self) -> impl Iterator<Item = (&LintFile, &str)> {
        self.files.iter().filter_map(|file| Some((file, file.unread.as_deref()?)))
    }
}

impl LintCounts {
    /// `1 error, 4 warnings`; nothing where there is nothing.
    pub(crate) fn severities(&self) -> String {
        let counts = [
            (self.error, "error"),
            (self.warning, "warning"),
            (self.hint, "hint"),
            (self.style, "style finding"),
        ];
        let told = counts.into_iter().filter(|(n, _)| *n > 0);
        told.map(|(n, what)| words::many(n, what)).collect::<Vec<_>>().join(", ")
    }
}

/// A path as a URI reference: relative where it is, with slashes, other bytes escaped.
pub(crate) fn uri(path: &Path) -> String {
    use std::fmt::Write as _;
    let path = path.strip_prefix(".").unwrap_or(path);
    let mut out = String::new();
    if path.is_absolute() {
        out.push_str("file://");
    }
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a string takes all text"),
        }
    }
    out
}
