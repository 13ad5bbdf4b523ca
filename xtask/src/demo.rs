//! `cargo xtask demo`: the main job on the sample, from sick to healed, with every number measured.
//!
//! Without an engine everything that needs none still runs, and the end says what could not.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::apt;
use crate::base;
use crate::cli::Arguments;
use crate::engine::{self, Generation};
use crate::failure::Failure;
use crate::home;
use crate::http::Address;
use crate::process::Call;
use crate::sample::{self, Size};

const USAGE: &str = "demo [--full] [--modern|--containerd] [--dir DIR]";
const IMAGE: &str = "hoops:demo";
/// What a developer touches all day.
const SOURCE: &str = "src/hoops/cli.py";

/// The sample, the program, and the engine if there is one.
struct Demo {
    careen: PathBuf,
    project: PathBuf,
    history: PathBuf,
    engine: Option<Address>,
}

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let switches = &["--full", "--modern", "--containerd"];
    let arguments = Arguments::parse(raw, switches, &["--dir"], USAGE)?;
    let size = if arguments.has("--full") { Size::Full } else { Size::Small };
    let project = match arguments.value("--dir") {
        Some(folder) => std::path::absolute(folder).map_err(Failure::file("find", folder))?,
        None => home::target().join("demo/hoops"),
    };
    let engine = find_engine(Generation::named(&arguments).unwrap_or(Generation::Debian));
    let missing = engine.as_ref().err().map(ToString::to_string);
    heal(engine.ok(), &project, size)?;
    if let Some(why) = missing {
        eprintln!("\nno engine: {why}");
        eprintln!("could not do: the four timed builds, the image tests, the report");
    }
    Ok(())
}

/// The whole demo on one engine, or without one.
pub(crate) fn heal(engine: Option<Address>, project: &Path, size: Size) -> Result<(), Failure> {
    title("careen, release build");
    let careen = build_careen()?;
    title("the sample");
    sample::up(project, size)?;
    let history = project.with_file_name("demo-data");
    home::remove(&history)?;
    if let Some(address) = &engine {
        title("the base image");
        base::provide(address)?;
    }
    Demo { careen, project: project.to_owned(), history, engine }.heal()
}

impl Demo {
    /// Sick, diagnosed, built, fixed, built again, tested, reported.
    fn heal(&self) -> Result<(), Failure> {
        title("1. what is wrong, and what each thing costs");
        self.careen(&["doctor", "--fail-on", "never"]).run_or(&[3])?;
        let mut before = None;
        if self.engine.is_some() {
            title("2. the sick build: first, then after one changed source file");
            self.build(&["--no-cache"])?;
            self.touch()?;
            self.build(&[])?;
            before = Some(("0001", "0002"));
        }
        title("3. the fixes, as a diff, applied");
        self.careen(&["fix", "--all", "--risky", "--yes"]).run_or(&[3])?;
        let Some((first, again)) = before else { return Ok(()) };
        title("4. the healed build: first, then after one changed source file");
        self.build(&["--no-cache"])?;
        self.touch()?;
        self.build(&[])?;
        title("5. the image, tested");
        self.careen(&["test", IMAGE]).run()?;
        title("6. before and after");
        println!("first build");
        self.careen(&["compare", first, "0003"]).run()?;
        println!("\nrebuild after one changed source file");
        self.careen(&["compare", again, "0004"]).run()?;
        println!("\nreport");
        self.careen(&["report", "0004", "--before", again, "--format", "html"]).run()?;
        title("7. what was promised");
        self.verify()
    }

    /// Reads the measured numbers back and compares them with what careen promises.
    fn verify(&self) -> Result<(), Failure> {
        let history = self.read(&["history", "--format", "json"])?;
        let doctor = self.read(&["doctor", "--format", "json", "--fail-on", "never"])?;
        let seconds = |build: usize, path: &[&str]| {
            let value = path.iter().fold(&history["builds"][build], |value, key| &value[key]);
            value.as_f64().unwrap_or(f64::NAN)
        };
        let megabytes = doctor["context"]["estimated_size_mb"].as_f64().unwrap_or(f64::NAN);
        let transfer = seconds(2, &["phases", "context"]);
        let ratio = seconds(1, &["total_seconds"]) / seconds(3, &["total_seconds"]);
        let program = fs::metadata(&self.careen).map_err(Failure::file("look at", &self.careen))?;
        let kilobytes = program.len() / 1000;
        let claims = [
            (format!("context after the fix: {megabytes:.1} MB, goal < 10 MB"), megabytes < 10.0),
            (format!("transferred in {transfer:.1} s, goal < 5 s"), transfer < 5.0),
            (format!("rebuild {ratio:.1} times faster, goal at least 3 times"), ratio >= 3.0),
            (format!("the program: {kilobytes} kB, goal ≤ 20,000 kB"), kilobytes <= 20_000),
        ];
        for (claim, holds) in &claims {
            println!("{}  {claim}", if *holds { "kept  " } else { "BROKEN" });
        }
        match claims.iter().filter(|(_, holds)| !holds).count() {
            0 => Ok(()),
            count => Err(Failure::Promises { count }),
        }
    }

    fn read(&self, arguments: &[&str]) -> Result<Value, Failure> {
        let text = self.careen(arguments).read()?;
        serde_json::from_str(&text).map_err(|source| Failure::NotJson {
            command: format!("careen {}", arguments.join(" ")),
            source,
        })
    }

    fn build(&self, more: &[&str]) -> Result<(), Failure> {
        let mut arguments = vec!["build", "--tag", IMAGE];
        arguments.extend(more);
        self.careen(&arguments).run()
    }

    /// Changes one source file, as a developer does.
    fn touch(&self) -> Result<(), Failure> {
        let path = self.project.join(SOURCE);
        let mut text = fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
        text.push_str("\n# One more change.\n");
        fs::write(&path, text).map_err(Failure::file("write", &path))
    }

    /// careen in the sample, with a history of its own.
    fn careen(&self, arguments: &[&str]) -> Call {
        let call = Call::new(&self.careen).args(arguments).folder(&self.project);
        let call = call.env("XDG_DATA_HOME", &self.history);
        match &self.engine {
            Some(address) => call.env("DOCKER_HOST", address.to_string()),
            None => call,
        }
    }
}

/// The reachable engine, else a private one where that is possible.
pub(crate) fn find_engine(wanted: Generation) -> Result<Address, Failure> {
    if let Some((address, about)) = engine::reachable()?
        && wanted.is_met_by(&about)
    {
        eprintln!("using the engine at {address} ({})", about.version);
        return Ok(address);
    }
    if !apt::usable() {
        return Err(Failure::NeedsRoot { what: "a private engine" });
    }
    Ok(engine::up_own(wanted)?.address())
}

/// Builds the program as people run it.
pub(crate) fn build_careen() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--release", "--package", "careen"];
    Call::new(cargo).args(arguments).folder(&home::workspace()).run()?;
    Ok(home::target().join("release/careen"))
}

pub(crate) fn title(text: &str) {
    println!("\n=== {text}\n");
}
