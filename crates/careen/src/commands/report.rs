//! `careen report`: one build, before and after, as a page, Markdown or JSON.

use std::io;
use std::path::{Path, PathBuf};

use careen_check::diagnose;
use careen_engine::{Connection, WholeFile};
use careen_model::{BuildRecord, Outcome};
use careen_report::html::{HtmlInput, html};
use careen_report::{LayerShown, ProofShown, json, markdown, trace};
use careen_run::apply::Journal;
use careen_run::gather::Gathered;
use careen_run::history::{History, Project};
use careen_run::prove::Kept;

use super::{prove, subject, undo::failed};
use crate::arguments::{Format, ProjectOptions, Report};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

/// Builds of the history strip.
const STRIP: usize = 60;

pub(super) fn run(options: &Report, format: Format, world: &World) -> Result<Exit, Failure> {
    let formats = [Format::Text, Format::Html, Format::Md, Format::Json, Format::Trace];
    super::refuse_format("report", format, &formats)?;
    let project_options =
        ProjectOptions { path: options.path.clone(), ..ProjectOptions::default() };
    let mut asked = subject::asked(&project_options, world)?;
    asked.request.everything = matches!(format, Format::Text | Format::Html);
    let gathered = subject::look(&asked.request, world);
    let Some(project) = &gathered.project else {
        return Err(Failure::could_not("report", "no Dockerfile here"));
    };
    let history = History::open(&world.history()).map_err(failed("open the history"))?;
    let after = match &options.build {
        Some(label) => history.get(project, label).map_err(failed("report"))?,
        None => newest(&history, project)?,
    };
    let before = match &options.before {
        Some(label) => Some(history.get(project, label).map_err(failed("report"))?),
        None => before(&history, project, &after, &options.path)?,
    };
    match format {
        Format::Md => put(options, |out| markdown::build(out, &after, before.as_ref()))?,
        Format::Json => {
            let proof = proof(&gathered, world);
            let proof = proof.as_ref().map(|kept| ProofShown { proof: &kept.proof, at: kept.at });
            put(options, |out| json::report(out, &after, before.as_ref(), proof.as_ref()))?;
        }
        Format::Trace => put(options, |out| trace::trace(out, &after))?,
        _ => {
            let selection = subject::selection(&[], &[], &asked.config)?;
            let diagnosis = diagnose(&gathered.facts, &selection);
            let name = project.root.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let proof = proof(&gathered, world);
            let proof = proof.as_ref().map(|kept| ProofShown { proof: &kept.proof, at: kept.at });
            let layers = layers(&gathered, &after);
            let mut builds = history.list(project, STRIP).map_err(failed("read the history"))?;
            builds.reverse();
            let mut page = Vec::new();
            let input = HtmlInput {
                version: env!("CARGO_PKG_VERSION"),
                project: &name,
                engine: after.engine.as_deref().unwrap_or("unknown engine"),
                before: before.as_ref(),
                after: &after,
                comparisons: &[],
                context_before: None,
                context_after: gathered.facts.context.known(),
                diagnosis_before: None,
                diagnosis_after: Some(&diagnosis),
                tests: None,
                proof: proof.as_ref(),
                layers: &layers,
                history: &builds,
            };
            html(&mut page, &input).map_err(|err| Failure::could_not("draw the report", err))?;
            let path = write(options, &project.root, &after, &page)?;
            super::print(|out| writeln!(out, "{}", path.display()))?;
        }
    }
    Ok(Exit::Ok)
}

/// The last proof; one that cannot be read is told of, and the page is made without it.
fn proof(gathered: &Gathered, world: &World) -> Option<Kept> {
    let project = gathered.facts.project.as_ref()?;
    let source = project.dockerfile.known()?;
    match prove::last(&source.path, world) {
        Ok(kept) => kept,
        Err(err) => {
            super::say(&format!("the last proof is not shown: {err}"));
            None
        }
    }
}

/// The layers of the image of this build, where the engine still has exactly that image.
fn layers(gathered: &Gathered, build: &BuildRecord) -> Vec<LayerShown> {
    let Some(image) = build.image_digest.as_deref().filter(|_| build.imported.is_none()) else {
        return vec![];
    };
    let has_engine = gathered.facts.engine.as_ref().is_some_and(|it| it.engine.known().is_some());
    if !has_engine {
        return vec![];
    }
    let rows = Connection::open(&gathered.target).and_then(|engine| engine.image_history(image));
    let Ok(rows) = rows else { return vec![] };
    let rows = rows.into_iter().rev();
    rows.map(|row| LayerShown {
        made_by: careen_model::redact::text(&row.created_by).into_owned(),
        bytes: row.bytes,
    })
    .collect()
}

fn newest(history: &History, project: &Project) -> Result<BuildRecord, Failure> {
    let builds = history.last(project, 50).map_err(failed("read the history"))?;
    let built = builds.into_iter().find(|build| build.outcome == Some(Outcome::Built));
    built.ok_or_else(|| {
        Failure::could_not("report", "no build of this project is recorded")
            .hint(Some("build it first: careen build"))
    })
}

/// The last build before the newest fix; without a fix, the build before.
fn before(
    history: &History,
    project: &Project,
    after: &BuildRecord,
    path: &Path,
) -> Result<Option<BuildRecord>, Failure> {
    let journal = Journal::of(path).map_err(failed("read the journal"))?;
    let entries = journal.entries().map_err(failed("read the journal"))?;
    let fixed = entries.iter().map(|entry| entry.at).filter(|at| *at <= after.started_at).max();
    let builds = history.last(project, 200).map_err(failed("read the history"))?;
    let earlier = builds.into_iter().filter(|build| {
        build.outcome == Some(Outcome::Built)
            && build.label != after.label
            && build.started_at <= fixed.unwrap_or(after.started_at)
    });
    Ok(earlier.max_by_key(|build| build.started_at))
}

/// Prints a document, or writes it whole to the file that was asked for and prints its path.
fn put(
    options: &Report,
    document: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let Some(path) = &options.output else { return super::print(document) };
    let doing = || format!("write {}", path.display());
    let mut bytes = Vec::new();
    document(&mut bytes).map_err(|err| Failure::could_not(doing(), err))?;
    WholeFile::write(path, &bytes).map_err(|err| Failure::could_not(doing(), err))?;
    super::print(|out| writeln!(out, "{}", path.display()))
}

/// Writes whole or not at all.
fn write(
    options: &Report,
    root: &Path,
    record: &BuildRecord,
    page: &[u8],
) -> Result<PathBuf, Failure> {
    let path = match &options.output {
        Some(path) => path.clone(),
        None => Journal::of(root)
            .and_then(|journal| journal.reports_folder())
            .map_err(failed("write the report"))?
            .join(format!("{}.html", record.label)),
    };
    let doing = || format!("write {}", path.display());
    WholeFile::write(&path, page).map_err(|err| Failure::could_not(doing(), err))?;
    Ok(path)
}
