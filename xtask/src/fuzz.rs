//! `cargo xtask fuzz`: the fuzz targets under `fuzz/`, one or all, for some seconds each.
//!
//! A stable compiler is enough: `RUSTC_BOOTSTRAP` opens the options that fuzzing needs.

use std::fs;

use crate::cli::Arguments;
use crate::failure::Failure;
use crate::home;
use crate::process::{Call, exists};

const USAGE: &str = "fuzz [TARGET] [SECONDS]";
const DEFAULT_SECONDS: u32 = 60;

/// Bytes of one input; what is larger is slower and finds nothing else.
const LONGEST_INPUT: u32 = 4096;

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(raw, &[], &[], USAGE)?;
    let known = targets()?;
    let (chosen, seconds) = choose(&arguments.words, &known)?;
    check_machine()?;
    for (i, target) in chosen.iter().enumerate() {
        eprintln!("\n== {target}, {seconds} s ({} of {})", i + 1, chosen.len());
        fuzz(target, seconds)?;
    }
    eprintln!("\nno findings: {} × {seconds} s", chosen.join(", "));
    Ok(())
}

/// The files under `fuzz/fuzz_targets`, by name.
fn targets() -> Result<Vec<String>, Failure> {
    let folder = home::workspace().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(Failure::file("list", &folder))?;
    let files = entries.flatten().map(|entry| entry.path());
    let mut names: Vec<String> =
        files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// Which targets, and for how long each.
fn choose(words: &[String], known: &[String]) -> Result<(Vec<String>, u32), Failure> {
    let usage = |problem: String| Failure::Usage { problem, usage: USAGE };
    let is_number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
    let (target, seconds) = match words {
        [] => (None, None),
        [seconds] if is_number(seconds) => (None, Some(seconds)),
        [target] => (Some(target), None),
        [target, seconds] => (Some(target), Some(seconds)),
        _ => return Err(usage("too many words".to_owned())),
    };
    let seconds = match seconds {
        None => DEFAULT_SECONDS,
        Some(text) => match text.parse() {
            Ok(seconds) if seconds > 0 => seconds,
            _ => return Err(usage(format!("`{text}` is no number of seconds"))),
        },
    };
    match target {
        None => Ok((known.to_vec(), seconds)),
        Some(name) if known.contains(name) => Ok((vec![name.clone()], seconds)),
        Some(name) => Err(usage(format!("there is no target `{name}`, only {}", known.join(", ")))),
    }
}

/// Says what is missing before anything is compiled.
fn check_machine() -> Result<(), Failure> {
    if !cargo(&["fuzz", "--version"]).succeeds() {
        let hint = "`cargo install cargo-fuzz` brings it";
        return Err(Failure::Missing { what: "cargo-fuzz", hint });
    }
    if !["c++", "g++", "clang++"].into_iter().any(exists) {
        let hint = "libFuzzer is compiled from source; `apt-get install g++` brings a compiler";
        return Err(Failure::Missing { what: "a C++ compiler", hint });
    }
    Ok(())
}

fn fuzz(target: &str, seconds: u32) -> Result<(), Failure> {
    let time = format!("-max_total_time={seconds}");
    let length = format!("-max_len={LONGEST_INPUT}");
    cargo(&["fuzz", "run", target, "--", &time, &length, "-timeout=10"]).run()
}

fn cargo(arguments: &[&str]) -> Call {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let call = Call::new(program).args(arguments).folder(&home::workspace());
    call.env("RUSTC_BOOTSTRAP", "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<(&[&str], u32), &str>) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let known = ["expand".to_owned(), "ignore_match".to_owned()];
        match (choose(&words, &known), expected) {
            (Ok((targets, seconds)), Ok((wanted, time))) => {
                assert_eq!(
                    (targets, seconds),
                    (wanted.iter().map(ToString::to_string).collect(), time)
                );
            }
            (Err(failure), Err(problem)) => assert_eq!(failure.to_string(), problem),
            (found, _) => panic!("{line}: {found:?}"),
        }
    }

    #[test]
    fn a_target_and_a_time_are_chosen() {
        check("", Ok((&["expand", "ignore_match"], 60)));
        check("5", Ok((&["expand", "ignore_match"], 5)));
        check("expand", Ok((&["expand"], 60)));
        check("expand 600", Ok((&["expand"], 600)));
        check("expand 0", Err("`0` is no number of seconds"));
        check("expand x", Err("`x` is no number of seconds"));
        check("nope", Err("there is no target `nope`, only expand, ignore_match"));
        check("a b c", Err("too many words"));
    }

    #[test]
    fn every_target_is_declared() {
        let manifest = home::workspace().join("fuzz/Cargo.toml");
        let text = fs::read_to_string(manifest).unwrap();
        for target in targets().unwrap() {
            assert!(text.contains(&format!("name = \"{target}\"")), "{target}");
        }
        assert_eq!(text.matches("[[bin]]").count(), targets().unwrap().len());
    }
}
