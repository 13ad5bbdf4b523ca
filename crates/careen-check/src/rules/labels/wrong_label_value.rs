//! A label has a value of another kind than the project wants.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use super::values;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "wrong-label-value",
    title: "labels have values of their kind",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3051", "DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058"],
    page: include_str!("wrong_label_value.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Label) {
        for pair in step.instruction.pairs() {
            let key = pair.name.text.trim_matches(['"', '\'']);
            let Some(kind) = facts.lint.labels.get(key) else { continue };
            let value = reading.meaning.expand(step.item, &pair.value.text);
            // What a variable stands for is not known here.
            if !value.unmatched.is_empty() {
                continue;
            }
            let message = match value.text.as_str() {
                "" => format!("the label `{key}` is empty"),
                text if values::is(*kind, text) => continue,
                text => format!("the label `{key}` is no {}: `{text}`", values::name(*kind)),
            };
            found.push(rule.at(reading.file, pair.value.span, message).because(
                "wanted kind",
                values::name(*kind),
                "settings",
            ));
        }
    }
}
