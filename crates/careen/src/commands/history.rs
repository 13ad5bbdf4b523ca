//! `careen history` and `careen compare`: recorded builds of this project.

use careen_model::Comparison;
use careen_report::{json, markdown, terminal};
use careen_run::gather;
use careen_run::history::{History, Project};

use super::undo::failed;
use super::{subject, subject::Asked};
use crate::arguments::{Compare, Format, HistoryOptions, ProjectOptions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

pub(super) fn list(
    options: &HistoryOptions,
    format: Format,
    world: &World,
) -> Result<Exit, Failure> {
    super::refuse_format("history", format, &[Format::Text, Format::Json])?;
    let (history, project) = open(&options.path, world)?;
    let mut builds = history.last(&project, options.last).map_err(failed("read the history"))?;
    builds.reverse();
    super::print(|out| match format {
        Format::Json => json::history(out, &builds),
        _ => terminal::history(out, world.out, &builds),
    })?;
    Ok(Exit::Ok)
}

pub(super) fn compare(options: &Compare, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("compare", format, &[Format::Text, Format::Json, Format::Md])?;
    let (history, project) = open(&options.path, world)?;
    let get = |label: &str| history.get(&project, label).map_err(failed("compare"));
    let comparison = Comparison::of(&get(&options.before)?, &get(&options.after)?);
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
