//! useradd writes a log as large as the number of the user.

use careen_model::{Category, Findings, Fix, Severity};

use crate::calls::Command;
use crate::steps::{Reading, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "useradd-large-uid",
    title: "large user numbers need no large files",
    category: Category::Dockerfile,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3046"],
    page: include_str!("useradd_large_uid.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        for command in run.commands().filter(|command| command.program() == "useradd") {
            let arguments = command.arguments();
            let has_option = arguments.iter().any(|word| {
                let is_short = word.text.starts_with('-') && !word.text.starts_with("--");
                word.text == OPTION || is_short && word.text.contains('l')
            });
            let Some(user) = number(command).filter(|user| *user >= LARGE && !has_option) else {
                continue;
            };
            let message = format!(
                "older useradd makes /var/log/lastlog and faillog long enough for user {user}"
            );
            let finding = rule.at(reading.file, command.span, message).because(
                "user",
                user.to_string(),
                reading.file.path.display().to_string(),
            );
            let Some((_, program)) = command.start() else { continue };
            let edit = insert(program.span.end, format!(" {OPTION}"));
            let fix = Fix::safe("Leave the login logs alone", edits(reading.file, vec![edit]));
            found
                .push(finding.maybe_fix(run.is_editable(reading.file).then_some(fix.adds(OPTION))));
        }
    }
}

const OPTION: &str = "--no-log-init";

/// From here on the logs are worth a word; a threshold by judgement, not by measurement.
const LARGE: u64 = 100_000;

fn number(command: &Command) -> Option<u64> {
    let arguments = command.arguments();
    arguments.iter().enumerate().find_map(|(n, word)| {
        let value = match word.text.as_str() {
            "-u" | "--uid" => arguments.get(n + 1)?.text.as_str(),
            text => text.strip_prefix("--uid=").or_else(|| text.strip_prefix("-u"))?,
        };
        value.parse().ok()
    })
}
