//! The image lacks a label that the project wants.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::{Base, Keyword, Pair};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "missing-label",
    title: "the image has the wanted labels",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3049"],
    page: include_str!("missing_label.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Some(stage) = reading.meaning.stages.last() else { return };
    for label in facts.lint.labels.keys() {
        if has(reading, stage.index, label) {
            continue;
        }
        let message = format!("the image has no label `{label}`");
        found.push(rule.at(reading.file, stage.from.code, message).because(
            "wanted label",
            label.clone(),
            "settings",
        ));
    }
}

/// The stage or one that it is based on sets the label.
fn has(reading: &Reading<'_>, mut stage: usize, label: &str) -> bool {
    loop {
        let mut own = reading.all(Keyword::Label).filter(|step| step.stage == Some(stage));
        if own.any(|step| step.instruction.pairs().iter().any(|pair| key(pair) == label)) {
            return true;
        }
        let Base::Stage(base) = reading.meaning.stages[stage].base else { return false };
        stage = base;
    }
}

fn key<'a>(pair: &'a Pair<'_>) -> &'a str {
    pair.name.text.trim_matches(['"', '\''])
}
