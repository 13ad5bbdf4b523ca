//! LABEL and the label schema.

use careen_model::Findings;
use careen_syntax::dockerfile::Keyword;

use super::images::{Start, start};
use super::{report, unquoted};
use crate::rules::labels::invalid_label_key::RESERVED;
use crate::rules::labels::values;
use crate::steps::{Placed, Reading};
use crate::{Facts, LabelKind, OtherLabels, Rule};

/// Keys and values of a LABEL, quotes taken away.
fn pairs<'a>(step: &Placed<'a>) -> Vec<(&'a str, &'a str)> {
    let instruction = step.instruction;
    let words = instruction.words.chunks(2).filter(|_| instruction.keyword == Keyword::Label);
    let pairs = words.filter_map(|pair| match pair {
        [name, value] => Some((unquoted(&name.text), unquoted(&value.text))),
        _ => None,
    });
    pairs.collect()
}

fn own<'r, 'a>(reading: &'r Reading<'a>) -> impl Iterator<Item = &'r Placed<'a>> {
    reading.all(Keyword::Label).filter(|step| !step.is_trigger)
}

pub(super) fn keys(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in own(reading).filter(|step| pairs(step).iter().any(|(key, _)| is_bad(key))) {
        report(rule, reading, step.instruction.code, "a label key is not valid", found);
    }
}

fn is_bad(key: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !key.starts_with(|c: char| c.is_ascii_lowercase())
        || !key.ends_with(is_end)
        || !key.chars().all(|c| is_end(c) || ".-_/".contains(c))
        || RESERVED.iter().any(|space| key.starts_with(space))
        || key.contains("..")
        || key.contains("--")
}

pub(super) fn superfluous(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    if facts.lint.other_labels == OtherLabels::Allowed {
        return;
    }
    for step in own(reading) {
        if !pairs(step).iter().all(|(key, _)| facts.lint.labels.contains_key(*key)) {
            report(rule, reading, step.instruction.code, "a label is not in the schema", found);
        }
    }
}

/// Reports LABELs where the value of a label of that kind is wrong.
fn judged(
    rule: &Rule,
    reading: &Reading<'_>,
    facts: &Facts,
    found: &mut Findings,
    kind: Option<LabelKind>,
    is_right: fn(&str) -> bool,
) {
    for (label, wanted) in &facts.lint.labels {
        if kind.is_some_and(|kind| kind != *wanted) {
            continue;
        }
        for step in own(reading) {
            let is_wrong = |(key, value): &(&str, &str)| key == label && !is_right(value);
            if pairs(step).iter().any(is_wrong) {
                let what =
                    kind.map_or("empty".to_owned(), |kind| format!("no {}", values::name(kind)));
                let message = format!("the label `{label}` is {what}");
                report(rule, reading, step.instruction.code, &message, found);
            }
        }
    }
}

pub(super) fn empty(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    judged(rule, reading, facts, found, None, |value| !value.is_empty());
}

pub(super) fn url(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    judged(rule, reading, facts, found, Some(LabelKind::Url), values::is_url);
}

pub(super) fn time(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    judged(rule, reading, facts, found, Some(LabelKind::Rfc3339), values::is_time);
}

pub(super) fn licence(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    judged(rule, reading, facts, found, Some(LabelKind::Spdx), values::is_licence);
}

pub(super) fn commit(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    judged(rule, reading, facts, found, Some(LabelKind::Hash), values::is_commit);
}

pub(super) fn version(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    judged(rule, reading, facts, found, Some(LabelKind::SemVer), values::is_version);
}

pub(super) fn address(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    judged(rule, reading, facts, found, Some(LabelKind::Email), values::is_address);
}

/// What a stage has of one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Has {
    /// It sets the label, or is based on a stage that did so before.
    It,
    Nothing,
    /// Others take files from it, or a stage of that name has the label: nothing is asked of it.
    NoNeed,
}

pub(super) fn missing(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    for label in facts.lint.labels.keys() {
        let mut stages: Vec<(Start<'_>, Has)> = vec![];
        for step in reading.steps.iter().filter(|step| !step.is_trigger) {
            if let Some(start) = start(step) {
                let is_good = |(stage, has): &(Start<'_>, Has)| {
                    *has == Has::It && stage.alias == Some(start.image.name)
                };
                let has = if stages.iter().any(is_good) { Has::It } else { Has::Nothing };
                stages.push((start, has));
            }
            let is_copy = step.instruction.keyword == Keyword::Copy;
            if let Some(flag) = step.instruction.flag("from").filter(|_| is_copy) {
                excuse(&mut stages, flag.text());
            }
            if pairs(step).iter().any(|(key, _)| key == label) {
                let Some((current, _)) = stages.last().copied() else { continue };
                excuse(&mut stages, current.called());
                if let Some(last) = stages.last_mut() {
                    last.1 = Has::It;
                }
            }
        }
        for (start, _) in stages.iter().filter(|(_, has)| *has == Has::Nothing) {
            let message = format!("the label `{label}` is missing");
            report(rule, reading, start.step.instruction.code, &message, found);
        }
    }
}

fn excuse(stages: &mut [(Start<'_>, Has)], alias: &str) {
    for (stage, has) in stages {
        if *has == Has::Nothing && stage.alias == Some(alias) {
            *has = Has::NoNeed;
        }
    }
}
