//! A command fails into a pipe and the step goes on.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Form, Join, Shell};

use crate::calls::Command;
use crate::steps::{Reading, Run, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "missing-pipefail",
    title: "failures in pipes end the step",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL4006"],
    page: include_str!("missing_pipefail.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        let Shell::Posix(shell) = &run.shell else { continue };
        let commands = &run.script.commands;
        let sets =
            commands.iter().any(|command| command.program() == "set" && command.has("pipefail"));
        if shell.pipefail || sets || run.instruction.form == Form::Json {
            continue;
        }
        let mut piped = commands.iter().filter(|command| command.join == Join::Pipe);
        let Some(command) = piped.find(|command| can_fail(command)) else { continue };
        let message = format!(
            "the step goes on when `{}` fails: only the end of a pipe counts",
            command.program()
        );
        let finding = rule.at(reading.file, command.span, message).because(
            "shell",
            shell.program.clone(),
            reading.file.path.display().to_string(),
        );
        found.push(finding.maybe_fix(guarded(reading, run, &shell.program)));
    }
}

/// Programs that fail only when nobody reads them any more: then pipefail would be in the way.
const HARMLESS: [&str; 7] = ["echo", "printf", "yes", "true", "cat", "head", ":"];

fn can_fail(command: &Command) -> bool {
    let program = command.program();
    let is_constant = program == "cat" && command.arguments().is_empty();
    !program.is_empty() && (!HARMLESS.contains(&program) || program == "cat" && !is_constant)
}

/// `set -o pipefail` before the rest, where the shell is known to have it: dash has not.
fn guarded(reading: &Reading<'_>, run: &Run<'_>, program: &str) -> Option<Fix> {
    if !matches!(program, "bash" | "ash" | "zsh" | "ksh") || !is_line(reading, run) {
        return None;
    }
    let edit = insert(run.flags_end(), format!("{GUARD} "));
    Some(Fix::risky("Let the step fail", edits(reading.file, vec![edit])).adds(GUARD))
}

const GUARD: &str = "set -o pipefail &&";

/// Nothing that begins with a reserved word or in a heredoc.
fn is_line(reading: &Reading<'_>, run: &Run<'_>) -> bool {
    let first = run.script.commands.first();
    let starts = first.is_some_and(|command| command.span.start == run.flags_end());
    let instruction = run.instruction;
    let is_text = reading.file.file.text().is_some();
    is_text && starts && instruction.form == Form::Shell && !instruction.blank_inside
}
