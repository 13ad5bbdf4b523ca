//! A stage uses two programs for one thing.

use careen_model::{Category, Findings, Severity};

use crate::steps::{Reading, Run};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "curl-and-wget",
    title: "one program downloads",
    category: Category::Dockerfile,
    topic: Topic::Size,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL4001"],
    page: include_str!("curl_and_wget.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for stage in 0..reading.meaning.stages.len() {
        let first = |name: &str| {
            let runs = reading.runs.iter().filter(|run| run.stage == stage);
            runs.flat_map(Run::commands).find(|command| command.program() == name)
        };
        let (Some(curl), Some(wget)) = (first("curl"), first("wget")) else { continue };
        let later = if curl.span.start > wget.span.start { curl } else { wget };
        let message = "the stage needs both curl and wget";
        found.push(rule.at(reading.file, later.span, message).because(
            "programs",
            "curl, wget",
            reading.file.path.display().to_string(),
        ));
    }
}
