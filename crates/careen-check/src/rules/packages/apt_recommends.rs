//! apt also installs packages that are only recommended.

use careen_model::{Basis, Category, Finding, Findings, Fix, Saving, Severity};

use crate::packages::apt_action;
use crate::steps::{Reading, Run, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic, price};

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

/// The share of an install's time that recommended packages take.
///
/// Measured with ten packages of a machine-learning image: 43 to 52 s without them, 59 to 77 s with
/// them; the middles of both.
const SHARE: f64 = 1.0 - 47.5 / 68.0;

/// What an install took that was recorded, and what it would save.
fn priced(finding: Finding, run: &Run<'_>, facts: &Facts) -> Finding {
    match price::step_seconds(&facts.history, &run.joined()) {
        Some(step) => finding
            .because("the step took", format!("{:.1} s", step.seconds), step.source)
            .costs(Saving::SecondsPerRebuild(step.seconds * SHARE), Basis::Modelled),
        None => finding,
    }
}

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
            let finding = priced(finding, run, facts);
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
