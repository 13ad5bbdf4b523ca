//! `cargo xtask bench dockerfile`: what reading a Dockerfile costs, per file.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::runs;
use super::series::{self, Contestant, race};
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::process::Call;
use crate::{demo, home};

/// Enough that starting a process and reading the files vanish beside it.
const TIMES: u32 = 50;

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let runs = runs(arguments)?;
    let careen = demo::build_careen()?;
    let (from, files) = corpus()?;
    let bytes: u64 = files.iter().filter_map(|path| path.metadata().ok()).map(|m| m.len()).sum();
    println!("\n{} files, {bytes} bytes, from {from}", files.len());
    let paths: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let list = paths.join("\n");
    let contestant = |times: u32| {
        let (careen, list) = (&careen, &list);
        Contestant {
            name: format!("each parsed {times} times"),
            once: Box::new(move || parse(careen, list, times)),
        }
    };
    let found = race(&mut [contestant(TIMES + 1), contestant(1)], runs)?;
    series::show("parsed and typed, processor time", &found, series::cpu);
    let own = found[0].cpu().saturating_sub(found[1].cpu()) / TIMES;
    let count = u32::try_from(files.len()).expect("a corpus is smaller than 4 billion files");
    let per_file = own.checked_div(count).unwrap_or(Duration::ZERO);
    #[expect(clippy::cast_precision_loss, reason = "a corpus is smaller than 2^52 bytes")]
    let speed = bytes as f64 / own.as_secs_f64() / 1e6;
    println!("  one file: {:.1} µs; {speed:.0} MB/s", per_file.as_secs_f64() * 1e6);
    Ok(())
}

fn parse(careen: &Path, list: &str, times: u32) -> Result<(), Failure> {
    let call = Call::new(careen).args(["debug", "parse", "--times", &times.to_string()]);
    let line = "careen debug parse".to_owned();
    let mut command = call.into_command();
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let failed = |source| Failure::NotStarted { line: line.clone(), source };
    let mut child = command.spawn().map_err(failed)?;
    let mut input = child.stdin.take().expect("the child was given a pipe");
    // A child that died early closes the pipe; its status says so below.
    let _ = input.write_all(list.as_bytes());
    drop(input);
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Command { line, status, tail: String::new() })
}

/// The recorded corpus where it is, else the Dockerfiles of this repository.
pub(super) fn corpus() -> Result<(&'static str, Vec<PathBuf>), Failure> {
    let (from, mut files) = everything()?;
    files.retain(|path| named_dockerfile(path));
    Ok((from, files))
}

/// The same with the files of the corpus that are Dockerfiles under another name.
pub(crate) fn everything() -> Result<(&'static str, Vec<PathBuf>), Failure> {
    let given = env::var_os("CAREEN_DATA").map(PathBuf::from);
    let data = given.unwrap_or_else(|| home::workspace().join("../shared/data"));
    let recorded = data.join("dockerfile/corpus");
    if recorded.is_dir() {
        let mut files = Vec::new();
        below(&recorded, &mut files)?;
        return Ok(("the corpus of CAREEN_DATA", files));
    }
    let list = Call::new("git").args(["ls-files", "-z"]).folder(&home::workspace()).read()?;
    let paths = list.split('\0').map(|name| home::workspace().join(name));
    Ok(("this repository", paths.filter(|path| named_dockerfile(path)).collect()))
}

fn named_dockerfile(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("Dockerfile"))
        && path.is_file()
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).map_err(Failure::file("read", folder))?;
    for entry in entries {
        let path = entry.map_err(Failure::file("read", folder))?.path();
        if path.is_dir() {
            below(&path, files)?;
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}
