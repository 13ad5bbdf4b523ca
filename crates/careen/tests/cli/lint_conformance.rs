//! Cases of hadolint and of BuildKit's checks through the binary: files, standard input, hadolint's
//! configuration file, ignore files, build arguments.
//!
//! The cases are read from `CAREEN_DATA` when the folder is there; they are not part of this
//! project. All of them are judged in `careen-check`; here it is the way there and back.

#![expect(clippy::print_stderr, reason = "a test says what it ran")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::lint::piped;
use crate::sandbox::{Run, Sandbox};

/// Every this many of hadolint's cases, and all that have a configuration.
const EVERY: usize = 7;

#[test]
fn hadolint_cases_through_the_binary() {
    let Some(document) = data("dockerfile/hadolint/cases.json") else { return };
    let cases = document["cases"].as_array().unwrap();
    let (mut ran, mut wrong) = (0, vec![]);
    for (n, case) in cases.iter().enumerate() {
        let config = case["config"].as_object().is_some_and(|config| !config.is_empty());
        let rule = case["rule"].as_str().unwrap();
        if n % EVERY > 0 && !config && !rule.contains('*') {
            continue;
        }
        let source = case["dockerfile"].as_str().unwrap();
        let sandbox = Sandbox::new(&[("Dockerfile", source)]);
        if config {
            sandbox.write(".hadolint.yaml", configuration(&case["config"]).as_bytes());
        }
        let asked = ["lint", "--profile", "hadolint", "--pedantic", "--format", "json"];
        let from_file = sandbox.run(&[&asked[..], &["Dockerfile"]].concat());
        let from_pipe = piped(&sandbox, &[&asked[..], &["-"]].concat(), source.as_bytes());
        for run in [from_file, from_pipe] {
            ran += 1;
            let fires = found(&run).iter().any(|(name, ..)| match rule {
                "*" => true,
                "SC*" => name.starts_with("SC"),
                rule => name == rule,
            });
            if fires != case["should_fire"].as_bool().unwrap() {
                wrong.push(format!("{} {:?}", case["id"], found(&run)));
            }
        }
    }
    eprintln!("{ran} runs");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn buildkit_cases_through_the_binary() {
    let Some(document) = data("dockerfile/buildkit/lint.json") else { return };
    let (mut ran, mut wrong) = (0, vec![]);
    for case in document["cases"].as_array().unwrap() {
        let source = case["dockerfile"].as_str().unwrap();
        let sandbox = Sandbox::new(&[("Dockerfile", source)]);
        let ignore = case["dockerignore"].as_str();
        if let Some(text) = ignore {
            sandbox.write(".dockerignore", text.as_bytes());
        }
        let mut asked = vec!["lint", "--profile", "buildkit", "--format", "json"];
        let arguments: Vec<String> =
            case["attrs"].as_object().unwrap().iter().map(argument).collect();
        for argument in &arguments {
            asked.extend(["--build-arg", argument]);
        }
        let checks = [("warnings_check", &[][..]), ("warnings_build", &["--target", ""][..])];
        for (field, reach) in checks {
            let asked = [&asked[..], reach].concat();
            let from_file = sandbox.run(&[&asked[..], &["Dockerfile"]].concat());
            let piped_in = [&asked[..], &["--context", ".", "-"]].concat();
            let from_pipe = piped(&sandbox, &piped_in, source.as_bytes());
            let mut theirs: Vec<_> = case[field].as_array().unwrap().iter().map(said).collect();
            theirs.sort();
            theirs.dedup();
            for run in [from_file, from_pipe] {
                ran += 1;
                let mut ours = found(&run);
                ours.retain(|(name, ..)| name != "BuildError");
                ours.sort();
                ours.dedup();
                if ours != theirs {
                    wrong.push(format!("{} {field}\n  {ours:?}\n  {theirs:?}", case["id"]));
                }
            }
        }
    }
    eprintln!("{ran} runs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rule, line and message.
type Warning = (String, u64, String);

fn found(run: &Run) -> Vec<Warning> {
    run.json()["findings"].as_array().unwrap().iter().map(said).collect()
}

fn said(warning: &Value) -> Warning {
    let text = |name: &str| warning[name].as_str().unwrap().to_owned();
    (text("rule"), warning["line"].as_u64().unwrap(), text("message"))
}

fn argument((name, value): (&String, &Value)) -> String {
    format!("{}={}", name.strip_prefix("build-arg:").unwrap(), value.as_str().unwrap())
}

/// The settings of a case as hadolint's file has them.
fn configuration(settings: &Value) -> String {
    let mut text = String::new();
    if let Some(names) = settings["trusted_registries"].as_array() {
        text.push_str("trustedRegistries:\n");
        for name in names {
            writeln!(text, "  - {name}").unwrap();
        }
    }
    if let Some(labels) = settings["label_schema"].as_object() {
        text.push_str("label-schema:\n");
        for (name, kind) in labels {
            writeln!(text, "  {name}: {kind}").unwrap();
        }
    }
    if let Some(strict) = settings["strict_labels"].as_bool() {
        writeln!(text, "strict-labels: {strict}").unwrap();
    }
    text
}

fn data(path: &str) -> Option<Value> {
    let given = std::env::var_os("CAREEN_DATA").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let Ok(text) = std::fs::read_to_string(given.unwrap_or(usual).join(path)) else {
        eprintln!("0 cases ran: no data");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
