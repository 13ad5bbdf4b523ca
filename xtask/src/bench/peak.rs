//! How much memory a program needs at most: asked of a process that runs nothing else.

use nix::sys::resource::{UsageWho, getrusage};

use crate::cli::Arguments;
use crate::failure::Failure;
use crate::process::Call;

/// What `bench peak PROGRAM ARGUMENTS` prints before its figure.
const MARK: &str = "peak KiB: ";

/// Bytes that a program had in memory at most, and what it printed. `words` are the program and
/// its arguments, none of them an option.
///
/// The kernel keeps one figure for all children of a process, so another process asks.
pub(super) fn of(words: &[String]) -> Result<(u64, String), Failure> {
    let own = std::env::current_exe().unwrap_or_else(|_| "xtask".into());
    let output = Call::new(own).args(["bench", "peak"]).args(words).read()?;
    let (before, figure) = output.rsplit_once(MARK).unwrap_or((output.as_str(), ""));
    let kibibytes: u64 = figure.trim().parse().expect("`run` prints a figure or fails");
    Ok((kibibytes * 1024, before.to_owned()))
}

/// Runs the program that the words name and prints its figure after what it prints.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let program = arguments.words.get(1).map_or("true", String::as_str);
    let output =
        Call::new(program).args(&arguments.words[2.min(arguments.words.len())..]).read()?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("asking for own children cannot fail");
    println!("{output}{MARK}{}", usage.max_rss());
    Ok(())
}
