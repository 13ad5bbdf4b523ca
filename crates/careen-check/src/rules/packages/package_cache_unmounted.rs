//! pip, npm, go and their like download everything again each time their step runs.

use careen_model::{Category, Edit, Finding, Findings, Fix, Safety, Severity};
use careen_syntax::dockerfile::Manager;

use crate::calls::Command;
use crate::packages::{cache_folder, downloads, switch};
use crate::rules::packages::{apt, installs_cost, with_gap};
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
    aliases: &["DL3042", "DL3060"],
    page: include_str!("package_cache_unmounted.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    for run in runs {
        let mut told: Vec<Manager> = Vec::new();
        for command in run.commands() {
            let Some(manager) = downloads(command) else { continue };
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
            let message = match manager {
                Manager::Go if compiles(command) => {
                    "go downloads and compiles all again each time this step runs".into()
                }
                _ => format!("{name} downloads its packages again each time this step runs"),
            };
            let finding = rule.at(file, run.instruction.code, message).because(
                "cache mount",
                format!("none at {folder}"),
                file.path.display().to_string(),
            );
            let finding = installs_cost::priced(finding, run, facts, manager);
            let is_for_others =
                only_fetches(run, manager) && !is_used_later(dockerfile, run, manager);
            let mut finding = if is_for_others {
                finding.fix(by_hand(&folder))
            } else {
                with_fix(finding, file, run, manager, &folder)
            };
            finding.also.extend(also(manager));
            found.push(finding);
        }
    }
}

/// A command of go that does more than download.
fn compiles(command: &Command) -> bool {
    command.package.as_ref().is_some_and(|package| package.verb != "mod download")
}

fn by_hand(folder: &str) -> Fix {
    let flag = format!("--mount=type=cache,target={folder}");
    Fix::by_hand(format!("Add {flag}, with the folder that is in force for this user"))
}

/// The step is there to leave in its layer what a later one builds from.
fn only_fetches(run: &Run<'_>, manager: Manager) -> bool {
    let mut mine = run.commands().filter(|command| downloads(command) == Some(manager));
    mine.all(|command| {
        command
            .package
            .as_ref()
            .is_some_and(|package| matches!(package.verb.as_str(), "mod download" | "fetch"))
    })
}

/// A later step calls the same manager, so that it gets a mount of its own; a script does not.
fn is_used_later(reading: &Reading<'_>, run: &Run<'_>, manager: Manager) -> bool {
    reading.runs.iter().any(|later| {
        later.at > run.at
            && reading.builds_on(later.stage, run.stage)
            && later.commands().any(|command| downloads(command) == Some(manager))
            && !only_fetches(later, manager)
    })
}

/// hadolint's name for it.
fn also(manager: Manager) -> Option<&'static str> {
    match manager {
        Manager::Pip => Some("DL3042"),
        Manager::Yarn => Some("DL3060"),
        _ => None,
    }
}

/// The cache is switched off for all steps: somebody decided so.
fn is_off(run: &Run<'_>, manager: Manager) -> bool {
    match manager {
        Manager::Pip => run.env.contains_key("PIP_NO_CACHE_DIR"),
        Manager::Uv => run.env.contains_key("UV_NO_CACHE"),
        Manager::Go => run.env.get("GOFLAGS").is_some_and(|flags| flags.contains("-mod=vendor")),
        _ => false,
    }
}

fn with_fix(
    finding: Finding,
    file: &ParsedDockerfile,
    run: &Run<'_>,
    manager: Manager,
    folder: &str,
) -> Finding {
    // Another user has another home, and may not write into this one.
    let fix = if run.is_root && run.takes_words(file) {
        mounted(file, run, manager, folder)
    } else {
        None
    };
    finding.fix(fix.unwrap_or_else(|| by_hand(folder)))
}

/// The mount, and what tells the manager to use it.
fn mounted(file: &ParsedDockerfile, run: &Run<'_>, manager: Manager, folder: &str) -> Option<Fix> {
    let mine: Vec<_> =
        run.commands().filter(|command| downloads(command) == Some(manager)).collect();
    let mut folders = vec![folder];
    let objects = run.env.get("GOCACHE").map_or("/root/.cache/go-build", String::as_str);
    if manager == Manager::Go && mine.iter().any(|command| compiles(command)) && !run.keeps(objects)
    {
        folders.push(objects);
    }
    let flags: Vec<String> =
        folders.iter().map(|folder| format!("--mount=type=cache,target={folder}")).collect();
    // What empties the cache becomes pointless; it can be taken out of a plain script only.
    let cuts = apt::pointless(file, run, &folders)?;
    if !cuts.is_empty() && !run.is_editable_anywhere(file) {
        return None;
    }
    let mut edits_ = vec![insert(run.flags_end(), flag_lines(file, &flags))];
    let mut fix = Fix::by_hand(format!("Keep {}'s downloads in a cache mount", manager.as_str()));
    fix = fix.adds(&flags.join(" "));
    for command in mine {
        let words = command.arguments();
        for word in words.iter().filter(|word| switch(manager).contains(&word.text.as_str())) {
            edits_.push(Edit::replace(with_gap(file, command, word.span), ""));
            fix = fix.removes(&word.text);
        }
        if let Some(text) = assignment(run, manager, folder) {
            // `sudo` would not hand it on.
            command.start().filter(|(at, _)| *at == 0)?;
            edits_.push(insert(command.span.start, format!("{text} ")));
            fix = fix.adds(&text);
        }
        if manager == Manager::Pnpm {
            let package = command.package.as_ref()?;
            if package.option(&["--store-dir"]).is_some() {
                return None;
            }
            let text = format!("--store-dir={folder}");
            edits_.push(insert(package.verb_span.end, format!(" {text}")));
            fix = fix.adds(&text);
        }
    }
    for (span, words) in cuts {
        fix = fix.removes(&words);
        edits_.push(Edit::replace(span, ""));
    }
    merge(&mut edits_);
    fix.safety = safety(manager);
    fix.steps = vec![edits(file, edits_)];
    Some(fix)
}

/// What has to be set so that the mount is used, and quietly.
fn assignment(run: &Run<'_>, manager: Manager, folder: &str) -> Option<String> {
    let (name, value) = match manager {
        // Without it uv tries to link across file systems and warns about it.
        Manager::Uv => ("UV_LINK_MODE", "copy"),
        // Where these keep their caches depends on their version.
        Manager::Yarn => ("YARN_CACHE_FOLDER", folder),
        Manager::Composer => ("COMPOSER_CACHE_DIR", folder),
        _ => return None,
    };
    (!run.sets(name)).then(|| format!("{name}={value}"))
}

/// A later step may run without the mount and want what these left in the layer: modules of Go,
/// crates, zip files of Yarn, the store that pnpm remembers.
fn safety(manager: Manager) -> Safety {
    match manager {
        Manager::Go | Manager::Cargo | Manager::Yarn | Manager::Pnpm => Safety::Risky,
        _ => Safety::Safe,
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
