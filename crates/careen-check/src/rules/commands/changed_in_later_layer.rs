//! `chown -R` or `chmod -R` of files that an earlier COPY brought: a second copy of all of them.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Flag, Instruction, Item, Transfer};

use crate::buildkit::change;
use crate::calls::Command;
use crate::sizes::stored_again;
use crate::steps::{Placed, Reading, Run};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "changed-in-later-layer",
    title: "owners and modes come with the copy",
    category: Category::Dockerfile,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("changed_in_later_layer.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    for run in reading.runs.iter().filter(|run| reading.is_shipped(run.stage)) {
        for command in
            run.commands().filter(|command| is_recursive(command) && !gives_to_root(command))
        {
            let Some((copy, path)) = brought_by(reading, run, command) else { continue };
            let program = command.program();
            let message = format!("{program} stores the files of `{path}` a second time");
            let fix = flagged(reading, run, command, copy).unwrap_or_else(|| {
                Fix::by_hand(format!("Use `--{program}` where `{path}` is copied"))
            });
            let line = copy.instruction.lines.0.to_string();
            let finding = rule.at(reading.file, command.span, message).because(
                "copied in line",
                line,
                reading.file.path.display().to_string(),
            );
            found.push(stored_again(finding, facts, copy.instruction).fix(fix));
        }
    }
}

fn is_recursive(command: &Command) -> bool {
    let recursive = |text: &str| {
        text == "--recursive"
            || text
                .strip_prefix('-')
                .is_some_and(|text| !text.starts_with('-') && text.contains('R'))
    };
    matches!(command.program(), "chown" | "chmod")
        && command.arguments().iter().any(|word| recursive(&word.text))
}

/// What is copied without a flag is root's already, and engines of today store no second copy then.
fn gives_to_root(command: &Command) -> bool {
    let owner = command.operands().first().copied().unwrap_or("");
    let mut parts = owner.split([':', '.']);
    command.program() == "chown" && parts.all(|part| matches!(part, "0" | "root" | ""))
}

/// The last COPY or ADD before the step, in its stage, into a folder that the command goes through.
fn brought_by<'r, 'a>(
    reading: &'r Reading<'a>,
    run: &Run<'_>,
    command: &Command,
) -> Option<(&'r Placed<'a>, String)> {
    let operands = command.operands();
    let folders = operands.iter().skip(1).map(|path| reading.absolute(run.item, path));
    let folders: Vec<String> = folders.collect();
    let before =
        reading.steps.iter().rev().filter(|step| {
            step.stage == Some(run.stage) && step.item < run.item && !step.is_trigger
        });
    for step in before {
        let Some(transfer) = step.instruction.transfer() else { continue };
        let Some(destination) = transfer.destination else { continue };
        let to = reading.absolute(step.item, &destination.text);
        let is_in = |folder: &&String| {
            let inside = to.strip_prefix(folder.trim_end_matches('/'));
            inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let has_it = to.len() > 1 && folders.iter().any(|folder| is_in(&folder));
        // With the wanted owner it is another command's affair, and what that does is not known.
        if has_it && flag_of(&transfer, command.program()).is_none() {
            return Some((step, to));
        }
    }
    None
}

fn flag_of<'t>(transfer: &Transfer<'t>, program: &str) -> Option<&'t Flag> {
    if program == "chown" { transfer.chown } else { transfer.chmod }
}

/// The step is that command alone and follows the copy: a flag says the same.
fn flagged(
    reading: &Reading<'_>,
    run: &Run<'_>,
    command: &Command,
    copy: &Placed<'_>,
) -> Option<Fix> {
    let file = reading.file;
    let [value, path] = command.operands()[..] else { return None };
    let is_alone = run.script.commands.len() == 1 && run.mounts.is_empty() && !run.is_trigger;
    let between = &file.file.items[copy.item + 1..run.item];
    let is_next = between.iter().all(|item| matches!(item, Item::Blank(_)));
    let destination = &copy.instruction.transfer()?.destination?.text;
    let is_same = reading.absolute(run.item, path) == reading.absolute(copy.item, destination);
    let is_plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b));
    let is_octal = value.len() >= 3 && value.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let is_sayable = if command.program() == "chmod" { is_octal } else { is_plain };
    let is_bare = is_single(copy.instruction) && run.is_editable(file);
    if !(is_alone && is_next && is_same && is_sayable && is_bare) {
        return None;
    }
    let flag = format!("--{}={value}", command.program());
    let edits = vec![
        file.file.insert_flag(copy.instruction, &flag),
        file.file.delete(run.item..run.item + 1),
    ];
    change(file, Fix::risky, format!("Copy with `{flag}`"), edits)
}

/// Without heredocs, and without `--link`, which knows no names of users.
fn is_single(copy: &Instruction) -> bool {
    copy.heredocs.is_empty() && copy.transfer().is_some_and(|transfer| !transfer.link)
}
