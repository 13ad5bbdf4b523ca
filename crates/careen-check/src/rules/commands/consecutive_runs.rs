//! Steps follow each other that could be one.

use careen_model::{Category, Findings, Severity};

use crate::steps::{Reading, Run};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "consecutive-runs",
    title: "steps are joined where nothing is gained from two",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Pedantic,
    severity: Severity::Style,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3059"],
    page: include_str!("consecutive_runs.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for pair in reading.runs.windows(2) {
        let [before, run] = pair else { continue };
        let is_next = before.stage == run.stage && before.at + 1 == run.at;
        let is_simple = |run: &Run<'_>| run.script.commands.len() < 2 && !run.is_trigger;
        // What is mounted or cached apart has a reason to be apart.
        let is_bare = before.instruction.flags.is_empty() && run.instruction.flags.is_empty();
        if !is_next || !is_bare || !is_simple(before) || !is_simple(run) {
            continue;
        }
        let message = "this step and the one before it run one command each";
        found.push(rule.at(reading.file, run.instruction.code, message).because(
            "steps",
            "2 RUN in a row",
            reading.file.path.display().to_string(),
        ));
    }
}
