//! An instruction stands where there is no stage yet.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "instruction-before-from",
    title: "a stage begins before the first instruction",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3061"],
    page: include_str!("instruction_before_from.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.steps.iter().filter(|step| step.stage.is_none() && !step.is_trigger) {
        if matches!(step.instruction.keyword, Keyword::Arg | Keyword::Unknown) {
            continue;
        }
        let keyword = step.instruction.keyword.as_str();
        let message = format!("{keyword} stands before the first FROM, where only ARG may");
        found.push(rule.at(reading.file, step.instruction.code, message).because(
            "instruction",
            keyword,
            reading.file.path.display().to_string(),
        ));
    }
}
