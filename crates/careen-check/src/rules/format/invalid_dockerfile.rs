//! BuildKit refuses the file.

use careen_model::{Basis, Category, Findings, Saving, Severity};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "invalid-dockerfile",
    title: "BuildKit can read the file",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL1000"],
    page: include_str!("invalid_dockerfile.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for problem in file.file.problems.iter().filter(|problem| problem.fatal) {
        let place = format!("line {} of {}", problem.line, file.path.display());
        found.push(
            rule.at(file, problem.span, &problem.message)
                .because("refused by", "BuildKit's parser", place)
                .costs(Saving::MayFail, Basis::Rule),
        );
    }
}
