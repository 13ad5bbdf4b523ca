//! Files that only an install reads are copied for it, though all files follow later.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Form, Item, Keyword};

use crate::buildkit::change;
use crate::packages::install;
use crate::rebuild::expected;
use crate::steps::{Placed, Reading, Run, flag_lines, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "copied-install-files",
    title: "installs read their files from a mount",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("copied_install_files.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let transfers = reading.all(Keyword::Copy).chain(reading.all(Keyword::Add));
    for step in transfers.filter(|step| !step.is_trigger) {
        let Some(sources) = plain_sources(step) else { continue };
        let Some(run) = next_run(reading, step) else { continue };
        if !is_read_only(run, &sources) || !come_again(reading, step) {
            continue;
        }
        let message = format!(
            "{} could be mounted for the install: all files are copied after it",
            sources.join(" ")
        );
        let line = run.instruction.lines.0.to_string();
        let finding = rule.at(reading.file, step.instruction.code, message).because(
            "read in line",
            line,
            reading.file.path.display().to_string(),
        );
        let finding = expected(finding, reading, facts, step.instruction.lines.0);
        found.push(finding.maybe_fix(mounted(reading, run, step, &sources)));
    }
}

/// Files of the top of the context, into the working folder under their own names.
fn plain_sources<'a>(step: &Placed<'a>) -> Option<Vec<&'a str>> {
    let transfer = step.instruction.transfer()?;
    let is_here = matches!(transfer.destination?.text.as_str(), "." | "./");
    let is_name =
        |name: &str| !name.contains(['*', '?', '[', '$', '/', ',', '"', ' ']) && name != ".";
    let is_plain = step.instruction.flags.is_empty() && transfer.inline.is_empty();
    let is_named = transfer.sources.iter().all(|word| is_name(&word.text));
    let is_shell = step.instruction.form == Form::Shell;
    (is_here && is_plain && is_named && is_shell)
        .then(|| transfer.sources.iter().map(|word| word.text.as_str()).collect())
}

/// The step that follows at once.
fn next_run<'r, 'a>(reading: &'r Reading<'a>, copy: &Placed<'_>) -> Option<&'r Run<'a>> {
    let run = reading.runs.iter().find(|run| run.item > copy.item)?;
    let between = &reading.file.file.items[copy.item + 1..run.item];
    let is_next = between.iter().all(|item| matches!(item, Item::Blank(_) | Item::Comment(_)));
    (is_next && !run.is_trigger).then_some(run)
}

/// One install that reads these files and writes none of them.
fn is_read_only(run: &Run<'_>, sources: &[&str]) -> bool {
    let [command] = &run.script.commands[..] else { return false };
    let Some(install) = install(command) else { return false };
    let verb = command.package.as_ref().map_or("", |package| package.verb.as_str());
    let keeps_lock = match verb {
        // It writes the lock file unless told not to.
        "sync" => command.has("--frozen") || command.has("--locked"),
        "ci" | "clean-install" | "pip install" | "pip sync" => true,
        "install" => !install.reads.iter().any(|name| name == "package.json"),
        _ => false,
    };
    let is_read =
        |name: &&str| install.reads.iter().any(|read| read.trim_start_matches("./") == *name);
    keeps_lock && !install.needs_sources && sources.iter().all(is_read)
}

/// The whole context is copied to the same place later in the stage.
fn come_again(reading: &Reading<'_>, copy: &Placed<'_>) -> bool {
    let here = reading.absolute(copy.item, ".");
    reading.all(Keyword::Copy).any(|step| {
        let Some(transfer) = step.instruction.transfer() else { return false };
        let is_whole = transfer.sources.iter().any(|word| matches!(word.text.as_str(), "." | "./"));
        let is_own = transfer.from.is_none() && transfer.excludes.is_empty();
        let is_later = step.item > copy.item && step.stage == copy.stage && !step.is_trigger;
        let goes_here = transfer
            .destination
            .is_some_and(|word| reading.absolute(step.item, &word.text) == here);
        is_later && is_own && is_whole && goes_here
    })
}

fn mounted(
    reading: &Reading<'_>,
    run: &Run<'_>,
    copy: &Placed<'_>,
    sources: &[&str],
) -> Option<Fix> {
    let file = reading.file;
    if !run.is_editable(file) {
        return None;
    }
    let mount = |name: &&str| format!("--mount=type=bind,source={name},target={name}");
    let mounts: Vec<String> = sources.iter().map(mount).collect();
    let copied = file.file.delete(copy.item..copy.item + 1);
    let edits: Vec<Edit> = vec![copied, insert(run.flags_end(), flag_lines(file, &mounts))];
    change(file, Fix::risky, format!("Mount {} for the install", sources.join(" ")), edits)
}
