//! The first WORKDIR is relative, so it depends on the base image.

use careen_model::{Category, Edit, Findings, Fix, Severity, Span};
use careen_syntax::dockerfile::{Base, Keyword, quote};

use crate::buildkit::{change, on_first_line};
use crate::steps::{Placed, Reading};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "relative-workdir",
    title: "the first WORKDIR is absolute",
    category: Category::Dockerfile,
    topic: Topic::Reproducibility,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["WorkdirRelativePath", "DL3000"],
    page: include_str!("relative_workdir.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    // `C:\app` is absolute where it is meant, whatever platform was named here.
    judge(rule, reading, facts, found, |path| !has_drive(path));
}

/// As BuildKit judges: a drive letter is none when the target is not Windows.
pub(crate) fn as_buildkit(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    judge(rule, reading, facts, found, |_| true);
}

fn judge(
    rule: &Rule,
    reading: &Reading<'_>,
    facts: &Facts,
    found: &mut Findings,
    counts: fn(&str) -> bool,
) {
    let file = reading.file;
    for step in reading.all(Keyword::Workdir).filter(|step| !step.is_trigger) {
        let Some(word) = step.instruction.words.first() else { continue };
        // Only the first one: a later relative one stands in a folder that is known.
        if reading.meaning.has_before(step.item, Keyword::Workdir) || step.stage.is_none() {
            continue;
        }
        let expanded = reading.meaning.expand(step.item, &word.text);
        let path = expanded.text;
        if expanded.error.is_some() || is_absolute(&path, is_windows(reading, step, facts)) {
            continue;
        }
        if !counts(&path) {
            continue;
        }
        let quoted = quote(path.as_bytes());
        let message = format!(
            "Relative workdir {quoted} can have unexpected results if the base image changes"
        );
        found.push(
            rule.at(file, on_first_line(file, step.instruction, word.span), message)
                .because("path", &word.text, file.path.display().to_string())
                .maybe_fix(rooted(reading, step, word.span, &path)),
        );
    }
}

/// A slash in front. In an empty image that is what it means; elsewhere the base image may have
/// set another folder.
fn rooted(reading: &Reading<'_>, step: &Placed<'_>, word: Span, path: &str) -> Option<Fix> {
    let source = reading.file.file.text()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-${}".contains(c);
    let written = word.of(source);
    if path.is_empty() || has_drive(path) || !written.chars().all(is_plain) {
        return None;
    }
    let tail = written.trim_start_matches("./");
    let edit = Edit::replace(word, format!("/{tail}"));
    let start = if is_from_scratch(reading, step) { Fix::safe } else { Fix::risky };
    change(reading.file, start, format!("Write `/{tail}`"), vec![edit])
}

fn is_from_scratch(reading: &Reading<'_>, step: &Placed<'_>) -> bool {
    let mut stage = step.stage;
    while let Some(index) = stage {
        match reading.meaning.stages[index].base {
            Base::Scratch => return true,
            Base::Image(_) => return false,
            Base::Stage(base) => stage = Some(base),
        }
    }
    false
}

fn is_windows(reading: &Reading<'_>, step: &Placed<'_>, facts: &Facts) -> bool {
    let mut stage = step.stage;
    while let Some(index) = stage {
        let known = &reading.meaning.stages[index];
        match (known.base.clone(), &known.platform) {
            (Base::Stage(base), _) => stage = Some(base),
            (_, Some(platform)) => return platform.starts_with("windows"),
            _ => break,
        }
    }
    facts.lint.given.platform.starts_with("windows")
}

fn is_absolute(path: &str, windows: bool) -> bool {
    let path = if windows && has_drive(path) { &path[2..] } else { path };
    path.starts_with('/') || (windows && path.starts_with('\\'))
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}
