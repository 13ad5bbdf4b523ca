//! Real Dockerfiles, read from `CAREEN_DATA`: no fix breaks a file, none needs a second pass.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test says what it ran")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use careen_check::{
    Check, Facts, Lint, ParsedDockerfile, Policy, Profile, RULES, Rule, Scope, Selection, diagnose,
    find, lint, plan_rounds,
};
use careen_model::changes::Commit;
use careen_model::{
    BuildRecord, ChangeFacts, Choice, Fact, Phase, Place, Plan, Safety, StepRecord,
};
use careen_syntax::dockerfile::{Given, parse};

fn corpus() -> Vec<PathBuf> {
    let given = env::var_os("CAREEN_DATA").map(PathBuf::from);
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let folder = given.unwrap_or_else(|| root.join("../shared/data")).join("dockerfile/corpus");
    let mut files = Vec::new();
    if folder.is_dir() {
        collect(&folder, &mut files);
    }
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn facts(source: &[u8]) -> Facts {
    let mut facts = Facts::nothing(0);
    let path = PathBuf::from("Dockerfile");
    facts.dockerfile = Some(ParsedDockerfile { path, file: parse(source) });
    facts
}

/// With every rule about Dockerfiles, style and pedantry too.
fn fix(source: &[u8], floor: Safety) -> Plan {
    let rules = RULES.iter().copied().filter(|rule| matches!(rule.check, Check::Dockerfile(_)));
    fix_with(source, floor, rules.collect())
}

fn fix_with(source: &[u8], floor: Safety, only: Vec<&'static Rule>) -> Plan {
    let facts = facts(source);
    let selection = Selection { only: only.clone(), ..Selection::default() };
    let diagnosis = diagnose(&facts, &selection);
    let policy = Policy { scope: Scope::Only(only), floor, ..Policy::default() };
    plan_rounds(&diagnosis, &facts, &|_| Some(source.to_vec()), &policy)
}

#[test]
fn every_fix_of_every_real_file_keeps_the_contract() {
    let files = corpus();
    let mut chosen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut refused = Vec::new();
    let (mut changed, mut broken, mut unsteady) = (0, vec![], vec![]);
    for path in &files {
        let source = fs::read(path).unwrap();
        for floor in [Safety::Safe, Safety::Risky] {
            let plan = fix(&source, floor);
            for planned in &plan.chosen {
                *chosen.entry(planned.rule).or_default() += 1;
            }
            for (planned, choice) in &plan.left {
                if let Choice::Refused(reason) = choice {
                    refused.push(format!("{} {}: {reason}", path.display(), planned.rule));
                }
            }
            let Some(change) = plan.files.first() else { continue };
            changed += 1;
            if parse(source.clone()).refusal().is_none()
                && parse(change.after.clone()).refusal().is_some()
            {
                broken.push(path);
            }
            // The risky ones hold the safe ones.
            if floor == Safety::Risky && !fix(&change.after, floor).files.is_empty() {
                unsteady.push(path);
            }
        }
    }
    eprintln!("{} files, {changed} changed (safe and risky counted apart)", files.len());
    eprintln!("fixes: {chosen:?}");
    eprintln!("refused: {}\n{}", refused.len(), refused.join("\n"));
    assert!(broken.is_empty(), "no longer parse: {broken:#?}");
    assert!(unsteady.is_empty(), "change again when fixed again: {unsteady:#?}");
}

/// Everything changes with every commit, all manifests are there, and each step took ten seconds.
fn facts_of_moves(source: &[u8]) -> Facts {
    let mut facts = facts(source);
    let paths = ["app.py", "main.go", "src/a.js", "app/a.py", "web/a.ts"];
    let paths = paths.map(|path| path.as_bytes().to_owned()).to_vec();
    let commits = vec![Commit { is_first: false, paths }; 10];
    let files = ["package.json", "package-lock.json", "yarn.lock", "go.mod", "go.sum"];
    let files = files.map(str::to_owned).into();
    facts.changes = Fact::Known(ChangeFacts { commits, files });
    let parsed = parse(source);
    let steps = parsed.instructions().map(|instruction| StepRecord {
        name: String::from_utf8_lossy(instruction.logical().text()).into_owned(),
        phase: Phase::Steps,
        started: Some(Duration::ZERO),
        ended: Some(Duration::from_secs(10)),
        ..StepRecord::default()
    });
    let build = BuildRecord { steps: steps.collect(), ..BuildRecord::default() };
    facts.history.builds.push(build);
    facts
}

fn moves(source: &[u8]) -> Plan {
    let facts = facts_of_moves(source);
    let names = ["copy-before-slow-steps", "changing-value-before-slow-steps"];
    let only: Vec<&'static Rule> = names.iter().map(|name| find(name).unwrap()).collect();
    let selection = Selection { only: only.clone(), ..Selection::default() };
    let diagnosis = diagnose(&facts, &selection);
    let policy = Policy { scope: Scope::Only(only), floor: Safety::Risky, ..Policy::default() };
    plan_rounds(&diagnosis, &facts, &|_| Some(source.to_vec()), &policy)
}

#[test]
fn what_is_moved_in_real_files_keeps_the_contract() {
    let (mut chosen, mut refused, mut unsteady) = (0, vec![], vec![]);
    let files = corpus();
    for path in &files {
        let source = fs::read(path).unwrap();
        let plan = moves(&source);
        chosen += plan.chosen.len();
        for (planned, choice) in &plan.left {
            if let Choice::Refused(reason) = choice {
                refused.push(format!("{} {}: {reason}", path.display(), planned.rule));
            }
        }
        let Some(change) = plan.files.first() else { continue };
        if parse(change.after.clone()).refusal().is_some() && parse(source).refusal().is_none()
            || !moves(&change.after).files.is_empty()
        {
            unsteady.push(path);
        }
    }
    eprintln!("{chosen} moves, {} refused\n{}", refused.len(), refused.join("\n"));
    assert!(unsteady.is_empty(), "broken, or move again when fixed again: {unsteady:#?}");
}

#[test]
fn every_profile_reads_every_real_file() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unsafe_places = Vec::new();
    for path in &corpus() {
        let source = fs::read(path).unwrap();
        let facts = facts(&source);
        for profile in [Profile::Careen, Profile::BuildKit, Profile::Hadolint] {
            let linted = lint(&facts, &Lint { profile, ..Lint::default() });
            for finding in linted.findings {
                *counts.entry(finding.rule).or_default() += 1;
                let Place::File { span, .. } = finding.place else { continue };
                if span.end as usize > source.len() || finding.evidence.is_empty() {
                    unsafe_places.push(format!("{} {}", path.display(), finding.rule));
                }
            }
        }
    }
    eprintln!("findings: {counts:?}");
    assert!(
        unsafe_places.is_empty(),
        "outside of the file or without evidence: {unsafe_places:#?}"
    );
}

/// Every name and value that ENV and LABEL set, variables expanded.
fn pairs(source: &[u8]) -> Vec<(String, String)> {
    let file = parse(source);
    let meaning = file.meaning(&Given::default());
    let mut found = Vec::new();
    for (item, instruction) in file.items.iter().enumerate() {
        let Some(instruction) = instruction.instruction() else { continue };
        let instruction = instruction.trigger.as_deref().unwrap_or(instruction);
        for pair in instruction.pairs() {
            let read = |text: &str| meaning.expand(item, text).text;
            found.push((read(&pair.name.text), read(&pair.value.text)));
        }
    }
    found
}

#[test]
fn equals_signs_change_no_value() {
    let rule = find("LegacyKeyValueFormat").unwrap();
    let (mut fixed, mut left, mut wrong) = (0, 0, Vec::new());
    for path in corpus() {
        let source = fs::read(&path).unwrap();
        let old = |source: &[u8]| {
            let file = parse(source);
            file.instructions().filter(|instruction| instruction.legacy_pair).count()
        };
        let plan = fix_with(&source, Safety::Safe, vec![rule]);
        let Some(change) = plan.files.first() else {
            left += old(&source);
            continue;
        };
        fixed += old(&source) - old(&change.after);
        left += old(&change.after);
        if pairs(&source) != pairs(&change.after) {
            wrong.push(path);
        }
    }
    eprintln!("{fixed} old pairs have an equals sign now, {left} are left");
    assert!(wrong.is_empty(), "other values than before: {wrong:#?}");
}
