//! A Dockerfile that no builder takes.

use careen_model::{Basis, Category, Findings, Saving, Severity};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "refused-dockerfile",
    title: "BuildKit can read the Dockerfile",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL1000"],
    page: include_str!("refused_dockerfile.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let Some(problem) = reading.file.file.refusal() else { return };
    let source = format!("{}:{}", reading.file.path.display(), problem.line);
    let message = format!("the build fails here: {}", problem.message);
    found.push(
        rule.at(reading.file, problem.span, message)
            .because("rule of BuildKit", &problem.message, source)
            .costs(Saving::MayFail, Basis::Rule),
    );
}
