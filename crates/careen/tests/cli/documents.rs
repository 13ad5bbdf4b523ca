//! What other programs and people read: JSON, lists, pages, scripts, debug lines.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox, has, skip};

/// The facts that reports of the old toolset carried, group by group.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "environment",
        &["is_wsl", "on_windows_mount", "current_path", "docker_available", "buildx_available"],
    ),
    ("disk", &["root_available_gb", "sufficient_space", "docker_data_gb"]),
    ("cache", &["cache_size_gb", "cache_exists", "needs_cleanup"]),
    ("dockerignore", &["exists", "has_essential_patterns", "missing_patterns"]),
    ("context", &["estimated_size_mb", "large_files", "context_too_large"]),
];

#[test]
fn the_doctor_json_has_every_fact_under_its_documented_name() {
    let sandbox = Sandbox::sick();
    for arguments in [&["doctor", "--format", "json"][..], &["--format", "json"]] {
        let run = sandbox.run(arguments);
        assert!(run.err.is_empty(), "{run}");
        let answer = run.json();
        assert!(answer["schema_version"].is_string(), "{run}");
        for (group, names) in GROUPS {
            for name in *names {
                let fact = answer[group].get(name);
                let fact = fact.unwrap_or_else(|| panic!("{group} has no {name}\n{run}"));
                // Unknown is said, never made up.
                let why = answer[group].get(format!("{name}_unknown"));
                assert_eq!(fact.is_null(), why.is_some_and(Value::is_string), "{group}.{name}");
            }
        }
        let advice = answer["recommendations"].as_array().unwrap();
        assert!(!advice.is_empty());
        for one in advice {
            for name in ["priority", "issue", "impact", "fix"] {
                assert!(one[name].is_string(), "{one}");
            }
            assert!(one["commands"].is_array(), "{one}");
            let known = ["critical", "high", "medium"];
            assert!(known.contains(&one["priority"].as_str().unwrap()), "{one}");
        }
        assert_eq!(answer["dockerignore"]["exists"], json!(false));
        assert_eq!(answer["environment"]["current_path"], json!(sandbox.project()));
    }
}

#[test]
fn every_check_is_listed_can_run_alone_and_is_explained_offline() {
    let sandbox = Sandbox::sick();
    let listed = sandbox.run(&["doctor", "--list"]);
    listed.check(0, &["missing-ignore-file", "clock-skew"]);
    let rules = sandbox.run(&["explain"]);
    rules.check(0, &[]);
    let mut explained = 0;
    for line in rules.out.lines() {
        let rule = line.split_whitespace().next().unwrap();
        assert!(listed.out.contains(rule), "doctor --list does not have {rule}");
        let page = sandbox.run(&["explain", rule]);
        page.check(0, &[rule]);
        assert!(page.out.lines().count() > 5, "{page}");
        let run = sandbox.run(&["doctor", "--only", rule, "--format", "json"]);
        assert!(matches!(run.code, Some(0 | 1 | 3)), "{rule}: {run}");
        let checks = run.json()["checks"].take();
        let checks = checks.as_array().unwrap();
        assert!(checks.len() == 1 && checks[0]["rule"] == rule, "{checks:?}");
        explained += 1;
    }
    assert!(explained >= 40, "only {explained} rules are explained");
}

#[test]
fn every_format_of_the_doctor_is_clean() {
    let sandbox = Sandbox::sick();
    let junit = sandbox.run(&["doctor", "--format", "junit"]);
    junit.check(3, &["<?xml", "<testsuites", "</testsuites>"]);
    let markdown = sandbox.run(&["doctor", "--format", "md"]);
    markdown.check(3, &["missing-ignore-file"]);
    for run in [junit, markdown, sandbox.run(&["doctor", "--verbose"]), sandbox.run(&[])] {
        assert!(run.err.is_empty() && !run.out.contains('\u{1b}'), "{run}");
    }
    let colored = sandbox.run(&["doctor", "--color", "always"]);
    colored.check(3, &["\u{1b}["]);
}

#[test]
fn the_script_is_clean_and_the_same_each_time() {
    let sandbox = Sandbox::sick();
    let script = sandbox.run(&["script"]);
    script.check(0, &["#!/", "docker"]);
    assert_eq!(sandbox.run(&["script"]).out, script.out);
    for shell in ["sh", "bash"] {
        if has(shell, &["-c", "true"]) {
            pipe(Command::new(shell).arg("-n"), &script.out).check(0, &[]);
        }
    }
    sandbox.run(&["script", "-o", "build.sh"]).check(0, &["wrote build.sh"]);
    let written = std::fs::read_to_string(sandbox.project().join("build.sh")).unwrap();
    assert_eq!(written, script.out);
    sandbox.run(&["undo"]).check(0, &["build.sh"]);
    assert!(!sandbox.project().join("build.sh").exists());
    if !has("shellcheck", &["--version"]) {
        return skip("shellcheck is not installed");
    }
    pipe(Command::new("shellcheck").arg("-"), &script.out).check(0, &[]);
}

#[test]
fn the_debug_commands_answer_line_by_line() {
    #[track_caller]
    fn check(command: &str, asked: &Value, expected: &Value) {
        let sandbox = Sandbox::new(&[]);
        let run = pipe(&mut sandbox.careen(&["debug", command]), &format!("{asked}\n\n{asked}\n"));
        run.check(0, &[]);
        let answers: Vec<Value> =
            run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers, vec![expected.clone(), expected.clone()]);
    }
    check(
        "ignore-match",
        &json!({"patterns": ["*.a", "!b.a"], "path": "b.a"}),
        &json!({"is_match": false, "walk_match": false, "err_at": ""}),
    );
    check(
        "ignore-walk",
        &json!({"tree": ["a/", "a/b", "c -> a/b"], "exclude": ["a"], "include": [], "follow": null}),
        &json!({"expect": ["c -> a/b"], "follow_links_result": [], "open_fails": []}),
    );
    check(
        "expand",
        &json!({"word": "${A:-x} $B", "env": ["B=2"], "escape": "\\", "platform": "linux"}),
        &json!({"result": "x 2", "unmatched": ["A"], "error": null}),
    );
    check(
        "words",
        &json!({"word": "$A 'b c'", "env": {"A": "1 2"}}),
        &json!({"result": ["1", "2", "b c"], "unmatched": [], "error": null}),
    );
    let sandbox = Sandbox::new(&[("good", "FROM a AS b\nRUN x\n"), ("bad", "FROM a\nBOGUS\n")]);
    let run = sandbox.run(&["debug", "ast", "good"]);
    run.check(0, &[]);
    assert_eq!(run.out, "(from \"a\" \"AS\" \"b\")\n(run \"x\")\n");
    sandbox.run(&["debug", "ast", "nowhere"]).check(3, &["could not read nowhere"]);
    let wrong = pipe(&mut sandbox.careen(&["debug", "words"]), "{\n");
    wrong.check(0, &["\"error\""]);
}

/// Runs a program with this text as its standard input.
#[track_caller]
fn pipe(command: &mut Command, text: &str) -> Run {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Run::of(&child.wait_with_output().unwrap())
}
