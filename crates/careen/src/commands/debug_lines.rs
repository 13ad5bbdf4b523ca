//! The debug commands that answer one JSON line per JSON line.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};

use careen_host::walk::debug::{Case, ignore_walk, plant};
use careen_syntax::dockerfile::expand::{Expanded, List};
use careen_syntax::dockerfile::{Platform, expand};
use careen_syntax::ignore::debug::ignore_match;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments::Debug;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Deserialize)]
struct MatchQuestion {
    patterns: Vec<String>,
    path: String,
}

#[derive(Deserialize)]
struct WalkQuestion {
    /// `folder/`, `file` or `link -> target`.
    tree: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    follow: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WordQuestion {
    #[serde(alias = "input", alias = "source")]
    word: String,
    #[serde(default)]
    env: Environment,
    escape: Option<char>,
    platform: Option<String>,
}

/// `["NAME=value"]` or `{"NAME": "value"}`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Environment {
    Lines(Vec<String>),
    Map(BTreeMap<String, String>),
}

impl Default for Environment {
    fn default() -> Environment {
        Environment::Lines(vec![])
    }
}

/// Reads standard input to its end; a line that is no question is answered with `error`.
pub(super) fn run(options: &Debug) -> Result<Exit, Failure> {
    let answer = match options {
        Debug::IgnoreMatch => answer_match,
        Debug::IgnoreWalk => answer_walk,
        Debug::Expand => answer_expand,
        Debug::Words | Debug::Ast { .. } | Debug::Walk { .. } | Debug::Parse { .. } => answer_words,
    };
    let lines = BufReader::new(io::stdin()).split(b'\n');
    super::print(|out| {
        for line in lines {
            let line = String::from_utf8_lossy(&line?).into_owned();
            if line.trim().is_empty() {
                continue;
            }
            let answer = answer(&line).unwrap_or_else(|error| json!({ "error": error }));
            writeln!(out, "{answer}")?;
        }
        Ok(())
    })?;
    Ok(Exit::Ok)
}

fn question<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|err| err.to_string())
}

fn answer_match(line: &str) -> Result<Value, String> {
    let asked: MatchQuestion = question(line)?;
    let found = ignore_match(&asked.patterns, &asked.path);
    Ok(json!({
        "is_match": found.is_match,
        "walk_match": found.walk_match,
        "err_at": found.err_at.map_or("", careen_syntax::ignore::debug::ErrorAt::name),
    }))
}

fn answer_walk(line: &str) -> Result<Value, String> {
    let asked: WalkQuestion = question(line)?;
    let folder = tempfile::tempdir().map_err(|err| err.to_string())?;
    plant(folder.path(), &asked.tree).map_err(|err| err.to_string())?;
    let case = Case {
        exclude: asked.exclude,
        include: asked.include,
        follow: asked.follow,
        ..Case::default()
    };
    let listed = ignore_walk(folder.path(), &case).map_err(|err| err.to_string())?;
    Ok(json!({
        "expect": listed.expect,
        "follow_links_result": listed.follow_links_result,
        "open_fails": listed.open_fails,
    }))
}

fn expanded(line: &str) -> Result<Expanded, String> {
    let asked: WordQuestion = question(line)?;
    let platform = match asked.platform.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("windows" | "w") => Platform::Windows,
        _ => Platform::Linux,
    };
    let lines = match asked.env {
        Environment::Lines(lines) => lines,
        Environment::Map(map) => map.into_iter().map(|(k, v)| format!("{k}={v}")).collect(),
    };
    let variables = List::read(&lines, platform);
    Ok(expand(&asked.word, &variables, asked.escape.unwrap_or('\\')))
}

fn answer_expand(line: &str) -> Result<Value, String> {
    let found = expanded(line)?;
    let result = found.error.is_none().then_some(found.text);
    Ok(json!({ "result": result, "unmatched": found.unmatched, "error": found.error }))
}

fn answer_words(line: &str) -> Result<Value, String> {
    let found = expanded(line)?;
    let result = found.error.is_none().then_some(found.words);
    Ok(json!({ "result": result, "unmatched": found.unmatched, "error": found.error }))
}
