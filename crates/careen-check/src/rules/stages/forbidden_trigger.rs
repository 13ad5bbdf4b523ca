//! ONBUILD is followed by what no trigger may be.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "forbidden-trigger",
    title: "ONBUILD triggers are allowed",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3043"],
    page: include_str!("forbidden_trigger.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.steps.iter().filter(|step| step.is_trigger) {
        let keyword = step.instruction.keyword;
        if !matches!(keyword, Keyword::From | Keyword::Onbuild | Keyword::Maintainer) {
            continue;
        }
        let message = format!("{} cannot be triggered", keyword.as_str());
        found.push(rule.at(reading.file, step.instruction.name.span, message).because(
            "trigger",
            step.instruction.name.text.clone(),
            format!("ONBUILD in {}", reading.file.path.display()),
        ));
    }
}
