//! A step upgrades everything that the base image brought.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::{Manager, PackageCommand};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "system-upgrade",
    title: "the base image is upgraded at its source",
    category: Category::Dockerfile,
    topic: Topic::Reproducibility,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3035"],
    page: include_str!("system_upgrade.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        let packages = run.commands().filter_map(|command| command.package.as_ref());
        for package in packages.filter(|package| upgrades_all(package)) {
            let words = format!("{} {}", package.program, package.verb);
            let message = format!("{words} puts a second copy of what the base has into a layer");
            let mut finding = rule.at(reading.file, package.program_span, message).because(
                "command",
                words,
                reading.file.path.display().to_string(),
            );
            if package.manager == Manager::Zypper && is_other_release(&package.verb) {
                finding.also.push("DL3035");
            }
            found.push(finding);
        }
    }
}

fn is_other_release(verb: &str) -> bool {
    matches!(verb, "dist-upgrade" | "dup")
}

/// With names behind it only these are upgraded.
fn upgrades_all(package: &PackageCommand) -> bool {
    let verb = package.verb.as_str();
    let all = match package.manager {
        Manager::Apt => {
            matches!(verb, "upgrade" | "dist-upgrade" | "full-upgrade" | "safe-upgrade")
        }
        Manager::Apk => verb == "upgrade",
        Manager::Dnf | Manager::Yum => {
            matches!(verb, "upgrade" | "update" | "distro-sync" | "upgrade-minimal")
        }
        Manager::Zypper => matches!(verb, "update" | "up" | "patch") || is_other_release(verb),
        _ => false,
    };
    all && package.packages.is_empty()
}
