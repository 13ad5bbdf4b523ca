//! The README's console block, run for real: what it shows is what the program prints.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Commands with the output that the README claims. A line of `...` stands for any lines.
fn sessions(text: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if !inside => (),
            command if command.starts_with("$ ") => {
                out.push((command[2..].to_owned(), String::new()));
            }
            shown => {
                let (_, output) = out.last_mut().expect("a command comes before its output");
                output.push_str(shown);
                output.push('\n');
            }
        }
    }
    out
}

fn matches(expected: &str, actual: &str) -> bool {
    let pieces: Vec<&str> = expected.split("...\n").collect();
    let mut rest = actual;
    for (i, piece) in pieces.iter().enumerate() {
        match rest.find(piece) {
            Some(0) => rest = &rest[piece.len()..],
            Some(at) if i > 0 => rest = &rest[at + piece.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || expected.ends_with("...\n")
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let text = std::fs::read_to_string(root().join("README.md")).expect("README.md is there");
    assert!(text.lines().count() <= 120, "README.md is longer than 120 lines");
    let sessions = sessions(&text);
    let run: Vec<_> = sessions.iter().filter(|(line, _)| line.starts_with("careen ")).collect();
    assert!(!run.is_empty(), "README.md shows no careen command");
    for (line, expected) in run {
        let arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
        let output = Command::new(env!("CARGO_BIN_EXE_careen"))
            .args(arguments)
            .current_dir(root())
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .output()
            .expect("careen runs");
        let actual = String::from_utf8_lossy(&output.stdout);
        assert!(matches(expected, &actual), "$ {line}\n--- README\n{expected}--- now\n{actual}");
    }
}

#[test]
fn dots_stand_for_any_lines() {
    assert!(matches("a\n...\nd\n", "a\nb\nc\nd\n"));
    assert!(matches("a\n...\n", "a\nb\n"));
    assert!(!matches("a\n...\nd\n", "b\na\nd\n"));
    assert!(!matches("a\n", "a\nb\n"));
}
