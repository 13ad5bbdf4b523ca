//! A step empties the very cache that a mount keeps for it.

use careen_model::{Category, Edit, Finding, Findings, Fix, Severity};
use careen_syntax::dockerfile::Manager;

use crate::calls::Command;
use crate::packages::{apt_action, cache_folder, install};
use crate::rules::packages::{apt, installs_cost};
use crate::steps::{Reading, Run, edits};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "mounted-cache-cleaned",
    title: "kept caches are not emptied",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("mounted_cache_cleaned.md"),
    check: Check::Dockerfile(check),
};

/// What the kept cache would save of the next run of the step.
fn priced(finding: Finding, run: &Run<'_>, facts: &Facts, folders: &[String]) -> Finding {
    let Some(install) = run.commands().find_map(install) else { return finding };
    // Of apt the lists alone have a price.
    if install.manager == Manager::Apt && !folders.iter().any(|folder| folder == apt::LISTS) {
        return finding;
    }
    installs_cost::priced(finding, run, facts, install.manager)
}

fn check(rule: &Rule, dockerfile: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    for run in runs {
        for (n, command) in run.script.commands.iter().enumerate() {
            let Some(folders) = empties(command, run) else { continue };
            if !folders.iter().all(|folder| run.keeps(folder)) {
                continue;
            }
            let finding = rule
                .at(
                    file,
                    command.span,
                    format!("this empties {}, which a mount keeps", folders.join(", ")),
                )
                .because("cache mount", folders.join(", "), file.path.display().to_string());
            let finding = priced(finding, run, facts, &folders);
            let cut = run.cut(file, n).filter(|_| run.is_editable_anywhere(file));
            found.push(match cut {
                Some(cut) => {
                    let words = apt::words_of(file, cut);
                    let edit = Edit::replace(cut, "");
                    let fix = Fix::safe("Leave the cache to the mount", edits(file, vec![edit]));
                    finding.fix(fix.removes(&words))
                }
                None => finding.fix(Fix::by_hand("Take this command out of the step")),
            });
        }
    }
}

/// The folders that a command empties, when emptying caches is all it does.
pub(super) fn empties(command: &Command, run: &Run<'_>) -> Option<Vec<String>> {
    let words = command.operands();
    let folder = |manager: Manager| Some(vec![cache_folder(manager, run)?]);
    if matches!(apt_action(command), Some("clean" | "autoclean")) {
        return folder(Manager::Apt);
    }
    match (command.program(), words.as_slice()) {
        ("rm", paths) if !paths.is_empty() => {
            let recursive = command
                .arguments()
                .iter()
                .any(|word| word.text.starts_with('-') && word.text.contains(['r', 'R']));
            let all = paths.iter().map(|path| kept_folder(path));
            all.collect::<Option<Vec<String>>>().filter(|_| recursive)
        }
        ("uv", ["cache", "clean" | "prune"] | ["clean"]) => folder(Manager::Uv),
        ("pip" | "pip3", ["cache", "purge"]) => folder(Manager::Pip),
        ("npm", ["cache", "clean"]) => folder(Manager::Npm),
        _ => None,
    }
}

/// `/var/lib/apt/lists/*` → `/var/lib/apt/lists`, for the folders that package managers keep.
fn kept_folder(path: &str) -> Option<String> {
    let folder = path.trim_end_matches('*').trim_end_matches('/');
    let known = ["/var/lib/apt/lists", "/var/cache/apt", "/root/.cache", "/root/.npm"];
    let inside = |known: &&str| folder == *known || folder.starts_with(&format!("{known}/"));
    known.iter().any(inside).then(|| folder.to_owned())
}
