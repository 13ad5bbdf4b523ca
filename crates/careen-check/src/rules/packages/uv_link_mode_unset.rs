//! uv tries to link from a cache mount into the image, which cannot work.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::Manager;

use crate::packages::{cache_folder, install};
use crate::steps::{Reading, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "uv-link-mode-unset",
    title: "uv copies out of a cache mount",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("uv_link_mode_unset.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for run in &reading.runs {
        for command in run.commands() {
            let is_uv = install(command).is_some_and(|install| install.manager == Manager::Uv);
            let package = command.package.as_ref();
            let Some(package) = package.filter(|_| is_uv) else { continue };
            let folder = cache_folder(Manager::Uv, run);
            let is_mounted = folder.as_ref().is_some_and(|folder| run.keeps(folder));
            if !is_mounted || package.option(&["--link-mode"]).is_some() || run.sets(VARIABLE) {
                continue;
            }
            let message = "uv warns that it cannot link out of the mounted cache, and copies";
            let finding = rule.at(file, package.program_span, message).because(
                VARIABLE,
                "not set",
                file.path.display().to_string(),
            );
            let fix = if run.takes_words(file) {
                let edit = insert(command.span.start, format!("{VARIABLE}=copy "));
                let fix = Fix::safe("Tell uv to copy", edits(file, vec![edit]));
                fix.adds(&format!("{VARIABLE}=copy"))
            } else {
                Fix::by_hand(format!("Set `{VARIABLE}=copy`"))
            };
            found.push(finding.fix(fix));
        }
    }
}

const VARIABLE: &str = "UV_LINK_MODE";
