//! pip, uv or npm download everything again each time their step runs.

use careen_model::{Category, Edit, Finding, Findings, Fix, Severity, Span};

use crate::packages::{Manager, install};
use crate::rules::installs_cost;
use crate::steps::{Run, edits, flag_lines, runs};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule};

pub(super) const RULE: Rule = Rule {
    id: "package-cache-unmounted",
    title: "package managers keep downloads",
    category: Category::Dockerfile,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3042"],
    page: include_str!("package_cache_unmounted.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, file: &ParsedDockerfile, facts: &Facts, found: &mut Findings) {
    for run in &runs(file) {
        let mut told: Vec<Manager> = Vec::new();
        for command in run.commands() {
            let Some(manager) = install(command).map(|install| install.manager) else { continue };
            let keeps = run.cache_at(&manager.folder(run)).is_some();
            if manager == Manager::Apt || keeps || told.contains(&manager) || is_off(run, manager) {
                continue;
            }
            told.push(manager);
            let name = manager.name();
            let message = format!("{name} downloads its packages again each time this step runs");
            let finding = rule.at(file, run.instruction.code, message).because(
                "cache mount",
                format!("none at {}", manager.folder(run)),
                file.path.display().to_string(),
            );
            let finding = installs_cost::priced(finding, run, facts, manager);
            found.push(with_fix(finding, file, run, manager));
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

fn with_fix(finding: Finding, file: &ParsedDockerfile, run: &Run<'_>, manager: Manager) -> Finding {
    let folder = manager.folder(run);
    let flag = format!("--mount=type=cache,target={folder}");
    // Another user has another home, and may not write into this one.
    if !run.is_root || !run.is_editable(file) {
        return finding.fix(Fix::by_hand(format!("Add {flag} with the user's own cache folder")));
    }
    let at = run.flags_end();
    let mut fix = Fix::by_hand(format!("Keep {}'s downloads in a cache mount", manager.name()));
    let mut edits_ = vec![Edit::replace(
        Span { start: at, end: at },
        flag_lines(file, std::slice::from_ref(&flag)),
    )];
    fix = fix.adds(&flag);
    let mine = run
        .commands()
        .filter(|command| install(command).is_some_and(|install| install.manager == manager));
    for command in mine {
        let words = command.arguments();
        for word in words.iter().filter(|word| switch(manager).contains(&word.text.as_str())) {
            // The space before it goes too.
            let span = run.span(word.range.clone());
            let start = run.span(word.range.start - 1..word.range.start).start;
            edits_.push(Edit::replace(Span { start, end: span.end }, ""));
            fix = fix.removes(&word.text);
        }
        // Without it uv tries to link across file systems and warns about it.
        let linked = run.env.contains_key("UV_LINK_MODE") || run.joined().contains("UV_LINK_MODE");
        if manager == Manager::Uv && !linked {
            let place = run.span(command.range.clone()).start;
            let span = Span { start: place, end: place };
            edits_.push(Edit::replace(span, "UV_LINK_MODE=copy "));
            fix = fix.adds("UV_LINK_MODE=copy");
        }
    }
    merge(&mut edits_);
    fix.safety = careen_model::Safety::Safe;
    fix.steps = vec![edits(file, edits_)];
    finding.fix(fix)
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
