//! `careen history` and `careen compare`: recorded builds of this project.

use std::fs::File;
use std::io;
use std::path::Path;

use careen_model::redact::names_a_secret;
use careen_model::trend::{self, SlowDown};
use careen_model::{Comparison, Listed};
use careen_report::{HistoryShown, PruneShown, SlowShown, json, markdown, terminal};
use careen_run::history::{History, Project, Retention};
use careen_run::import::{Import, import};
use careen_run::{Recorded, Redaction, gather};

use super::undo::failed;
use super::{subject, subject::Asked};
use crate::arguments::{
    Compare, Format, HistoryCommand, HistoryImport, HistoryOptions, HistoryPrune, ProjectOptions,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

/// The newest slow-downs are explained; for each, two records are read.
const EXPLAINED: usize = 5;

const DAY: i64 = 86_400;

pub(super) fn run(
    options: &HistoryOptions,
    format: Format,
    world: &World,
) -> Result<Exit, Failure> {
    super::refuse_format("history", format, &[Format::Text, Format::Json])?;
    match &options.command {
        Some(HistoryCommand::Import(options)) => read_log(options, format, world),
        Some(HistoryCommand::Prune(options)) => prune(options, format, world),
        None => list(options, format, world),
    }
}

fn list(options: &HistoryOptions, format: Format, world: &World) -> Result<Exit, Failure> {
    let (history, project) = open(&options.path, world)?;
    let mut rows = history.list(&project, options.last).map_err(failed("read the history"))?;
    rows.reverse();
    let totals: Vec<_> = rows.iter().map(Listed::counted).collect();
    let slow = trend::slow_downs(&totals);
    let skipped = slow.len().saturating_sub(EXPLAINED);
    let explain = |found: &SlowDown| -> Result<SlowShown, Failure> {
        let label = |row: usize| rows[row].label.as_str();
        let get = |row| history.get(&project, label(row)).map_err(failed("read the history"));
        let (usual, slow) = (get(found.usual)?, get(found.slow)?);
        let cause = trend::cause(&usual, &slow);
        Ok(SlowShown {
            slow: slow.label,
            usual: usual.label,
            took: slow.total,
            usually: usual.total,
            cause,
        })
    };
    let slow = slow[skipped..].iter().map(explain).collect::<Result<Vec<_>, Failure>>()?;
    let shown = HistoryShown { rows: &rows, slow: &slow, trend: trend::trend(&totals) };
    if format == Format::Json {
        let builds = history.last(&project, options.last).map_err(failed("read the history"))?;
        let builds: Vec<_> = builds.into_iter().rev().collect();
        super::print(|out| json::history(out, &builds, &shown))?;
    } else {
        super::print(|out| terminal::history(out, world.out, &shown))?;
    }
    Ok(Exit::Ok)
}

fn read_log(options: &HistoryImport, format: Format, world: &World) -> Result<Exit, Failure> {
    let (history, project) = open(&options.path, world)?;
    let is_input = options.file == Path::new("-");
    let name = if is_input { Path::new("standard input") } else { &options.file };
    let doing = || format!("read {}", name.display());
    let redaction = Redaction::of(secret_variables());
    let job = Import { name, history: &history, project: &project, now: world.now, redaction };
    let imported = if is_input {
        import(job, &mut io::stdin().lock())
    } else {
        let mut file = File::open(name).map_err(|err| Failure::could_not(doing(), err))?;
        import(job, &mut file)
    };
    let Recorded { record, problem } = imported.map_err(failed("import a build"))?;
    if let Some(problem) = problem {
        super::say(&format!("the build is not wholly recorded: {problem}"));
    }
    super::print(|out| match format {
        Format::Json => json::build(out, &record, None),
        _ => terminal::imported(out, world.out, &record),
    })?;
    Ok(Exit::Ok)
}

/// A log may hold what this environment knows to be secret.
fn secret_variables() -> impl Iterator<Item = String> {
    let named = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(names_a_secret));
    named.filter_map(|(_, value)| value.into_string().ok())
}

fn prune(options: &HistoryPrune, format: Format, world: &World) -> Result<Exit, Failure> {
    let (history, project) = open(&options.path, world)?;
    let not_before = options.older_than.map(|days| world.now - i64::from(days) * DAY);
    let retention = Retention { builds: options.keep, not_before };
    let going = if options.yes {
        history.retain(&project, retention).map_err(failed("remove builds"))?
    } else {
        history.surplus(&project, retention).map_err(failed("read the history"))?
    };
    let bytes: u64 = going.iter().map(|going| going.log_bytes).sum();
    let builds: Vec<Listed> = going.into_iter().map(|going| going.build).collect();
    let shown = PruneShown { builds: &builds, log_bytes: bytes, done: options.yes };
    super::print(|out| match format {
        Format::Json => json::pruned(out, &shown),
        _ => terminal::pruned(out, world.out, &shown),
    })?;
    if !options.yes && !builds.is_empty() {
        super::say("nothing was removed; --yes removes these builds, and there is no way back");
    }
    Ok(Exit::Ok)
}

pub(super) fn compare(options: &Compare, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("compare", format, &[Format::Text, Format::Json, Format::Md])?;
    let (history, project) = open(&options.path, world)?;
    let get = |label: &str| history.get(&project, label).map_err(failed("compare"));
    let (before, after) = (get(&options.before)?, get(&options.after)?);
    let mut comparison = Comparison::of(&before, &after);
    comparison.missed = careen_run::missed::between(&history, &project, &before.label, &after)
        .map_err(failed("compare"))?;
    let title = "before and after";
    super::print(|out| match format {
        Format::Json => json::comparison(out, &[(title.to_owned(), comparison)]),
        Format::Md => markdown::comparison(out, &[(title.to_owned(), comparison)]),
        _ => terminal::comparison(out, world.out, title, &comparison),
    })?;
    Ok(Exit::Ok)
}

/// The history and the identity of the project in this folder.
pub(super) fn open(path: &std::path::Path, world: &World) -> Result<(History, Project), Failure> {
    let options = ProjectOptions { path: path.to_owned(), ..ProjectOptions::default() };
    let Asked { request, .. } = subject::asked(&options, world)?;
    let project = gather::discover(&request);
    let Some(identity) = gather::identify(&project) else {
        return Err(Failure::could_not("find this project's builds", "no Dockerfile here"));
    };
    let history = History::open(&world.history()).map_err(failed("open the history"))?;
    Ok((history, identity))
}
