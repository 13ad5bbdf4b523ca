//! `careen test`: the image tests, in an image or in the result of a build.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use careen_check::generate::cases::{self, Gpu};
use careen_engine::{BuildRequest, CancelToken, Connection};
use careen_model::{Case, ProjectFacts, Verdict};
use careen_report::{ImageTests, json, junit, terminal};
use careen_run::image_test::{self, Exec, ImageExec, ResultExec};
use careen_run::{ContextFiles, gather};

use super::{interrupt, subject};
use crate::arguments::{Format, ProjectOptions, Test};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::{World, env};

/// The runs of all cases, and how they were run.
pub(super) struct Tested {
    pub(super) image: String,
    pub(super) conditions: &'static str,
    pub(super) runs: Vec<(Case, Verdict)>,
    pub(super) took: Duration,
}

impl Tested {
    pub(super) fn shown(&self) -> ImageTests<'_> {
        ImageTests {
            image: &self.image,
            digest: None,
            conditions: self.conditions,
            runs: &self.runs,
            took: self.took,
        }
    }

    /// 1 when a critical case failed, 3 when one could not be run, or none was.
    pub(super) fn exit(&self) -> Exit {
        let critical = || self.runs.iter().filter(|(case, _)| case.critical);
        if critical().any(|(_, verdict)| matches!(verdict, Verdict::Failed { .. })) {
            return Exit::Findings;
        }
        if critical().any(|(_, verdict)| matches!(verdict, Verdict::Broken { .. })) {
            return Exit::CouldNotCheck;
        }
        if self.runs.iter().all(|(_, verdict)| matches!(verdict, Verdict::Skipped { .. })) {
            return Exit::CouldNotCheck;
        }
        Exit::Ok
    }
}

pub(super) fn run(options: &Test, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("test", format, &[Format::Text, Format::Json, Format::Junit])?;
    let project_options = ProjectOptions {
        path: options.path.clone(),
        dockerfile: options.dockerfile.clone(),
        ..ProjectOptions::default()
    };
    let asked = subject::asked(&project_options, world)?;
    let project = gather::discover(&asked.request);
    let mut cases = infer(&project);
    for case in &mut cases {
        case.limit = Duration::from_secs(options.limit);
    }
    if options.list {
        super::refuse_format("test --list", format, &[Format::Text])?;
        super::print(|out| {
            cases.iter().try_for_each(|case| match &case.skip {
                Some(reason) => writeln!(out, "{:<24} skipped: {reason}", case.name),
                None => writeln!(out, "{:<24} {}", case.name, case.argv.join(" ")),
            })
        })?;
        return Ok(Exit::Ok);
    }
    let target = careen_engine::resolve(&env, &world.home);
    let connection = super::connect(&target, "test the image")?;
    let cancel = interrupt::token();
    let tested = if options.result {
        in_result(&connection, &project, &cases, &cancel)?
    } else {
        let image = match &options.image {
            Some(image) => image.clone(),
            None => last_image(&options.path, world)?
                .or(asked.config.image)
                .unwrap_or_else(|| super::script::image_name(&project)),
        };
        in_image(&connection, &image, &cases, &cancel)?
    };
    if cancel.is_cancelled() {
        return Err(Failure::interrupted());
    }
    super::print(|out| match format {
        Format::Json => json::image_tests(out, &tested.shown()),
        Format::Junit => junit::image_tests(out, &tested.shown()),
        _ => terminal::image_tests(out, world.out, &tested.shown()),
    })?;
    Ok(tested.exit())
}

/// The cases of a project. A GPU is asked for only where this machine has one.
pub(super) fn infer(project: &ProjectFacts) -> Vec<Case> {
    let has_gpu = std::path::Path::new("/dev/nvidiactl").exists();
    let gpu =
        if has_gpu { Gpu::Present } else { Gpu::Absent("/dev/nvidiactl is missing".to_owned()) };
    cases::infer(project, &gpu)
}

/// Runs the cases in containers of the image.
pub(super) fn in_image(
    connection: &Connection,
    image: &str,
    cases: &[Case],
    cancel: &CancelToken,
) -> Result<Tested, Failure> {
    // A careen that was killed could not take its container away.
    if let Err(err) = careen_engine::remove_leftovers(connection) {
        super::say(&format!("containers of an earlier run were not removed: {err}"));
    }
    let found = connection.image(image).map_err(|err| {
        Failure::could_not(format!("test {image}"), &err)
            .hint(err.hint().or(Some("build it first: careen build")))
    })?;
    let exec = ImageExec::new(connection, &found.id, cancel);
    Ok(all(image.to_owned(), "no network, containers removed afterwards", cases, &exec))
}

fn in_result(
    connection: &Connection,
    project: &ProjectFacts,
    cases: &[Case],
    cancel: &CancelToken,
) -> Result<Tested, Failure> {
    let source =
        project.dockerfile.get().map_err(|why| Failure::could_not("test the result", why))?;
    let request = BuildRequest {
        dockerfile: super::build::file_name(&source.path),
        target: project.target.clone(),
        shared_key: super::build::shared_key(&project.context),
        ..BuildRequest::default()
    };
    let files = Arc::new(ContextFiles::new(&project.context, &source.path));
    let result = careen_engine::open_result(connection, &request, files, &mut |_| (), cancel)
        .map_err(|err| Failure::could_not("build what is to be tested", &err).hint(err.hint()))?;
    let exec = ResultExec::new(&result, cancel);
    Ok(all("build result".to_owned(), "in the builder, no network, nothing exported", cases, &exec))
}

fn all(image: String, conditions: &'static str, cases: &[Case], exec: &dyn Exec) -> Tested {
    let started = Instant::now();
    let parallel = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let runs = image_test::run(cases, exec, parallel);
    Tested { image, conditions, runs, took: started.elapsed() }
}

fn last_image(path: &std::path::Path, world: &World) -> Result<Option<String>, Failure> {
    if !world.history().exists() {
        return Ok(None);
    }
    let (history, project) = super::history::open(path, world)?;
    let builds = history.last(&project, 20).map_err(super::undo::failed("read the history"))?;
    let built =
        builds.into_iter().find(|build| build.outcome == Some(careen_model::Outcome::Built));
    Ok(built.and_then(|build| build.image_digest.or(build.image)))
}
