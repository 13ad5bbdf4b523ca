//! COPY --from names the stage it stands in.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "copy-from-itself",
    title: "no stage copies from itself",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3023"],
    page: include_str!("copy_from_itself.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Copy) {
        let (Some(stage), Some(flag)) = (step.stage, step.instruction.flag("from")) else {
            continue;
        };
        let name = reading.meaning.stages[stage].name.as_deref();
        let is_name = name.is_some_and(|name| name.eq_ignore_ascii_case(flag.text()));
        if !is_name && flag.text() != stage.to_string() {
            continue;
        }
        let message = format!("stage `{}` cannot copy from itself", flag.text());
        found.push(rule.at(reading.file, flag.value_span, message).because(
            "stage",
            flag.text(),
            format!("FROM in {}", reading.file.path.display()),
        ));
    }
}
