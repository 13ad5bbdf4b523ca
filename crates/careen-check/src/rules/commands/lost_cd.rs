//! A step ends with `cd`, which no later step sees.

use careen_model::{Category, Edit, Findings, Fix, Severity};

use crate::steps::{Reading, edits, text};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "lost-cd",
    title: "no `cd` without effect",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("lost_cd.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        let Some(command) = run.script.commands.last() else { continue };
        if command.program() != "cd" || command.depth > 0 || !run.script.is_plain {
            continue;
        }
        let Some(folder) = command.arguments().first() else { continue };
        let message = format!("the next step does not start in `{}`", folder.text);
        let by_hand = Fix::by_hand("Change the folder for what follows with WORKDIR")
            .show(format!("WORKDIR {}", folder.text));
        let cut = run
            .cut(reading.file, run.script.commands.len() - 1)
            .filter(|_| run.is_editable(reading.file));
        let shorter = cut.map(|span| {
            let edit = Edit::replace(span, "");
            let gone = text(reading.file, span).replace(['\\', '`'], " ");
            Fix::safe("Leave it out", edits(reading.file, vec![edit])).removes(&gone)
        });
        found.push(
            rule.at(reading.file, command.span, message)
                .because("last command", "cd", reading.file.path.display().to_string())
                .maybe_fix(shorter)
                .fix(by_hand),
        );
    }
}
