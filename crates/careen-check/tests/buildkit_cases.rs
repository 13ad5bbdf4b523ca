//! BuildKit's own test cases, the examples of its documentation, and what it says of real files,
//! answered by its profile: names, lines and messages.
//!
//! The cases are read from `CAREEN_DATA` when the folder is there; they are not part of this
//! project. What differs on purpose stands in `buildkit_differences.txt`, one case a line with the
//! reason; a line that is no longer needed fails the test.

#![expect(clippy::print_stderr, reason = "a test says what it ran")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use careen_check::{Facts, Lint, ParsedDockerfile, Profile, Reach, lint};
use careen_model::context::IgnoreFile;
use careen_model::{Fact, Finding, Place};
use careen_syntax::dockerfile::parse;
use serde_json::Value;

/// Lines of `buildkit_differences.txt`: the id of a case, white space, why ours is right.
const DIFFERENCES: &str = include_str!("buildkit_differences.txt");

/// Rule, line and message.
type Warning = (String, u64, String);

#[test]
fn lint_cases() {
    let Some(document) = data("dockerfile/buildkit/lint.json") else { return };
    let mut wrong = Vec::new();
    let cases = list(&document["cases"]);
    for case in cases {
        let facts = facts_of(case);
        for (field, reach) in
            [("warnings_check", Reach::All), ("warnings_build", Reach::Target(None))]
        {
            let (mut ours, error) = answers(&facts, reach);
            let mut theirs = expected(&case[field]);
            if field == "warnings_build" {
                // What a build of two platforms says twice was recorded once.
                ours.dedup();
                theirs.dedup();
            }
            if ours != theirs {
                wrong.push(format!(
                    "{} {field}\n ours   {ours:?}\n theirs {theirs:?}",
                    text(&case["id"])
                ));
            }
            let refused = case["build_error"].as_str().map(str::to_owned);
            if error != refused {
                wrong.push(format!("{} {error:?}, BuildKit {refused:?}", text(&case["id"])));
            }
        }
    }
    eprintln!("{} cases of the linter ran twice", cases.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn documented_examples() {
    let Some(document) = data("dockerfile/buildkit/doc_examples.json") else { return };
    let examples = list(&document);
    let mut wrong = BTreeSet::new();
    for (number, example) in examples.iter().enumerate() {
        let mut facts = Facts::nothing(0);
        let mut source = text(&example["dockerfile"]).to_owned();
        let rule = text(&example["rule"]);
        if rule == "InvalidDefinitionDescription" {
            source = format!("# check=experimental=all\n{source}");
        }
        if rule == "CopyIgnoredFile" {
            // Its page shows the ignore file beside the example.
            facts.lint.ignore = ignore("*/tmp/*\ntmp\n");
        }
        facts.dockerfile = Some(parsed(&source));
        let (ours, _) = answers(&facts, Reach::All);
        let fires = ours.iter().any(|(name, ..)| name == rule);
        if fires != (example["kind"] == "bad") {
            wrong.insert(format!("doc-{number}"));
        }
    }
    eprintln!("{} documented examples ran", examples.len());
    settle(&wrong, "doc-");
}

#[test]
fn real_files() {
    let Some(document) = data("dockerfile/buildkit_corpus_warnings.json") else { return };
    let (mut ran, mut same, mut all) = (0, 0, 0);
    let mut wrong = BTreeSet::new();
    for file in list(&document["files"]) {
        let name = text(&file["file"]);
        let path = folder().join("dockerfile/corpus").join(name);
        let Ok(source) = std::fs::read(path) else { continue };
        let mut facts = Facts::nothing(0);
        let path = PathBuf::from("Dockerfile");
        facts.dockerfile = Some(ParsedDockerfile { path, file: parse(source) });
        let (ours, _) = answers(&facts, Reach::All);
        let theirs = expected(&file["warnings"]);
        ran += 1;
        all += theirs.len();
        same += theirs.iter().filter(|warning| ours.contains(warning)).count();
        if ours != theirs {
            let less: Vec<_> = theirs.iter().filter(|warning| !ours.contains(warning)).collect();
            let more: Vec<_> = ours.iter().filter(|warning| !theirs.contains(warning)).collect();
            eprintln!("{name}\n  not ours {less:?}\n  not theirs {more:?}");
            wrong.insert(name.to_owned());
        }
    }
    eprintln!("{same} of {all} warnings in {ran} real files, {} files differ", wrong.len());
    settle(&wrong, "");
}

/// The differences are those that are listed; `start` begins the ids of this test.
fn settle(wrong: &BTreeSet<String>, start: &str) {
    let listed = DIFFERENCES.lines().filter_map(|line| line.split_whitespace().next());
    let mine = |id: &&str| id.starts_with("doc-") == (start == "doc-");
    let known: BTreeSet<String> = listed.filter(mine).map(str::to_owned).collect();
    let new: Vec<_> = wrong.difference(&known).collect();
    let gone: Vec<_> = known.difference(wrong).collect();
    assert!(new.is_empty(), "differ without a reason: {new:#?}");
    assert!(gone.is_empty(), "differ no longer: {gone:#?}");
}

fn answers(facts: &Facts, reach: Reach) -> (Vec<Warning>, Option<String>) {
    let asked = Lint { profile: Profile::BuildKit, reach, ..Lint::default() };
    let (mut warnings, mut error) = (Vec::new(), None);
    for finding in lint(facts, &asked).findings {
        match finding.rule {
            "BuildError" => error = Some(finding.message),
            _ => warnings.push((finding.rule.to_owned(), line(facts, &finding), finding.message)),
        }
    }
    warnings.sort();
    (warnings, error)
}

fn line(facts: &Facts, finding: &Finding) -> u64 {
    let Place::File { span, .. } = &finding.place else { panic!("a finding has a place") };
    let source = facts.dockerfile.as_ref().expect("there is a file").file.source();
    String::from_utf8_lossy(&source[..span.start as usize]).matches('\n').count() as u64 + 1
}

fn expected(warnings: &Value) -> Vec<Warning> {
    let read = |warning: &Value| {
        let line = warning["line"].as_u64().expect("a line");
        (text(&warning["rule"]).to_owned(), line, text(&warning["message"]).to_owned())
    };
    let mut warnings: Vec<_> = list(warnings).iter().map(read).collect();
    warnings.sort();
    warnings
}

fn facts_of(case: &Value) -> Facts {
    let mut facts = Facts::nothing(0);
    facts.dockerfile = Some(parsed(text(&case["dockerfile"])));
    if let Some(patterns) = case["dockerignore"].as_str() {
        facts.lint.ignore = ignore(patterns);
    }
    for (name, value) in case["attrs"].as_object().expect("attributes") {
        let name = name.strip_prefix("build-arg:").expect("only build arguments are set");
        facts.lint.given.arguments.push((name.to_owned(), text(value).to_owned()));
    }
    facts
}

fn parsed(source: &str) -> ParsedDockerfile {
    ParsedDockerfile { path: "Dockerfile".into(), file: parse(source) }
}

fn ignore(text: &str) -> Fact<IgnoreFile> {
    Fact::Known(IgnoreFile {
        path: ".dockerignore".into(),
        exists: true,
        dedicated: false,
        text: Some(text.to_owned()),
        problems: vec![],
    })
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn folder() -> PathBuf {
    std::env::var_os("CAREEN_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    )
}

fn data(path: &str) -> Option<Value> {
    let Ok(text) = std::fs::read_to_string(folder().join(path)) else {
        eprintln!("0 cases ran: no data");
        return None;
    };
    Some(serde_json::from_str(&text).expect("the cases are JSON"))
}
