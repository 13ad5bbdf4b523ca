//! `cargo xtask ci`: everything that must hold, in the order of what fails fastest.

use std::time::{Duration, Instant};

use careen_model::units;

use crate::apt;
use crate::base;
use crate::browser;
use crate::cli::Arguments;
use crate::demo;
use crate::engine::{self, Generation};
use crate::failure::Failure;
use crate::http::Address;
use crate::process::{Call, interrupted, survive_interrupts};
use crate::sample::Size;

const USAGE: &str = "ci [--no-engine]";

/// One line of the summary.
struct Step {
    name: &'static str,
    took: Duration,
    result: Result<(), Failure>,
}

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(raw, &["--no-engine"], &[], USAGE)?;
    survive_interrupts();
    let mut steps = Vec::new();
    let mut step = |name: &'static str, run: &mut dyn FnMut() -> Result<(), Failure>| {
        if interrupted() {
            return;
        }
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = run();
        steps.push(Step { name, took: start.elapsed(), result });
    };
    step("format", &mut || cargo(&["fmt", "--all", "--check"]).run());
    step("lints", &mut || {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()
    });
    step("tests", &mut || cargo(&["test", "--workspace"]).env_remove("CAREEN_ENGINES").run());
    step("browser", &mut browser::test);
    if !arguments.has("--no-engine") {
        step("engines, demo", &mut engine_tests);
    }
    summarize(&steps)?;
    if arguments.has("--no-engine") {
        eprintln!("engine tests did not run: --no-engine");
    }
    Ok(())
}

/// Both generations as root on Debian, else the one that is reachable, with a word about the rest.
fn engine_tests() -> Result<(), Failure> {
    if !apt::usable() {
        let Some((address, about)) = engine::reachable()? else { return Err(Failure::NoEngine) };
        eprintln!(
            "no root on Debian: only {address} ({}) is tested, not both generations",
            about.version
        );
        return test_on(&[address], EVERY);
    }
    let idle = engine::idle()?;
    let result = with_both();
    // An engine that ran before is somebody's; only what was started here is stopped.
    // One that does not stop does not keep the other one running.
    let stopped: Vec<_> = idle.into_iter().map(|one| engine::down(one, false)).collect();
    result.and(stopped.into_iter().collect())
}

/// All engine tests.
const EVERY: &[&str] = &["test", "--workspace", "--", "engine"];

/// What only the containerd store can do. Tests that remove images beside each other make its
/// unpacking fail ("parent snapshot does not exist", moby/buildkit issue 6521), so the rest is left
/// to the other engines.
const ARCHIVES: &[&str] = &["test", "--workspace", "--test", "cli", "--", "archives::"];

fn with_both() -> Result<(), Failure> {
    let (mut addresses, mut containerd) = (Vec::new(), Vec::new());
    for one in Generation::ALL {
        let address = engine::up_own(one)?.address();
        base::provide(&address)?;
        let list = if one == Generation::Containerd { &mut containerd } else { &mut addresses };
        list.push(address);
    }
    test_on(&containerd, ARCHIVES)?;
    test_on(&addresses, EVERY)?;
    // The README's first command, on the older engine: what it promises is checked at its end.
    let project = crate::home::target().join("ci-demo/hoops");
    demo::heal(addresses.into_iter().next(), &project, Size::Small)
}

fn test_on(engines: &[Address], tests: &[&str]) -> Result<(), Failure> {
    let mut sockets = Vec::new();
    for address in engines {
        let Address::Unix(path) = address else {
            return Err(Failure::Address { value: address.to_string() });
        };
        sockets.push(path.display().to_string());
    }
    let mut call = cargo(tests);
    call = call.env("CAREEN_ENGINES", sockets.join(":"));
    if let Some(config) = engine::modern_client()?
        && let Some(client) = config.parent()
    {
        call = call.env("CAREEN_CLIENT", client);
    }
    call.run()
}

fn cargo(arguments: &[&str]) -> Call {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Call::new(program).args(arguments).folder(&crate::home::workspace())
}

fn summarize(steps: &[Step]) -> Result<(), Failure> {
    eprintln!();
    let mut failed = Vec::new();
    for step in steps {
        let word = match &step.result {
            Ok(()) => "passed",
            Err(failure) => {
                failed.push(step.name);
                eprintln!("{}: {failure}", step.name);
                if let Some(hint) = failure.hint() {
                    eprintln!("hint: {hint}");
                }
                "failed"
            }
        };
        eprintln!("{word}  {:<14} {:>9}", step.name, units::time(step.took));
    }
    match failed.as_slice() {
        _ if interrupted() => Err(Failure::Interrupted),
        [] => Ok(()),
        names => Err(Failure::Steps { count: names.len(), names: names.join(", ") }),
    }
}
