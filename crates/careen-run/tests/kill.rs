//! Kills careen with SIGKILL after every step of a fix and of an undo, then settles and compares.
//!
//! This file is its own child: started with a role, it does one thing in one project and, after
//! the wanted number of steps, says so and waits to be killed.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare should stop")]
#![expect(clippy::print_stdout, reason = "this test has no harness that prints for it")]

mod common;

use std::env;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use careen_run::Error;
use careen_run::apply::{Edited, Journal, Point, Which};

use crate::common::{content, make, plan, tree};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["as", role, project, steps] = words.as_slice() {
        return child(role, Path::new(project), steps.parse().unwrap());
    }
    println!("fix: killed at {} steps", kill_everywhere("fix"));
    println!("undo: killed at {} steps", kill_everywhere("undo"));
    read_only();
    ExitCode::SUCCESS
}

fn child(role: &str, project: &Path, mut steps: usize) -> ExitCode {
    let journal = Journal::of(project).unwrap();
    let mut watcher = |_: Point| {
        if steps == 0 {
            println!("here");
            std::io::stdout().flush().unwrap();
            // Nobody ever writes to us: this waits for the kill.
            let _ = std::io::stdin().read(&mut [0]);
        }
        steps = steps.wrapping_sub(1);
        Ok(())
    };
    let done = match role {
        "fix" => journal.apply_watched(&plan(project), 1, &mut watcher).map(drop),
        "undo" => journal.undo_watched(Which::Last, Edited::Refuse, 2, &mut watcher).map(drop),
        other => panic!("no role {other}"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::ReadOnly { .. }) => ExitCode::from(30),
        Err(err) => panic!("{err}"),
    }
}

fn command(role: &str, project: &Path, steps: usize) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["as", role]).arg(project).arg(steps.to_string());
    command
}

/// Kills the role after each of its steps; returns how many there were.
fn kill_everywhere(role: &str) -> usize {
    for steps in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path();
        make(project);
        let sick = tree(project);
        let journal = Journal::of(project).unwrap();
        let mut start = sick.clone();
        if role == "undo" {
            journal.apply(&plan(project), 1).unwrap();
            start = tree(project);
        }
        let mut command = command(role, project, steps);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            assert!(child.wait().unwrap().success());
            assert!(steps > 20, "only {steps} steps");
            return steps;
        }
        child.kill().unwrap();
        child.wait().unwrap();

        journal.recover().unwrap();
        assert!(!journal.is_interrupted().unwrap());
        let now = tree(project);
        if role == "undo" {
            assert!(now == sick || now == start, "half undone after {steps} steps");
        } else if now != sick {
            assert_eq!(content(&now), fixed(), "half fixed after {steps} steps");
        }
    }
    unreachable!("the loop ends when the child ends")
}

fn fixed() -> common::Content {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    Journal::of(folder.path()).unwrap().apply(&plan(folder.path()), 1).unwrap();
    content(&tree(folder.path()))
}

/// A project whose folder may not be written: refused before anything is written.
fn read_only() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path();
    make(project);
    fs::set_permissions(project.join(".dockerignore"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(project.join("docker/Dockerfile"), Permissions::from_mode(0o644)).unwrap();
    let before = tree(project);
    fs::set_permissions(project, Permissions::from_mode(0o555)).unwrap();
    let mut command = command("fix", project, usize::MAX);
    if rustix::process::geteuid().is_root() {
        // Root may write everywhere, so somebody else has to try.
        command.uid(65534).gid(65534);
    }
    let status = command.status();
    fs::set_permissions(project, Permissions::from_mode(0o755)).unwrap();
    match status {
        Ok(status) => assert_eq!(status.code(), Some(30)),
        // The build folder may be closed to others; then this cannot be tried here.
        Err(err) => return println!("read-only: not tried, {err}"),
    }
    assert_eq!(tree(project), before);
    assert!(!project.join(".careen").exists());
    println!("read-only: refused");
}
