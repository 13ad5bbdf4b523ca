//! `cargo install` builds a tool with dependencies that its author never saw.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::Manager;

use crate::steps::{Reading, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "cargo-install-unlocked",
    title: "cargo installs what the author tested",
    category: Category::Dockerfile,
    topic: Topic::Reproducibility,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("cargo_install_unlocked.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for run in &reading.runs {
        for package in run.commands().filter_map(|command| command.package.as_ref()) {
            let is_install = package.manager == Manager::Cargo && package.verb == "install";
            let decided = ["--locked", "--frozen", "--list", "--offline"];
            if !is_install || package.option(&decided).is_some() {
                continue;
            }
            let message =
                "cargo takes the newest dependencies of the tool, not those it was tested with";
            let path = file.path.display().to_string();
            let finding = rule.at(file, package.program_span, message);
            let finding = finding.because("option", "no --locked", path);
            found.push(if run.takes_words(file) {
                let edit = insert(package.verb_span.end, " --locked");
                let title = "Build with the tool's own lock file";
                finding.fix(Fix::risky(title, edits(file, vec![edit])).adds("--locked"))
            } else {
                finding.fix(Fix::by_hand("Add `--locked`"))
            });
        }
    }
}
