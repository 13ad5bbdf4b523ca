//! Kills careen with SIGKILL after every step of a fix and of an undo, and while it records builds;
//! then settles and compares.
//!
//! This file is its own child: started with a role, it does one thing in one project and, after
//! the wanted number of steps, says so and waits to be killed.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare should stop")]
#![expect(clippy::print_stdout, reason = "this test has no harness that prints for it")]

mod common;

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use careen_model::{BuildEvent, Outcome, Stream, What};
use careen_run::apply::{Edited, Journal, Point, Which};
use careen_run::history::{History, Listed, Project, Retention, State, read_events};
use careen_run::import::{Import, import};
use careen_run::{About, Error, Recorder, Redaction};

use crate::common::{content, make, plan, tree};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["as", "recorder", folder, events] = words.as_slice() {
        record_builds(Path::new(folder), events.parse().unwrap());
    }
    if let ["as", "importer", folder, _] = words.as_slice() {
        import_builds(Path::new(folder));
    }
    if let ["as", role, project, steps] = words.as_slice() {
        return child(role, Path::new(project), steps.parse().unwrap());
    }
    println!("fix: killed at {} steps", kill_everywhere("fix"));
    println!("undo: killed at {} steps", kill_everywhere("undo"));
    println!("history: killed {} times", kill_recorders());
    println!("import and prune: killed {} times, two at once", kill_importers());
    read_only();
    ExitCode::SUCCESS
}

fn child(role: &str, project: &Path, mut steps: usize) -> ExitCode {
    let journal = Journal::of(project).unwrap();
    let mut watcher = |_: Point| {
        if steps == 0 {
            say("here");
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

/// Records one build after the other and tells each label, until it is killed.
///
/// `at`: in the second build, after so many events, it says so and waits; never for `usize::MAX`.
fn record_builds(folder: &Path, at: usize) -> ! {
    let history = History::open(&folder.join("history.db")).unwrap();
    for n in 0.. {
        let about = About { started_at: n, ..About::default() };
        let mut recorder = Recorder::begin(&history, &hoops(), about).unwrap();
        let step = || "a".to_owned();
        let mut tell = |at: u64, what: What| {
            recorder.event(&BuildEvent { at: Duration::from_millis(at), what });
        };
        tell(0, What::StepPlanned { step: step(), name: "[1/1] RUN x".into(), inputs: vec![] });
        tell(0, What::StepStarted { step: step() });
        let events = if at == usize::MAX { 50 } else { at };
        for event in 0..events as u64 {
            let bytes = format!("{event:x} {n}\n").into_bytes();
            tell(event, What::Log { step: step(), stream: Stream::Out, bytes });
        }
        if n == 1 && at != usize::MAX {
            say("here");
            let _ = std::io::stdin().read(&mut [0]);
        }
        tell(events as u64, What::Ended { outcome: Outcome::Built });
        let done = recorder.finish(&history);
        assert!(done.problem.is_none());
        say(&done.record.label);
    }
    unreachable!("somebody kills us")
}

/// Imports a log and prunes, again and again, beside others that do the same.
fn import_builds(folder: &Path) -> ! {
    let history = History::open(&folder.join("history.db")).unwrap();
    let mut log = String::from("#1 [1/1] RUN x\n");
    for line in 0..2000 {
        let (seconds, millis) = (line / 1000, line % 1000);
        writeln!(log, "#1 {seconds}.{millis:03} {line} of the output").unwrap();
    }
    log.push_str("#1 DONE 2.0s\n");
    say("here");
    loop {
        let (history, project) = (&history, &hoops());
        let name = Path::new("x.log");
        let job = Import { name, history, project, now: 1, redaction: Redaction::default() };
        import(job, &mut log.as_bytes()).unwrap();
        history.retain(&hoops(), Retention { builds: 3, not_before: None }).unwrap();
    }
}

/// Kills two importers, one after the other, each a little later than the time before.
fn kill_importers() -> usize {
    const ROUNDS: u64 = 30;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let mut pair: Vec<_> = (0..2)
            .map(|_| {
                let mut command = command("importer", folder.path(), 0);
                let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
                let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
                assert_eq!(said.next().unwrap().unwrap(), "here");
                child
            })
            .collect();
        for child in &mut pair {
            // No moment is special, so each round takes another one.
            std::thread::sleep(Duration::from_micros(3000 + round * 1700));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let history = History::open(&folder.path().join("history.db")).unwrap();
        let listed = history.list(&hoops(), 10_000).unwrap();
        assert!(listed.len() <= 5, "{listed:?}");
        for row in &listed {
            // An import that was killed is gone; one that is there is whole.
            let record = history.get(&hoops(), &row.label).unwrap();
            assert_eq!((row.state, record.outcome), (State::Built, Some(Outcome::Built)));
            assert_eq!((record.steps.len(), record.total), (1, Duration::from_secs(2)));
            let log = history.events(&hoops(), &row.label).unwrap().unwrap();
            let mut events = 0;
            read_events(&log, &mut |_| events += 1).unwrap();
            assert_eq!(events, 2004, "{}", row.label);
        }
        history.retain(&hoops(), Retention { builds: 9, not_before: None }).unwrap();
        let logs = fs::read_dir(folder.path().join("builds")).unwrap().count();
        assert_eq!(logs, listed.len(), "a log belongs to nobody");
    }
    2 * usize::try_from(ROUNDS).unwrap()
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

fn hoops() -> Project {
    Project { remote: None, root: "/hoops".into(), dockerfile: "Dockerfile".into(), target: None }
}

/// Kills recorders within a build and wherever they are; returns how many were killed.
fn kill_recorders() -> usize {
    let folder = tempfile::tempdir().unwrap();
    let mut told = BTreeSet::new();
    let within = [0, 1, 200, 5000];
    for events in within {
        told.extend(kill_recorder(folder.path(), events, 2));
    }
    let listed = look_into(folder.path(), &told);
    let states = listed.iter().map(|row| row.state);
    assert!(states.eq([State::Interrupted, State::Built].repeat(within.len())), "{listed:?}");
    for lines in 1..=8 {
        told.extend(kill_recorder(folder.path(), usize::MAX, lines));
        look_into(folder.path(), &told);
    }
    within.len() + 8
}

/// Kills a recorder when it has said so many lines; returns the labels that it told.
fn kill_recorder(folder: &Path, at: usize, lines: usize) -> Vec<String> {
    let mut command = command("recorder", folder, at);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut labels: Vec<String> = said.by_ref().take(lines).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    // It may have ended more builds before the kill reached it.
    labels.extend(said);
    labels.retain(|line| line != "here");
    labels
}

/// Every build that was told is there, whole; every other one is interrupted and can be read.
fn look_into(folder: &Path, told: &BTreeSet<String>) -> Vec<Listed> {
    let history = History::open(&folder.join("history.db")).unwrap();
    let listed = history.list(&hoops(), 10_000).unwrap();
    for row in &listed {
        let record = history.get(&hoops(), &row.label).unwrap();
        let log = history.events(&hoops(), &row.label).unwrap().unwrap();
        let mut events = 0;
        read_events(&log, &mut |_| events += 1).unwrap();
        match row.state {
            State::Built => assert_eq!(record.outcome, Some(Outcome::Built)),
            State::Interrupted => assert_eq!(record.outcome, None),
            other => panic!("{} is {other:?}", row.label),
        }
        assert!(events >= 2 * record.steps.len(), "{}", row.label);
    }
    let built = listed.iter().filter(|row| row.state == State::Built);
    let built: BTreeSet<String> = built.map(|row| row.label.clone()).collect();
    assert!(told.is_subset(&built), "a build that was told is gone");
    listed
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
