//! apt also installs packages that are only recommended.

use careen_model::{Category, Findings, Fix, Severity};

use crate::packages::apt_action;
use crate::rules::packages::apt;
use crate::steps::{Reading, Run, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "apt-recommends",
    title: "apt installs what was asked for",
    category: Category::Dockerfile,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3015"],
    page: include_str!("apt_recommends.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    for run in runs {
        for command in run.commands().filter(|command| apt_action(command) == Some("install")) {
            if command.has("--no-install-recommends") || is_configured(run) {
                continue;
            }
            let words = command.arguments();
            let Some(action) = words.iter().find(|word| word.text == "install") else { continue };
            let finding = rule
                .at(file, command.span, "apt also installs what is only recommended")
                .because("option", "no --no-install-recommends", file.path.display().to_string());
            let at = action.span.end;
            let edit = insert(at, format!(" {OPTION}"));
            let fix = Fix::risky("Install only what is asked for", edits(file, vec![edit]));
            let finding = apt::measured(finding, run, facts);
            found.push(if run.takes_words(file) {
                finding.fix(fix.adds(OPTION))
            } else {
                finding.fix(Fix::by_hand(format!("Add `{OPTION}`")))
            });
        }
    }
}

/// By an option, or by a file that the step writes.
fn is_configured(run: &Run<'_>) -> bool {
    let names = |text: &str| text.contains("nstall-Recommends");
    names(&run.joined()) || run.instruction.heredocs.iter().any(|heredoc| names(&heredoc.content))
}

const OPTION: &str = "--no-install-recommends";
