//! COPY goes to a relative path where only the base image knows what that means.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "relative-destination",
    title: "destinations are absolute, or WORKDIR is set",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3045"],
    page: include_str!("relative_destination.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Copy).chain(reading.all(Keyword::Add)) {
        let (Some(stage), Some(transfer)) = (step.stage, step.instruction.transfer()) else {
            continue;
        };
        let Some(destination) = transfer.destination else { continue };
        let path = destination.text.trim_matches(['"', '\'']);
        let is_windows = path.as_bytes().get(1) == Some(&b':');
        if path.starts_with(['/', '\\', '$']) || is_windows || reading.is_placed(step.item, stage) {
            continue;
        }
        let message = format!("only the base image knows where `{path}` is");
        found.push(rule.at(reading.file, destination.span, message).because(
            "working directory",
            "no WORKDIR before it",
            reading.file.path.display().to_string(),
        ));
    }
}
