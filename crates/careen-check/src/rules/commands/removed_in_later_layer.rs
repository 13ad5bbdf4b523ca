//! `rm` of a file that an earlier COPY or ADD brought: it stays in the layer below.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Form, Item, Keyword, clean_path};

use crate::buildkit::change;
use crate::calls::Command;
use crate::rules::transfer::archives::is_archive;
use crate::sizes::stored_again;
use crate::steps::{Placed, Reading, Run, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "removed-in-later-layer",
    title: "files are removed in the step that brought them",
    category: Category::Dockerfile,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("removed_in_later_layer.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    for run in reading.runs.iter().filter(|run| reading.is_shipped(run.stage)) {
        for (n, command) in run.commands().enumerate() {
            if command.program() != "rm" {
                continue;
            }
            let Some((copy, path)) = brought_by(reading, run, command) else { continue };
            let message = format!("`{path}` stays in the layer that brought it");
            let fix = mounted(reading, run, n, copy, &path);
            let line = copy.instruction.lines.0.to_string();
            let finding = rule.at(reading.file, command.span, message).because(
                "copied in line",
                line,
                reading.file.path.display().to_string(),
            );
            let fix = fix.unwrap_or_else(|| Fix::by_hand("Mount it for the steps that need it"));
            found.push(stored_again(finding, facts, copy.instruction).fix(fix));
        }
    }
}

/// A COPY or ADD of one file, in the stage of the step, to a place that the command removes.
fn brought_by<'r, 'a>(
    reading: &'r Reading<'a>,
    run: &Run<'_>,
    command: &Command,
) -> Option<(&'r Placed<'a>, String)> {
    let paths = command.operands().into_iter().filter(|path| !path.contains(['*', '?', '[', '$']));
    let paths: Vec<String> = paths.map(|path| reading.absolute(run.item, path)).collect();
    let before = reading
        .steps
        .iter()
        .filter(|step| step.stage == Some(run.stage) && step.item < run.item && !step.is_trigger);
    for step in before {
        let Some(to) = place(reading, step) else { continue };
        if paths.contains(&to) {
            return Some((step, to));
        }
    }
    None
}

/// Where the one file of a COPY or ADD goes. Archives are the affair of `unpacked-copy`.
fn place(reading: &Reading<'_>, step: &Placed<'_>) -> Option<String> {
    let transfer = step.instruction.transfer()?;
    let [source] = transfer.sources[..] else { return None };
    let name = source.text.rsplit('/').next()?;
    if name.is_empty() || name.contains(['*', '?', '[', '$', '.']) && is_unclear(name) {
        return None;
    }
    let destination = &transfer.destination?.text;
    let to = reading.absolute(step.item, destination);
    let is_folder = destination.ends_with('/') || matches!(destination.as_str(), "." | "..");
    let to = if is_folder { clean_path(&format!("{to}/{name}")) } else { to };
    (to.len() > 1).then_some(to)
}

fn is_unclear(name: &str) -> bool {
    name.contains(['*', '?', '[', '$']) || matches!(name, "." | "..") || is_archive(name)
}

/// The step follows the copy and removes that file alone: a mount brings it for the step.
fn mounted(
    reading: &Reading<'_>,
    run: &Run<'_>,
    n: usize,
    copy: &Placed<'_>,
    path: &str,
) -> Option<Fix> {
    let file = reading.file;
    let between = &file.file.items[copy.item + 1..run.item];
    let is_next = between.iter().all(|item| matches!(item, Item::Blank(_)));
    let transfer = copy.instruction.transfer()?;
    let is_copy = copy.instruction.keyword == Keyword::Copy && copy.instruction.form == Form::Shell;
    let is_plain = copy.instruction.flags.is_empty() && !run.is_trigger;
    let command = run.script.commands.get(n)?;
    let is_alone = command.operands().len() == 1 && run.script.commands.len() > 1;
    let source = &transfer.sources.first()?.text;
    let is_nameable = |text: &str| !text.contains([',', '"', '\'', '$', '\\', ' ']);
    let is_sayable = is_nameable(source) && is_nameable(path) && run.is_editable(file);
    if !(is_next && is_copy && is_plain && is_alone && is_sayable) {
        return None;
    }
    let mount = format!("--mount=type=bind,source={source},target={path} ");
    let edits = vec![
        file.file.delete(copy.item..copy.item + 1),
        insert(run.flags_end(), mount),
        Edit::replace(run.cut(file, n)?, ""),
    ];
    change(file, Fix::risky, format!("Mount `{source}` for the step"), edits)
}
