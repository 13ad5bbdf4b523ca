//! A step starts what has no use, or no future, in a build.

use careen_model::{Category, Findings, Severity};

use crate::calls::Command;
use crate::steps::{Reading, Run};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "pointless-command",
    title: "steps start what a build can use",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3001"],
    page: include_str!("pointless_command.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        let commands = &run.script.commands;
        for (n, command) in commands.iter().enumerate() {
            let is_last = n + 1 == commands.len();
            let Some(why) = pointless(run, command, is_last) else { continue };
            let message = format!("`{}` {why}", command.program());
            found.push(rule.at(reading.file, command.span, message).because(
                "command",
                command.program(),
                reading.file.path.display().to_string(),
            ));
        }
    }
}

fn pointless(run: &Run<'_>, command: &Command, is_last: bool) -> Option<&'static str> {
    match command.program() {
        "shutdown" | "reboot" => Some("has nothing to shut down in a build"),
        "vim" | "top" => Some("waits for a person, and a build has none"),
        // What still runs at the end of a step is ended with it.
        "service" | "systemctl" if is_last && (command.has("start") || command.has("restart")) => {
            Some("starts what ends with this step")
        }
        "mount"
            if run.instruction.flag("security").is_none() && !command.arguments().is_empty() =>
        {
            Some("is not allowed in a build without `--security=insecure`")
        }
        _ => None,
    }
}
