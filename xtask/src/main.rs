//! `cargo xtask`: the one entry for people who work on careen; alone it lists what it does.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to a person")]

mod apt;
mod base;
mod bench;
mod browser;
mod ci;
mod cli;
mod compare_fixes;
mod compare_lint;
mod compare_trees;
mod demo;
mod engine;
mod failure;
mod fuzz;
mod home;
mod http;
mod process;
mod rule;
mod sample;

use std::process::ExitCode;

use crate::failure::Failure;

/// One row of the list that `cargo xtask` prints.
struct Task {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const TASKS: &[Task] = &[
    Task {
        name: "demo",
        takes: "[--full] [--modern|--containerd] [--dir DIR]",
        does: "the main job on the sample: diagnosis, timed builds, fixes, tests, report",
        run: demo::run,
    },
    Task {
        name: "ci",
        takes: "[--no-engine]",
        does: "format, lints and all tests, then the engine tests on both engine generations",
        run: ci::run,
    },
    Task {
        name: "engine",
        takes: "up|down|status [--modern|--containerd] [--own] [--purge]",
        does: "an engine to work with: the reachable one, else a private one",
        run: engine::run,
    },
    Task {
        name: "browser",
        takes: "",
        does: "the report in a headless Chromium; installs Debian's where it can",
        run: browser::run,
    },
    Task {
        name: "base",
        takes: "[--modern|--containerd|--own]",
        does: "python:3.11-slim-bookworm on the engines at hand: pulled, else made here",
        run: base::run,
    },
    Task {
        name: "fuzz",
        takes: "[TARGET] [SECONDS]",
        does: "the fuzz targets under fuzz/, one or all, 60 s each",
        run: fuzz::run,
    },
    Task {
        name: "sample",
        takes: "up|down [--small|--full] [--dir DIR]",
        does: "a copy of examples/hoops with the weight of a project that has lived",
        run: sample::run,
    },
    Task {
        name: "new",
        takes: "rule NAME --folder FOLDER",
        does: "a new rule: its file, its page, its two lines of registration",
        run: rule::run,
    },
    Task {
        name: "bench",
        takes: "build|context|dockerfile|lint [--runs N] [--project DIR] [--files N] [--clean]",
        does: "measures careen beside its peers in one run and prints ratios; docs/benchmarks.md",
        run: bench::run,
    },
    Task {
        name: "compare-lint",
        takes: "[hadolint|buildkit] [--show RULE]",
        does: "what the profiles say of real Dockerfiles beside hadolint and BuildKit",
        run: compare_lint::run,
    },
    Task {
        name: "compare-fixes",
        takes: "",
        does: "the safe fixes of careen and its peers on copies of real Dockerfiles, and the harm",
        run: compare_fixes::run,
    },
    Task {
        name: "compare-trees",
        takes: "[--modern|--containerd]",
        does: "the sample built before and after its safe fixes: the same files in the image",
        run: compare_trees::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = arguments.first().filter(|name| !is_help(name)) else {
        print!("{}", list());
        return ExitCode::SUCCESS;
    };
    let result = match TASKS.iter().find(|task| task.name == name) {
        Some(task) if arguments.iter().any(|argument| is_help(argument)) => {
            println!("cargo xtask {} {}\n{}", task.name, task.takes, task.does);
            Ok(())
        }
        Some(task) => (task.run)(&arguments[1..]),
        None => Err(Failure::NoSuchTask { name: name.clone() }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            if let Some(hint) = failure.hint() {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "-h" | "--help" | "help")
}

fn list() -> String {
    let width = TASKS.iter().map(|task| task.name.len()).max().unwrap_or(0);
    let row = |task: &Task| {
        format!(
            "  {:width$}  {}\n  {:width$}  {} {}\n",
            task.name, task.does, "", task.name, task.takes
        )
    };
    let rows: Vec<String> = TASKS.iter().map(row).collect();
    format!("cargo xtask TASK\n\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_task_once() {
        let text = list();
        for task in TASKS {
            assert_eq!(text.matches(&format!("  {} {}\n", task.name, task.takes)).count(), 1);
        }
    }
}
