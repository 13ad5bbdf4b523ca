//! A step puts another program in the place of /bin/sh.

use careen_model::{Category, Findings, Fix, Severity};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "relinked-shell",
    title: "the shell is chosen with SHELL",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["DL4005"],
    page: include_str!("relinked_shell.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        for command in run.commands().filter(|command| command.program() == "ln") {
            if command.operands().last() != Some(&"/bin/sh") {
                continue;
            }
            let message = "`/bin/sh` becomes another shell for every program of the image";
            let fix = Fix::by_hand("Choose the shell of the steps with SHELL")
                .show("SHELL [\"/bin/bash\", \"-c\"]");
            found.push(
                rule.at(reading.file, command.span, message)
                    .because("target", "/bin/sh", reading.file.path.display().to_string())
                    .fix(fix),
            );
        }
    }
}
