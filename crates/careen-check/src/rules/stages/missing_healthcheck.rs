//! The image says nothing about how to see whether it is well.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "missing-healthcheck",
    title: "the image has a health check",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3057"],
    page: include_str!("missing_healthcheck.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let Some(stage) = reading.meaning.stages.last() else { return };
    if reading.last(Keyword::Healthcheck, stage.index).is_some() {
        return;
    }
    let message = "the image has no HEALTHCHECK";
    found.push(rule.at(reading.file, stage.from.code, message).because(
        "instruction",
        "no HEALTHCHECK in this stage or those it is based on",
        reading.file.path.display().to_string(),
    ));
}
