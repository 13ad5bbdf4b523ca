//! `cargo xtask compare-trees`: the sample built before and after its safe fixes, with the real
//! package managers, and the two file trees compared.
//!
//! That a safe fix leaves the image as it is, is otherwise tested with programs that stand for the
//! package managers.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::base;
use crate::cli::Arguments;
use crate::demo::{build_careen, find_engine, title};
use crate::engine::Generation;
use crate::failure::Failure;
use crate::home;
use crate::http::Address;
use crate::process::Call;
use crate::sample::{self, Size};

const USAGE: &str = "compare-trees [--modern|--containerd]";

/// What became of the trees on one engine.
struct Outcome {
    engine: String,
    fixes: Vec<String>,
    entries: u64,
    /// Places that differ from build to build, by reason.
    volatile: Vec<(String, u64)>,
    differences: Vec<String>,
    is_same: bool,
}

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(raw, &["--modern", "--containerd"], &[], USAGE)?;
    let generations = match Generation::named(&arguments) {
        Some(one) => vec![one],
        None => vec![Generation::Debian, Generation::Modern],
    };
    let careen = build_careen()?;
    let mut outcomes = Vec::new();
    for generation in generations {
        let address = find_engine(generation)?;
        base::provide(&address)?;
        outcomes.push(compare(&careen, &address)?);
    }
    title("the sample before and after its safe fixes");
    for outcome in &outcomes {
        outcome.show();
    }
    match outcomes.iter().filter(|outcome| !outcome.is_same).count() {
        0 => Ok(()),
        count => Err(Failure::Promises { count }),
    }
}

/// Fixes a new copy of the sample and builds it as it was and as it is.
fn compare(careen: &Path, address: &Address) -> Result<Outcome, Failure> {
    let project = home::target().join("compare-trees/hoops");
    sample::up(&project, Size::Small)?;
    let history = project.with_file_name("data");
    home::remove(&history)?;
    let call = |arguments: &[&str]| {
        let call = Call::new(careen).args(arguments).folder(&project);
        call.env("XDG_DATA_HOME", &history).env("DOCKER_HOST", address.to_string())
    };
    // The image holds a copy of its Dockerfile, which is what the fixes change.
    let ignore = project.join(".dockerignore");
    let mut text = fs::read_to_string(&ignore).map_err(Failure::file("read", &ignore))?;
    text.push_str("\n.devcontainer\n");
    home::write(&ignore, &text)?;
    // The ignore file is for both states: what it leaves out, no image is to have.
    call(&["fix", "--only", "weak-ignore-file", "--yes"]).read_or(&[3])?;
    let fixed = json("fix", &call(&["fix", "--all", "--yes", "--format", "json"]).read_or(&[3])?)?;
    let proof = ["prove", "--scenario", "cold", "--runs", "1", "--format", "json"];
    // Slower counts as a failure there, and is none here.
    let proof = json("prove", &call(&proof).read_or(&[1])?)?;
    home::remove(&project)?;
    home::remove(&history)?;
    Ok(Outcome::of(&fixed, &proof))
}

fn json(command: &str, text: &str) -> Result<Value, Failure> {
    let command = format!("careen {command}");
    serde_json::from_str(text).map_err(|source| Failure::NotJson { command, source })
}

impl Outcome {
    fn of(fixed: &Value, proof: &Value) -> Outcome {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let content = &proof["content"];
        let volatile = list(&content["not_counted"]);
        let volatile = volatile
            .iter()
            .map(|one| (text(&one["reason"]), one["differences"].as_u64().unwrap_or(0)));
        let differences = list(&content["differences"]);
        let differences =
            differences.iter().map(|one| format!("{} {}", text(&one["how"]), text(&one["path"])));
        Outcome {
            engine: text(&proof["engine"]),
            fixes: list(&fixed["fixes"]).iter().map(|one| text(&one["rule"])).collect(),
            entries: content["entries_after"].as_u64().unwrap_or(0),
            volatile: volatile.collect(),
            differences: differences.collect(),
            is_same: content["same"] == true,
        }
    }

    fn show(&self) {
        let verdict = if self.is_same { "the same" } else { "NOT the same" };
        println!("{}: {verdict}, {} entries", self.engine, self.entries);
        println!("  safe fixes: {}", self.fixes.join(", "));
        for (reason, count) in &self.volatile {
            println!("  not counted: {count} × {reason}");
        }
        for difference in &self.differences {
            println!("  {difference}");
        }
    }
}
