//! What a command is about: options and configuration put together, then all facts gathered.

use std::path::Path;

use careen_check::{Selection, nearest};
use careen_engine::Surroundings;
use careen_model::legacy::{Group, Value};
use careen_model::{Diagnosis, Looked, Why};
use careen_report::Subject;
use careen_run::gather::{GatherRequest, Gathered, gather};
use clap::CommandFactory as _;

use crate::arguments::{Arguments, FailOn, ProjectOptions};
use crate::config::{self, Config};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::{World, env};

/// Options and configuration of one project; options win.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: GatherRequest,
    pub(super) config: Config,
}

/// Puts the command line and the configuration together.
pub(super) fn asked(options: &ProjectOptions, world: &World) -> Result<Asked, Failure> {
    let root = &options.path;
    if !root.is_dir() {
        let why = if root.exists() { "not a folder" } else { "no such folder" };
        return Err(Failure::could_not(format!("read the project {}", root.display()), why)
            .hint(Some(path_hint(root))));
    }
    let config = match (&options.config, options.isolated) {
        (Some(file), _) => config::read(file),
        (None, true) => Ok(Config::default()),
        (None, false) => config::find(root),
    };
    let config = config.map_err(Failure::usage)?;
    let request = GatherRequest {
        root: root.clone(),
        dockerfile: options.dockerfile.clone().or_else(|| config.dockerfile.clone()),
        context: options.context.clone().or_else(|| config.context.clone()),
        target: options.target.clone().or_else(|| config.target.clone()),
        everything: false,
        history: Some(world.history()),
        now: world.now,
    };
    Ok(Asked { request, config })
}

/// A misspelt command is read as a folder, so the nearest command is worth naming.
fn path_hint(path: &Path) -> String {
    let commands = Arguments::command();
    let names: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
    let word = path.to_str().filter(|word| !word.contains('/'));
    match word.and_then(|word| nearest(word, names.into_iter())) {
        Some(name) => format!("did you mean the command `careen {name}`?"),
        None => "name the project's folder; a Dockerfile goes with -f".to_owned(),
    }
}

/// Everything there is to know, from files, machine and engine.
pub(super) fn look(request: &GatherRequest, world: &World) -> Gathered {
    let gathered = gather(request, &Surroundings { env: &env, home: &world.home });
    if let Some(problem) = &gathered.history_problem {
        super::say(&format!("earlier builds are not looked at: {problem}"));
    }
    gathered
}

/// The facts in the shape a renderer takes them.
pub(super) fn subject(gathered: &Gathered) -> Subject<'_> {
    Subject {
        project: gathered.facts.project.as_ref(),
        host: gathered.facts.host.as_ref(),
        engine: gathered.facts.engine.as_ref(),
        context: Some(&gathered.facts.context),
        history: Some(&gathered.facts.history),
    }
}

/// The facts under their documented names; the path of the project is whole, as it always was.
pub(super) fn legacy(gathered: &Gathered, diagnosis: &Diagnosis) -> Vec<Group> {
    let mut groups = careen_check::legacy(&gathered.facts, diagnosis);
    for (_, group) in &mut groups {
        let Value::Map(facts) = group else { continue };
        for (name, value) in facts {
            if let ("current_path", Value::Text(path)) = (&**name, value)
                && let Ok(whole) = std::fs::canonicalize(&path)
            {
                *path = whole.display().to_string();
            }
        }
    }
    groups
}

/// Which rules to run: `--only`, `--ignore RULE=REASON` and the configuration.
pub(super) fn selection(
    only: &[String],
    ignore: &[String],
    config: &Config,
) -> Result<Selection, Failure> {
    let mut ignored = config.ignore.clone();
    for text in ignore {
        match text.split_once('=') {
            Some((rule, reason)) if !reason.trim().is_empty() => {
                ignored.push((rule.trim().to_owned(), reason.trim().to_owned()));
            }
            _ => {
                let why = format!("--ignore {text} has no reason; write --ignore 'RULE=REASON'");
                return Err(Failure::usage(why));
            }
        }
    }
    Selection::of(only, &ignored)
        .map_err(|unknown| Failure::usage(&unknown).hint(Some(unknown.hint())))
}

/// Text of a file that a finding points into. Read again: reports are rare and files are small.
pub(super) fn text_of(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// 1 for findings at or above the threshold; else 3 when no engine could be asked; else 0.
pub(super) fn exit(diagnosis: &Diagnosis, fail_on: FailOn, gathered: &Gathered) -> Exit {
    if fail_on.floor().is_some_and(|severity| diagnosis.at_least(severity) > 0) {
        return Exit::Findings;
    }
    let engine = gathered.facts.engine.as_ref();
    let asked_engine = diagnosis.checks.iter().any(|check| {
        matches!(&check.looked, Looked::Skipped(Why::NoEngine { .. } | Why::Denied { .. }))
    });
    match engine {
        Some(engine) if engine.engine.known().is_none() && asked_engine => Exit::CouldNotCheck,
        _ => Exit::Ok,
    }
}
