//! `careen context` from outside: what it prints and with which code it exits.

#![expect(clippy::unwrap_used, reason = "a test that cannot run the program should stop")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("Dockerfile", "FROM scratch\nCOPY src /\n"),
        (".dockerignore", "**.pyc\n"),
        ("src/a.py", "12345"),
        ("src/a.pyc", "1"),
        ("src/b c", "123"),
        ("other", "1234567"),
    ];
    fs::create_dir(folder.path().join("src")).unwrap();
    for (path, text) in files {
        fs::write(folder.path().join(path), text).unwrap();
    }
    folder
}

fn careen(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_careen"));
    command.arg("context").args(arguments).arg("--isolated").current_dir(folder);
    let Output { status, stdout, .. } = command.env("NO_COLOR", "1").output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

#[test]
fn listings_are_exact_and_in_order() {
    let folder = project();
    let list = |arguments: &[&str]| careen(folder.path(), arguments).1;
    assert_eq!(list(&["--list"]), "src\nsrc/a.py\nsrc/b c\n");
    assert_eq!(list(&["--list", "-0"]), "src\0src/a.py\0src/b c\0");
    let all = ".dockerignore\nDockerfile\nother\nsrc\nsrc/a.py\nsrc/b c\n";
    assert_eq!(list(&["--list", "--all"]), all);
    let lines = list(&["--list", "--format", "jsonl"]);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["kind"], &lines[1]["bytes"]), (&"folder".into(), &5.into()));
    let rule = "img: \\\n  Dockerfile \\\n  .dockerignore \\\n  src/a.py \\\n  src/b\\ c\n";
    assert_eq!(list(&["--make=img"]), rule);
    assert!(list(&["--hash"]).starts_with("careen-context-1:"));
}

#[test]
fn limits_decide_the_exit_code() {
    let folder = project();
    let code = |arguments: &[&str]| careen(folder.path(), arguments).0;
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["--fail-over", "8", "--max-entries", "3"]), Some(0));
    assert_eq!(code(&["--fail-over", "7"]), Some(1));
    assert_eq!(code(&["--max-entries", "2"]), Some(1));
    assert_eq!(code(&["--try", "**.py", "--fail-over", "7"]), Some(0));
    assert_eq!(code(&["--try", "[a"]), Some(2));
    assert_eq!(code(&["--explain", "../x"]), Some(2));
    assert_eq!(code(&["--fail-over", "much"]), Some(2));
    assert_eq!(code(&["--list", "--hash"]), Some(2));
    assert_eq!(code(&["-f", "nowhere"]), Some(3));
    assert_eq!(code(&["nowhere"]), Some(3));
}

#[test]
fn a_path_is_explained_without_a_walk() {
    let folder = project();
    let told = |path: &str| careen(folder.path(), &["--explain", path]).1;
    assert!(told("./src/a.py").contains("src/a.py is sent (5 B)"));
    assert!(told("src/a.pyc").contains("1  **.pyc matches src/a.pyc: out"));
    assert!(told("other").contains("no COPY, ADD or bind mount takes it"));
    assert!(told("src/none").contains("nothing is there now"));
    let document = careen(folder.path(), &["--explain", "other", "--format", "json"]).1;
    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!((&value["kind"], &value["kept"]), (&"context-path".into(), &true.into()));
}

#[test]
fn the_document_has_both_sets() {
    let folder = project();
    let document = careen(folder.path(), &["--format", "json"]).1;
    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(value["context"]["sent"]["bytes"], 8);
    assert_eq!(value["context"]["sent"]["entries"], 3);
    assert_eq!(value["context"]["kept"]["entries"], 6);
    assert_eq!(value["sources"][0]["line"], 2);
}
