//! pip, uv or npm download everything again each time their step runs.

use careen_model::{Category, Edit, Finding, Findings, Fix, Severity, Span};
use careen_syntax::dockerfile::Manager;

use crate::calls::Command;
use crate::packages::{cache_folder, install};
use crate::rules::packages::installs_cost;
use crate::steps::{Reading, Run, edits, flag_lines, insert};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "package-cache-unmounted",
    title: "package managers keep downloads",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3042"],
    page: include_str!("package_cache_unmounted.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    for run in runs {
        let mut told: Vec<Manager> = Vec::new();
        for command in run.commands() {
            let Some(manager) = install(command).map(|install| install.manager) else { continue };
            let Some(folder) = cache_folder(manager, run) else { continue };
            if manager == Manager::Apt
                || run.keeps(&folder)
                || told.contains(&manager)
                || is_off(run, manager)
            {
                continue;
            }
            told.push(manager);
            let name = manager.as_str();
            let message = format!("{name} downloads its packages again each time this step runs");
            let finding = rule.at(file, run.instruction.code, message).because(
                "cache mount",
                format!("none at {folder}"),
                file.path.display().to_string(),
            );
            let finding = installs_cost::priced(finding, run, facts, manager);
            found.push(with_fix(finding, file, run, manager, &folder));
        }
    }
}

/// The cache is switched off for all steps: somebody decided so.
fn is_off(run: &Run<'_>, manager: Manager) -> bool {
    match manager {
        Manager::Pip => run.env.contains_key("PIP_NO_CACHE_DIR"),
        Manager::Uv => run.env.contains_key("UV_NO_CACHE"),
        _ => false,
    }
}

/// Switches of single commands that keep the cache from being used.
fn switch(manager: Manager) -> &'static [&'static str] {
    match manager {
        Manager::Pip => &["--no-cache-dir"],
        Manager::Uv => &["--no-cache", "--no-cache-dir", "-n"],
        _ => &[],
    }
}

fn with_fix(
    finding: Finding,
    file: &ParsedDockerfile,
    run: &Run<'_>,
    manager: Manager,
    folder: &str,
) -> Finding {
    let flag = format!("--mount=type=cache,target={folder}");
    // Another user has another home, and may not write into this one.
    if !run.is_root || !run.is_editable(file) {
        return finding.fix(Fix::by_hand(format!("Add {flag} with the user's own cache folder")));
    }
    let at = run.flags_end();
    let mut fix = Fix::by_hand(format!("Keep {}'s downloads in a cache mount", manager.as_str()));
    let mut edits_ = vec![insert(at, flag_lines(file, std::slice::from_ref(&flag)))];
    fix = fix.adds(&flag);
    let mine = run
        .commands()
        .filter(|command| install(command).is_some_and(|install| install.manager == manager));
    for command in mine {
        let words = command.arguments();
        for word in words.iter().filter(|word| switch(manager).contains(&word.text.as_str())) {
            edits_.push(Edit::replace(with_gap(command, word.span), ""));
            fix = fix.removes(&word.text);
        }
        // Without it uv tries to link across file systems and warns about it.
        let linked = run.env.contains_key("UV_LINK_MODE") || run.joined().contains("UV_LINK_MODE");
        if manager == Manager::Uv && !linked {
            edits_.push(insert(command.span.start, "UV_LINK_MODE=copy "));
            fix = fix.adds("UV_LINK_MODE=copy");
        }
    }
    merge(&mut edits_);
    fix.safety = careen_model::Safety::Safe;
    fix.steps = vec![edits(file, edits_)];
    finding.fix(fix)
}

/// A word and what lies between it and the next, or the one before when it is the last.
fn with_gap(command: &Command, word: Span) -> Span {
    let next = command.words.iter().find(|other| other.span.start >= word.end);
    let before = command.words.iter().rev().find(|other| other.span.end <= word.start);
    match (next, before) {
        (Some(next), _) => Span { start: word.start, end: next.span.start },
        (None, Some(before)) => Span { start: before.span.end, end: word.end },
        (None, None) => word,
    }
}

/// Two insertions at one place become one, in the order they were made.
fn merge(edits: &mut Vec<Edit>) {
    let mut merged: Vec<Edit> = Vec::new();
    for edit in edits.drain(..) {
        let twin = merged.iter_mut().find(|known| known.span == edit.span);
        match twin.filter(|known| known.span.start == known.span.end) {
            Some(known) => known.text.push_str(&edit.text),
            None => merged.push(edit),
        }
    }
    *edits = merged;
}
