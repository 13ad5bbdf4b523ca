//! Each rule and number that hadolint and its profile both tell of real files has one severity.
//!
//! What hadolint said is read from `CAREEN_DATA` when the folder is there; it is not part of this
//! project.

#![expect(clippy::print_stderr, reason = "a test says what it ran")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs};

use careen_check::{Facts, Lint, ParsedDockerfile, Profile, lint};
use careen_model::Severity;
use careen_syntax::dockerfile::parse;
use serde_json::Value;

#[test]
fn severities_are_those_of_hadolint() {
    let given = env::var_os("CAREEN_DATA").map(PathBuf::from);
    let data = given.unwrap_or_else(|| "../../../shared/data".into()).join("dockerfile");
    let Ok(text) = fs::read_to_string(data.join("hadolint_corpus_findings.json")) else {
        eprintln!("skipped: no data in {}", data.display());
        return;
    };
    let told: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut theirs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for finding in &told {
        let code = finding["code"].as_str().unwrap();
        theirs.entry(code).or_default().insert(finding["level"].as_str().unwrap());
    }
    let files: BTreeSet<&str> = told.iter().map(|found| found["file"].as_str().unwrap()).collect();
    let mut ours: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let asked = Lint { profile: Profile::Hadolint, ..Lint::default() };
    for file in files {
        // Some findings are of files that are not here.
        let Ok(bytes) = fs::read(data.join("corpus").join(file)) else { continue };
        let dockerfile = Some(ParsedDockerfile { path: file.into(), file: parse(bytes) });
        let facts = Facts { dockerfile, ..Facts::nothing(0) };
        for finding in lint(&facts, &asked).findings {
            ours.entry(finding.rule).or_default().insert(level(finding.severity));
        }
    }
    let both = theirs.iter().filter_map(|(code, levels)| Some((code, levels, ours.get(code)?)));
    let differ = both.clone().filter(|(_, theirs, ours)| theirs != ours);
    assert_eq!(differ.collect::<Vec<_>>(), []);
    let count = both.count();
    eprintln!("{count} rules and numbers with the same severity");
    assert!(count > 30, "{count}: the data is there and says little");
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "info",
        Severity::Style => "style",
    }
}
