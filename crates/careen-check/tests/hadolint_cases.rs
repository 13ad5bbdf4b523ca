//! hadolint's own test cases, answered by its profile: which rule fires on which snippet.
//!
//! The cases are read from `CAREEN_DATA` when the folder is there; they are not part of this
//! project. What differs on purpose stands in `hadolint_differences.txt`, one case a line with the
//! reason; a line that is no longer needed fails the test.

#![expect(clippy::print_stderr, reason = "a test says what it ran")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use careen_check::{
    Facts, LabelKind, Lint, LintFacts, OtherLabels, ParsedDockerfile, Profile, Status, lint,
};
use careen_syntax::dockerfile::parse;
use serde_json::Value;

/// Lines of `hadolint_differences.txt`: the id of a case, white space, why ours is right.
const DIFFERENCES: &str = include_str!("hadolint_differences.txt");

#[test]
fn hadolint_cases() {
    let Some(text) = data("dockerfile/hadolint/cases.json") else {
        eprintln!("0 cases ran: no data");
        return;
    };
    let document: Value = serde_json::from_str(&text).expect("the cases are JSON");
    let cases = document["cases"].as_array().expect("a list of cases");
    let known: BTreeSet<&str> =
        DIFFERENCES.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let mut rules: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for case in cases {
        let rule = case["rule"].as_str().expect("a rule");
        let start = rule.trim_end_matches('*');
        if !Profile::Hadolint.names().any(|name| name.starts_with(start)) {
            missing.insert(rule);
            continue;
        }
        let row = rules.entry(rule).or_default();
        row.1 += 1;
        if fires(case, rule) == case["should_fire"].as_bool().expect("a verdict") {
            row.0 += 1;
        } else {
            wrong.insert(case["id"].as_str().expect("an id"));
        }
    }
    for (rule, (right, all)) in &rules {
        eprintln!("{rule:<8} {right:>3} of {all:>3}");
    }
    eprintln!("no row: {missing:?}");
    eprintln!(
        "{} of {} cases as hadolint",
        rules.values().map(|row| row.0).sum::<usize>(),
        cases.len()
    );
    let new: Vec<_> = wrong.difference(&known).collect();
    let here: BTreeSet<&str> = cases.iter().filter_map(|case| case["id"].as_str()).collect();
    let gone: Vec<_> =
        known.iter().filter(|id| here.contains(*id) && !wrong.contains(*id)).collect();
    assert!(new.is_empty(), "differ without a reason: {new:?}");
    assert!(gone.is_empty(), "differ no longer: {gone:?}");
}

fn fires(case: &Value, rule: &str) -> bool {
    let source = case["dockerfile"].as_str().expect("a Dockerfile");
    let mut facts = Facts::nothing(0);
    facts.dockerfile = Some(ParsedDockerfile { path: "Dockerfile".into(), file: parse(source) });
    facts.lint = settings(&case["config"]);
    // Its own tests also ask the rules that it leaves off.
    let also = vec![Status::Pedantic];
    let asked = Lint { profile: Profile::Hadolint, also, ..Lint::default() };
    lint(&facts, &asked).findings.iter().any(|finding| match rule {
        "SC*" => finding.rule.starts_with("SC"),
        "*" => true,
        rule => finding.rule == rule,
    })
}

fn settings(config: &Value) -> LintFacts {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let labels = config["label_schema"].as_object().into_iter().flatten();
    let strict = config["strict_labels"].as_bool() == Some(true);
    LintFacts {
        registries: texts(&config["trusted_registries"]),
        labels: labels
            .map(|(name, kind)| (name.clone(), kind_of(kind.as_str().expect("a kind"))))
            .collect(),
        other_labels: if strict { OtherLabels::Superfluous } else { OtherLabels::Allowed },
        ..LintFacts::default()
    }
}

fn kind_of(name: &str) -> LabelKind {
    match name {
        "url" => LabelKind::Url,
        "semver" => LabelKind::SemVer,
        "hash" => LabelKind::Hash,
        "rfc3339" => LabelKind::Rfc3339,
        "spdx" => LabelKind::Spdx,
        "email" => LabelKind::Email,
        _ => LabelKind::Text,
    }
}

fn data(path: &str) -> Option<String> {
    let folder = std::env::var_os("CAREEN_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    std::fs::read_to_string(folder.join(path)).ok()
}
