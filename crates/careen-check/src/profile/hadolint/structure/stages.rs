//! FROM, USER, EXPOSE, ENV, HEALTHCHECK, ONBUILD.

use std::collections::{BTreeMap, BTreeSet};

use careen_model::Findings;
use careen_syntax::dockerfile::Keyword;

use super::images::{Start, start};
use super::report;
use crate::rules::stages::port_out_of_range::too_large;
use crate::steps::{Placed, Reading};
use crate::{Facts, Rule};

/// Whole text of USER, also where our parser would have cut it.
fn user<'a>(step: &Placed<'a>) -> &'a str {
    step.instruction.words.first().map_or("", |word| word.text.trim())
}

fn is_root(user: &str) -> bool {
    matches!(user, "root" | "0") || user.starts_with("root:") || user.starts_with("0:")
}

/// Of each stage, whether anything is made of it or not.
pub(super) fn root(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut last: BTreeMap<usize, &Placed<'_>> = BTreeMap::new();
    for step in reading.all(Keyword::User).filter(|step| !step.is_trigger) {
        if let Some(stage) = step.stage {
            last.insert(stage, step);
        }
    }
    for step in last.values().filter(|step| is_root(user(step))) {
        report(rule, reading, step.instruction.code, "the last USER is root", found);
    }
}

pub(super) fn named_user(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        if step.instruction.keyword == Keyword::Arg {
            names.extend(step.instruction.declared().into_iter().map(|argument| argument.name));
        }
        if step.instruction.keyword != Keyword::User {
            continue;
        }
        let user = user(step);
        let number = user.split(':').next().unwrap_or("");
        let is_argument = names.iter().any(|name| {
            user.contains(&format!("${{{name}}}")) || user.contains(&format!("${name}"))
        });
        if !number.bytes().all(|byte| byte.is_ascii_digit()) && !is_argument {
            report(rule, reading, step.instruction.code, "USER is no number", found);
        }
    }
}

pub(super) fn ports(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Expose).filter(|step| !step.is_trigger) {
        if step.instruction.words.iter().any(|word| too_large(&word.text).is_some()) {
            report(rule, reading, step.instruction.code, "a port is over 65535", found);
        }
    }
}

pub(super) fn triggers(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.steps.iter().filter(|step| step.is_trigger) {
        if matches!(
            step.instruction.keyword,
            Keyword::From | Keyword::Onbuild | Keyword::Maintainer
        ) {
            let message = "ONBUILD triggers what it may not";
            report(rule, reading, step.instruction.code, message, found);
        }
    }
}

pub(super) fn order(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.steps.iter().filter(|step| step.stage.is_none() && !step.is_trigger) {
        if step.instruction.keyword != Keyword::Arg {
            let message = "an instruction stands before the first FROM";
            report(rule, reading, step.instruction.code, message, found);
        }
    }
}

/// Names that ARG or an earlier ENV of the file has set are no matter, in whatever stage.
pub(super) fn env_uses_itself(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        let pairs = match step.instruction.keyword {
            Keyword::Arg => {
                let declared = step.instruction.declared().into_iter();
                known.extend(declared.map(|argument| argument.name));
                continue;
            }
            Keyword::Env => step.instruction.pairs(),
            _ => continue,
        };
        let is_bad = pairs.iter().enumerate().any(|(n, pair)| {
            let name = &pair.name.text;
            let mut others = pairs.iter().enumerate().filter(|(other, _)| *other != n);
            !known.contains(name) && others.any(|(_, other)| uses(&other.value.text, name))
        });
        if is_bad {
            let message = "ENV uses what it sets itself";
            report(rule, reading, step.instruction.code, message, found);
        }
        known.extend(pairs.iter().map(|pair| pair.name.text.clone()));
    }
}

/// `${NAME}`, or `$NAME` where the name ends.
fn uses(value: &str, name: &str) -> bool {
    let bare = format!("${name}");
    value.contains(&format!("${{{name}}}"))
        || value
            .split(&bare)
            .skip(1)
            .any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

/// Stages without one that no stage with one is based on, by name.
pub(super) fn healthcheck(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut stages: Vec<(Start<'_>, bool)> = vec![];
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        if let Some(start) = start(step) {
            let good = stages.iter().any(|(s, good)| *good && s.called() == start.image.name);
            stages.push((start, good));
        }
        if step.instruction.keyword == Keyword::Healthcheck {
            let Some(current) = stages.len().checked_sub(1) else { continue };
            let mut wanted = vec![current];
            while let Some(stage) = wanted.pop() {
                stages[stage].1 = true;
                let base = stages[stage].0.image.name;
                let bases =
                    (0..stages.len()).filter(|&n| !stages[n].1 && stages[n].0.called() == base);
                wanted.extend(bases);
            }
        }
    }
    for (start, _) in stages.iter().filter(|(_, good)| !good) {
        report(rule, reading, start.step.instruction.code, "there is no HEALTHCHECK", found);
    }
}
