//! Real Dockerfiles, read from `CAREEN_DATA`: no fix breaks a file, none needs a second pass.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test says what it ran")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use careen_check::{
    Facts, ParsedDockerfile, Policy, RULES, Scope, Selection, diagnose, plan_rounds,
};
use careen_model::{Choice, Plan, Safety};
use careen_syntax::dockerfile::parse;

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

fn fix(source: &[u8], floor: Safety) -> Plan {
    let mut facts = Facts::nothing(0);
    let path = PathBuf::from("Dockerfile");
    facts.dockerfile = Some(ParsedDockerfile { path, file: parse(source) });
    // All rules, those too that are asked only on demand.
    let all = || RULES.to_vec();
    let diagnosis = diagnose(&facts, &Selection { only: all(), ignored: vec![] });
    let policy = Policy { scope: Scope::Only(all()), floor, ..Policy::default() };
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
