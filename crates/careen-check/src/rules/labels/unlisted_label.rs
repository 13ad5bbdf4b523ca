//! The image has a label that the project does not know.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, OtherLabels, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "unlisted-label",
    title: "no labels beside the wanted ones",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3050"],
    page: include_str!("unlisted_label.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    if facts.lint.other_labels == OtherLabels::Allowed {
        return;
    }
    for step in reading.all(Keyword::Label) {
        for pair in step.instruction.pairs() {
            let key = pair.name.text.trim_matches(['"', '\'']);
            if facts.lint.labels.contains_key(key) {
                continue;
            }
            let message = format!("the label `{key}` is not among those the project wants");
            found.push(
                rule.at(reading.file, pair.name.span, message).because("label", key, "settings"),
            );
        }
    }
}
