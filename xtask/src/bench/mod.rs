//! `cargo xtask bench`: careen beside its peers, in one run on one machine, as ratios.
//!
//! Absolute times say more about the machine than about careen; `docs/benchmarks.md` keeps both.

mod build;
mod context;
mod dockerfile;
mod goals;
mod lint;
mod peak;
mod peers;
mod rebuild;
mod series;
mod trees;

pub(crate) use dockerfile::everything;

use crate::cli::Arguments;
use crate::failure::Failure;

const USAGE: &str =
    "bench build|context|dockerfile|lint|rebuild [--runs N] [--project DIR] [--files N] [--clean]";

/// Odd, so that the median is a run.
const RUNS: usize = 7;

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let values = ["--runs", "--project", "--files"];
    let arguments = Arguments::parse(raw, &["--clean"], &values, USAGE)?;
    match arguments.words.first().map(String::as_str) {
        Some("build") => build::run(&arguments),
        Some("context") => context::run(&arguments),
        Some("dockerfile") => dockerfile::run(&arguments),
        Some("lint") => lint::run(&arguments),
        Some("rebuild") => rebuild::run(&arguments),
        // What `bench context` runs as a process of its own, to be charged for it alone.
        Some("peak") => peak::run(&arguments),
        _ => Err(Failure::Usage { problem: "what is to be measured?".to_owned(), usage: USAGE }),
    }
}

/// A whole number that was given, or `fallback`.
fn number(arguments: &Arguments, name: &str, fallback: usize) -> Result<usize, Failure> {
    let Some(text) = arguments.value(name) else { return Ok(fallback) };
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => {
            let problem = format!("{name} {text}: expected a number above 0");
            Err(Failure::Usage { problem, usage: USAGE })
        }
    }
}

/// How many runs each series has.
fn runs(arguments: &Arguments) -> Result<usize, Failure> {
    number(arguments, "--runs", RUNS)
}
