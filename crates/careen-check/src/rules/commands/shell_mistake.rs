//! A shell body says something else than what was likely meant.

use careen_model::{Category, Edit, Finding, Findings, Fix, Severity, Span, apply};
use careen_shell::{Level, Mistake, Unread};

use crate::steps::{Reading, edits};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "shell-mistake",
    title: "shell scripts mean what they say",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("shell_mistake.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let said = reading.shell();
    for mistake in &said.mistakes {
        found.push(told(rule, reading.file, mistake));
    }
    for unread in &said.unread {
        found.push(not_checked(rule, reading.file, unread));
    }
}

/// A mistake under its number.
pub(crate) fn told(rule: &Rule, file: &ParsedDockerfile, mistake: &Mistake) -> Finding {
    let mut finding = rule.at(file, mistake.span, mistake.message.clone()).because(
        "number of ShellCheck",
        mistake.code.name(),
        file.path.display().to_string(),
    );
    finding.severity = severity(mistake.level);
    finding.also.push(mistake.code.name());
    finding.maybe_fix(repair(file, mistake))
}

/// A body without findings must not look like one that nobody read.
pub(crate) fn not_checked(rule: &Rule, file: &ParsedDockerfile, unread: &Unread) -> Finding {
    let text = format!("the shell here could not be checked: {}", unread.why);
    let path = file.path.display().to_string();
    let mut finding =
        rule.at(file, unread.span, text).because("limit", unread.why.to_string(), path);
    finding.severity = Severity::Hint;
    finding
}

pub(crate) fn severity(level: Level) -> Severity {
    match level {
        Level::Error => Severity::Error,
        Level::Warning => Severity::Warning,
        Level::Info => Severity::Hint,
        Level::Style => Severity::Style,
    }
}

fn repair(file: &ParsedDockerfile, mistake: &Mistake) -> Option<Fix> {
    let repair = mistake.fix.as_ref()?;
    let source = file.file.text()?;
    let (first, last) = (repair.edits.first()?, repair.edits.last()?);
    // Whole words around what changes, so that the change can be declared in words.
    let start = source.get(..first.span.start as usize)?.rfind(char::is_whitespace);
    let start = start.map_or(0, |at| at + 1);
    let rest = source.get(last.span.end as usize..)?;
    let end = last.span.end as usize + rest.find(char::is_whitespace).unwrap_or(rest.len());
    let before = &source[start..end];
    let moved = repair.edits.iter().map(|edit| {
        let span = Span {
            start: edit.span.start.checked_sub(u32::try_from(start).ok()?)?,
            end: edit.span.end.checked_sub(u32::try_from(start).ok()?)?,
        };
        Some(Edit { span, ..edit.clone() })
    });
    let after = apply(before, &moved.collect::<Option<Vec<_>>>()?).ok()?;
    let fix = Fix::risky(repair.title.clone(), edits(file, repair.edits.clone()));
    Some(fix.removes(before).adds(&after))
}
