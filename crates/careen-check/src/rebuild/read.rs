//! The stages of a Dockerfile as the replay of commits wants them.

use std::collections::HashMap;

use careen_model::Basis;
use careen_model::rebuild_cost::StepPrice;
use careen_syntax::dockerfile::{Base, Instruction, Keyword, Manager, Meaning, SourceKind};

use super::{Kind, Stage, Step, Taken};
use crate::packages::downloads;
use crate::rules::packages::installs_cost::{USUAL, usual_seconds};
use crate::steps::{Reading, Run};
use crate::{Facts, price};

/// Names of build arguments that are given another value by every commit.
const NEW_EACH_TIME: [&str; 22] = [
    "BUILD_DATE",
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_TIME",
    "BUILD_TIMESTAMP",
    "BUILDTIME",
    "CACHE_BUST",
    "CACHEBUST",
    "CI_COMMIT_SHA",
    "COMMIT",
    "COMMIT_HASH",
    "COMMIT_ID",
    "COMMIT_SHA",
    "GIT_COMMIT",
    "GIT_HASH",
    "GIT_REV",
    "GIT_REVISION",
    "GIT_SHA",
    "GITHUB_SHA",
    "REVISION",
    "VCS_REF",
    "VCS_REVISION",
];

/// ARG of a name that says so, or ENV that takes its value from one.
pub(crate) fn changes_each_time(instruction: &Instruction) -> Option<String> {
    let is_new = |name: &str| NEW_EACH_TIME.iter().any(|known| known.eq_ignore_ascii_case(name));
    match instruction.keyword {
        Keyword::Arg => {
            instruction.declared().into_iter().map(|one| one.name).find(|name| is_new(name))
        }
        Keyword::Env => {
            let pairs = instruction.pairs();
            let mut names = pairs.iter().flat_map(|pair| variables(&pair.value.text));
            names.find(|name| is_new(name)).map(str::to_owned)
        }
        _ => None,
    }
}

/// Names behind a dollar sign, with or without braces.
pub(crate) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// All stages, with prices from recorded builds and, for installs, from the model.
pub(crate) fn stages(reading: &Reading<'_>, facts: &Facts) -> Vec<Stage> {
    let meaning = &reading.meaning;
    let target = facts.project.as_ref().and_then(|project| project.target.as_deref());
    let needed = meaning.reachable(target);
    let mut sources: HashMap<usize, Vec<Taken>> = HashMap::new();
    for source in meaning.context_sources(target) {
        if source.kind != SourceKind::Tmpfs {
            let excludes = excludes(meaning, source.item);
            sources.entry(source.item).or_default().push(Taken::of(&source.path, &excludes));
        }
    }
    let modelled = Modelled::of(reading, facts);
    let stages = meaning.stages.iter().map(|stage| {
        let steps = stage.items.clone().filter_map(|item| {
            let instruction = meaning.item(item)?.instruction()?;
            let kind = kind(instruction)?;
            let run = reading.runs.iter().find(|run| run.item == item && !run.is_trigger);
            let joined = String::from_utf8_lossy(instruction.logical().text()).into_owned();
            Some(Step {
                line: instruction.lines.0,
                text: joined.split_whitespace().collect::<Vec<_>>().join(" "),
                takes: sources.remove(&item).unwrap_or_default(),
                from: origins(meaning, instruction, stage.index),
                kind,
                price: measured(facts, &joined).or_else(|| run.and_then(|run| modelled.price(run))),
            })
        });
        Stage {
            base: match stage.base {
                Base::Stage(base) => Some(base),
                Base::Scratch | Base::Image(_) => None,
            },
            is_unused: !needed.contains(&stage.index),
            steps: steps.collect(),
        }
    });
    stages.collect()
}

fn kind(instruction: &Instruction) -> Option<Kind> {
    match instruction.keyword {
        Keyword::Run => Some(Kind::Command),
        Keyword::Copy | Keyword::Add => {
            let is_linked = instruction.transfer().is_some_and(|transfer| transfer.link);
            Some(if is_linked { Kind::Linked } else { Kind::Files })
        }
        _ => changes_each_time(instruction).map(|_| Kind::NewValue),
    }
}

fn excludes(meaning: &Meaning<'_>, item: usize) -> Vec<String> {
    let instruction = meaning.item(item).and_then(|item| item.instruction());
    let flags = instruction.and_then(Instruction::transfer).map(|transfer| transfer.excludes);
    let flags = flags.unwrap_or_default();
    let values = flags.iter().filter_map(|flag| flag.value.as_deref());
    values.map(|value| meaning.expand(item, value).text).collect()
}

/// Earlier stages that an instruction copies from or mounts.
fn origins(meaning: &Meaning<'_>, instruction: &Instruction, own: usize) -> Vec<usize> {
    let copied = instruction.transfer().and_then(|transfer| transfer.from);
    let copied = copied.and_then(|from| meaning.find(from.text()));
    let mounts = instruction.run().map(|run| run.mounts).unwrap_or_default();
    let mounted = mounts.iter().filter_map(|mount| mount.from()).filter_map(|n| meaning.find(n));
    copied.into_iter().chain(mounted).filter(|stage| *stage < own).collect()
}

fn measured(facts: &Facts, text: &str) -> Option<StepPrice> {
    let found = price::step_seconds(&facts.history, text)?;
    Some(StepPrice { seconds: found.seconds, basis: Basis::Measured, source: found.source })
}

/// Steps that only the model has a price for, by manager: they share what all installs of that
/// manager usually take.
struct Modelled(HashMap<Manager, u32>);

impl Modelled {
    fn of(reading: &Reading<'_>, facts: &Facts) -> Modelled {
        let mut steps: HashMap<Manager, u32> = HashMap::new();
        for run in reading.runs.iter().filter(|run| !run.is_trigger) {
            if price::step_seconds(&facts.history, &run.joined()).is_none() {
                for manager in managers(run) {
                    *steps.entry(manager).or_default() += 1;
                }
            }
        }
        Modelled(steps)
    }

    fn price(&self, run: &Run<'_>) -> Option<StepPrice> {
        let all = managers(run).into_iter();
        let shares = all.filter_map(|manager| {
            Some(usual_seconds(manager)? / f64::from(self.0.get(&manager).copied()?))
        });
        let seconds = shares.reduce(|sum, seconds| sum + seconds)?;
        Some(StepPrice { seconds, basis: Basis::Modelled, source: USUAL.to_owned() })
    }
}

/// The managers that a step downloads with, each once.
fn managers(run: &Run<'_>) -> Vec<Manager> {
    let mut found: Vec<Manager> = run.commands().filter_map(downloads).collect();
    found.sort_unstable();
    found.dedup();
    found
}
