//! A step changes the folder itself where WORKDIR would say it.

use careen_model::{Category, Findings, Severity};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "cd-in-run",
    title: "WORKDIR says where steps run",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Pedantic,
    severity: Severity::Style,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3003"],
    page: include_str!("cd_in_run.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        let commands = &run.script.commands;
        // One that is last changes nothing: `lost-cd` tells.
        let mut used = commands.iter().take(commands.len().saturating_sub(1));
        let Some(command) = used.find(|command| command.program() == "cd" && command.depth == 0)
        else {
            continue;
        };
        let folder = command.arguments().first().map_or("~", |word| word.text.as_str());
        let message = format!("the step goes to `{folder}` by itself");
        found.push(rule.at(reading.file, command.span, message).because(
            "command",
            "cd",
            reading.file.path.display().to_string(),
        ));
    }
}
