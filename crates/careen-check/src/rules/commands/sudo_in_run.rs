//! A step asks for rights with sudo.

use careen_model::{Category, Edit, Findings, Fix, Severity, Span};

use crate::calls::Command;
use crate::steps::{Reading, Run, edits, text};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "sudo-in-run",
    title: "steps do without sudo",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3004"],
    page: include_str!("sudo_in_run.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        for command in run.commands() {
            let Some(word) = command.words.first().filter(|word| word.text == "sudo") else {
                continue;
            };
            let user = reading.meaning.user_at(run.item);
            let (message, user) = match (&user, run.is_root) {
                (Some(user), true) => ("sudo gives nothing: the step runs as root", user.as_str()),
                (Some(user), false) => {
                    ("USER gives a step its rights, sudo needs a program more", user.as_str())
                }
                (None, _) => ("USER gives a step its rights, sudo needs a program more", "not set"),
            };
            let finding = rule.at(reading.file, word.span, message).because(
                "user",
                user,
                reading.file.path.display().to_string(),
            );
            found.push(finding.maybe_fix(without(reading, run, command)));
        }
    }
}

/// Leaves sudo out where the step is root's already; it had cleaned the environment.
fn without(reading: &Reading<'_>, run: &Run<'_>, command: &Command) -> Option<Fix> {
    let [sudo, next, ..] = command.words.as_slice() else { return None };
    let is_known = run.is_root && reading.meaning.user_at(run.item).is_some();
    let is_bare = !next.text.starts_with('-') && !next.text.contains('=');
    if !is_known || !is_bare || !run.is_editable(reading.file) {
        return None;
    }
    let span = Span { start: sudo.span.start, end: next.span.start };
    // A continuation between the two would go as well.
    if text(reading.file, span).trim() != "sudo" || text(reading.file, span).contains(['\\', '`']) {
        return None;
    }
    let edit = Edit::replace(span, "");
    Some(Fix::risky("Leave sudo out", edits(reading.file, vec![edit])).removes("sudo"))
}
