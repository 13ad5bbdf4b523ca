//! Every recorded answer of the reference implementation, compared with ours.
//!
//! The recorded answers are data outside this repository, found through `CAREEN_DATA`.

#![expect(clippy::print_stdout, reason = "a test says how many cases it ran")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data should stop")]

use std::path::Path;

use careen_syntax::ignore::{Form, Matcher, debug, read};
use serde_json::Value;

fn data() -> Option<Value> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("CAREEN_DATA").map_or(default, Into::into);
    let text = std::fs::read_to_string(folder.join("dockerignore/patternmatcher.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn rows(name: &str) -> Vec<Value> {
    let rows = data().map_or_else(Vec::new, |data| data[name].as_array().unwrap().clone());
    println!("{name}: {} cases ran", rows.len());
    rows
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Collects differences, so that one run shows all of them.
fn settle(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_reference_tests_agree() {
    let mut wrong = Vec::new();
    for row in rows("upstream") {
        let patterns = strings(&row["patterns"]);
        let path = row["path"].as_str().unwrap();
        let answer = debug::ignore_match(&patterns, path);
        let is_error = row["is_err"] == true;
        let expected = if is_error { None } else { row["is_match"].as_bool() };
        if answer.is_match != expected || answer.err_at.is_some() != is_error {
            wrong.push(format!("{row}\n  {answer:?}"));
        }
    }
    settle(&wrong);
}

#[test]
fn patterns_compile_to_the_same_form() {
    let mut wrong = Vec::new();
    for row in rows("compile") {
        let pattern = row["pattern"].as_str().unwrap();
        let matcher = Matcher::new(&[pattern]).unwrap();
        let (kind, regex) = match &matcher.patterns()[0].form {
            Form::Exact(_) => ("exactMatch", ""),
            Form::Prefix(_) => ("prefixMatch", ""),
            Form::Suffix(_) => ("suffixMatch", ""),
            Form::Regex(regex) => ("regexpMatch", regex.as_str()),
        };
        if row["match_type"] != kind || row["regexp_posix"] != regex {
            wrong.push(format!("{row}\n  {kind} {regex}"));
        }
    }
    settle(&wrong);
}

#[test]
fn lists_are_accepted_alike() {
    for row in rows("new") {
        let patterns = strings(&row["patterns"]);
        let matcher = Matcher::new(&patterns);
        assert_eq!(matcher.is_err(), row["is_err"] == true, "{row}");
        let Ok(matcher) = matcher else { continue };
        if let Some(count) = row["count"].as_u64() {
            assert_eq!(matcher.patterns().len() as u64, count, "{row}");
        }
        if let Some(exclusions) = row["exclusions"].as_bool() {
            assert_eq!(matcher.has_exceptions(), exclusions, "{row}");
        }
    }
}

#[test]
fn files_are_read_alike() {
    let mut wrong = Vec::new();
    for row in rows("ignorefile_upstream").into_iter().chain(rows("ignorefile")) {
        let content = match row["content_gen"].as_str() {
            None => row["content"].as_str().unwrap().to_owned(),
            Some(recipe) => generate(recipe),
        };
        let source = read(content.as_bytes());
        let is_long = source.problems.iter().any(|problem| problem.message.contains("longer"));
        let mut expected = strings(&row["lines"]);
        if expected.first().is_some_and(|line| line.starts_with("<65535")) {
            expected[0] = "b".repeat(65535);
        }
        if source.patterns != expected || is_long != (row["is_err"] == true) {
            wrong.push(format!("{row}"));
        }
    }
    settle(&wrong);
}

/// `a*70000 + "\nfoo"`.
fn generate(recipe: &str) -> String {
    let (letter, rest) = recipe.split_once('*').unwrap();
    let (count, _) = rest.split_once(' ').unwrap();
    format!("{}\nfoo", letter.repeat(count.parse().unwrap()))
}

#[test]
fn odd_patterns_agree() {
    let mut wrong = Vec::new();
    for row in rows("quirks") {
        let patterns = strings(&row["patterns"]);
        let path = row["path"].as_str().unwrap();
        let answer = debug::ignore_match(&patterns, path);
        let err_at = answer.err_at.map_or("", debug::ErrorAt::name);
        let legacy = Matcher::new(&patterns)
            .ok()
            .and_then(|matcher| matcher.legacy_match(path.as_bytes()).ok());
        let is_same = answer.is_match == row["is_match"].as_bool()
            && answer.walk_match == row["walk_match"].as_bool()
            && legacy == row["matches_legacy"].as_bool()
            && row["err_at"] == err_at;
        if !is_same {
            wrong.push(format!("{row}\n  {answer:?} legacy {legacy:?}"));
        }
    }
    settle(&wrong);
}

#[test]
fn random_lists_agree() {
    let mut wrong = Vec::new();
    for row in rows("fuzz") {
        let answer = debug::ignore_match(&strings(&row[0]), row[1].as_str().unwrap());
        let err_at = answer.err_at.map_or("", debug::ErrorAt::name);
        let is_same = answer.is_match == row[2].as_bool()
            && answer.walk_match == row[3].as_bool()
            && row[4] == err_at;
        if !is_same {
            wrong.push(format!("{row}\n  {answer:?}"));
        }
    }
    settle(&wrong);
}
