//! A step has a cache mount, and its command is told not to use it.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::Manager;

use crate::calls::Command;
use crate::packages::{cache_folder, install, switch};
use crate::rules::packages::{installs_cost, with_gap};
use crate::steps::{Reading, Run, edits};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "mounted-cache-refused",
    title: "kept caches are used",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("mounted_cache_refused.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let file = reading.file;
    for run in &reading.runs {
        for command in run.commands() {
            let Some((manager, folder)) = kept(command, run) else { continue };
            let words = command.arguments().iter();
            let mut refusals = words.filter(|word| switch(manager).contains(&word.text.as_str()));
            let finding = |span, text: &str| {
                let message = format!("a mount keeps {folder}, and {text} leaves it unused");
                let path = file.path.display().to_string();
                let finding = rule.at(file, span, message).because("cache mount", &folder, path);
                installs_cost::priced(finding, run, facts, manager)
            };
            if let Some(word) = refusals.next() {
                let finding = finding(word.span, &word.text);
                found.push(if run.takes_words(file) {
                    let edit = Edit::replace(with_gap(file, command, word.span), "");
                    let fix = Fix::safe("Use the mounted cache", edits(file, vec![edit]));
                    finding.fix(fix.removes(&word.text))
                } else {
                    finding.fix(Fix::by_hand(format!("Take `{}` out", word.text)))
                });
            } else if let Some(name) = variable(manager).filter(|name| run.sets(name)) {
                let fix = Fix::by_hand(format!("Take `{name}` out, or the mount"));
                found.push(finding(command.span, name).fix(fix));
            }
        }
    }
}

/// The manager of a command that downloads, and its folder where a mount keeps that.
fn kept(command: &Command, run: &Run<'_>) -> Option<(Manager, String)> {
    let package = command.package.as_ref()?;
    if package.manager == Manager::Apk && package.verb == "add" {
        // apk keeps packages where the first is there, lists alone in the second.
        let mut folders = ["/etc/apk/cache", "/var/cache/apk"].into_iter();
        let folder = folders.find(|folder| run.keeps(folder))?;
        return Some((Manager::Apk, folder.to_owned()));
    }
    let manager = install(command)?.manager;
    let folder = cache_folder(manager, run).filter(|folder| run.keeps(folder))?;
    Some((manager, folder))
}

/// Variables that switch a cache off.
fn variable(manager: Manager) -> Option<&'static str> {
    match manager {
        Manager::Pip => Some("PIP_NO_CACHE_DIR"),
        Manager::Uv => Some("UV_NO_CACHE"),
        _ => None,
    }
}
