//! `careen build`: the image, every step timed, compared with the last build.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use careen_engine::{BuildFailure, BuildRequest, Connection, EngineError, Output, Pull, WholeFile};
use careen_model::{BuildRecord, Outcome, ProjectFacts};
use careen_report::terminal::{self, BuildSummary};
use careen_report::{json, markdown};
use careen_run::build::{BuildJob, Finished, build};
use careen_run::gather;
use careen_run::history::{History, Retention};
use tempfile::TempDir;

use super::screen::Screen;
use super::{interrupt, preflight, subject};
use crate::arguments::{Build, Format};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::{World, env};

/// Without any change for this long, the builder may hang: say so once.
const SILENCE: Duration = Duration::from_mins(1);

pub(super) fn run(options: &Build, format: Format, world: &World) -> Result<Exit, Failure> {
    let formats = [Format::Text, Format::Json, Format::Jsonl, Format::Md];
    super::refuse_format("build", format, &formats)?;
    let asked = subject::asked(&options.project, world)?;
    let project = gather::discover(&asked.request);
    let source = project.dockerfile.get().map_err(|why| {
        Failure::could_not("find what to build", why)
            .hint(Some("name the Dockerfile with -f, or the project's folder"))
    })?;
    let identity = gather::identify(&project)
        .ok_or_else(|| Failure::could_not("find what to build", "no Dockerfile"))?;
    preflight::check(&project, &source.path)?;
    let wanted = output(options)?;
    wanted.probe(options.test)?;
    let request = request(options, &asked.config, &project, &source.path, world)?;
    let target = careen_engine::resolve_builder(&env, &world.home, options.builder.as_deref());
    let connection = super::connect(&target, "build")?;
    let (history, _temporary) = open_history(world)?;
    let last = history.last(&identity, 20).unwrap_or_else(|err| {
        super::say(&format!("this build will not be compared with the last one: {err}"));
        vec![]
    });
    let last = last.into_iter().find(|build| build.outcome == Some(Outcome::Built));

    let job = BuildJob {
        connection: &connection,
        request: &request,
        context: &project.context,
        dockerfile: &source.path,
        history: &history,
        project: &identity,
        started_at: world.now,
        engine: Some(connection.endpoint().address.clone()),
    };
    let mut screen = Screen::new(options, format, world, last.as_ref());
    let finished =
        build(&job, &mut |event, record| screen.event(event, record), &interrupt::token());
    let tail = screen.end();
    let finished = finished.map_err(super::undo::failed("record the build"))?;
    let retention = Retention { builds: super::KEPT_BUILDS, not_before: None };
    if let Err(err) = history.retain(&identity, retention) {
        super::say(&format!("old builds were not removed from the history: {err}"));
    }
    if let Some(problem) = &finished.problem {
        super::say(&format!("the build is not wholly recorded: {problem}"));
    }
    save(&wanted, &connection, &finished)?;
    show((options, format), world, &finished, &wanted, (last.as_ref(), &tail))?;
    end((options, format), &finished, &connection, &project, world)
}

/// Says which lines of the Dockerfile failed.
fn blame(failure: &BuildFailure, finished: &Finished, dockerfile: &Path) {
    let failed = finished.record.steps.iter().find(|step| step.error.is_some());
    let guess = || super::culprit::lines(&failed?.name, &fs::read(dockerfile).ok()?);
    let place = match failure.lines.or_else(guess) {
        Some((first, last)) if first < last => {
            format!("{}:{first}, up to line {last}", dockerfile.display())
        }
        Some((line, _)) => format!("{}:{line}", dockerfile.display()),
        None => return,
    };
    super::say(&format!("the build failed at {place}"));
}

/// Tests if asked for, and turns the outcome into an exit code.
fn end(
    (options, format): (&Build, Format),
    finished: &Finished,
    connection: &Connection,
    project: &ProjectFacts,
    world: &World,
) -> Result<Exit, Failure> {
    match &finished.result {
        Ok(built) if options.test => {
            let image = built.image_id.clone().or_else(|| finished.record.image.clone());
            let image = image.ok_or_else(|| {
                Failure::could_not("test the image", "the build left no image in the engine")
            })?;
            let cases = super::test::infer(project);
            let tested = super::test::in_image(connection, &image, &cases, &interrupt::token())?;
            // One document on standard output: the tests of another format are talk.
            if format == Format::Text {
                super::print(|out| terminal::image_tests(out, world.out, &tested.shown()))?;
            } else {
                let mut text = Vec::new();
                terminal::image_tests(&mut text, world.err, &tested.shown())
                    .map_err(|err| Failure::could_not("show the tests", err))?;
                super::say(String::from_utf8_lossy(&text).trim_end());
            }
            Ok(tested.exit())
        }
        Ok(_) => Ok(Exit::Ok),
        Err(EngineError::Cancelled) => Err(Failure::interrupted()),
        Err(EngineError::BuildFailed(failure)) => {
            if let Ok(source) = project.dockerfile.get() {
                blame(failure, finished, &source.path);
            }
            // What both Docker's and buildx's build commands exit with, whatever the command's code.
            Ok(Exit::Builder(1))
        }
        Err(err @ EngineError::Unsupported { what }) if what.contains("exporter") => {
            let hint = "write docker:FILE instead, or use a builder of buildx (--builder)";
            Err(Failure::could_not("build", err).hint(Some(hint)))
        }
        Err(err) => Err(Failure::could_not("build", err).hint(err.hint())),
    }
}

fn show(
    (options, format): (&Build, Format),
    world: &World,
    finished: &Finished,
    wanted: &Wanted,
    (last, tail): (Option<&BuildRecord>, &[String]),
) -> Result<(), Failure> {
    let record = &finished.record;
    if options.quiet && format == Format::Text {
        let digest = finished.result.as_ref().ok().and_then(|built| built.digest.clone());
        let id = record.image_digest.clone().or(digest).unwrap_or_default();
        return super::print(|out| writeln!(out, "{id}"));
    }
    let archive = wanted.archive().filter(|_| finished.result.is_ok());
    let summary =
        BuildSummary { record, last, context: None, log_tail: tail, report: None, archive };
    super::print(|out| match format {
        Format::Json => json::build(out, record, last),
        Format::Jsonl => Ok(()),
        Format::Md => markdown::build(out, record, last),
        _ => terminal::build_summary(out, world.out, &summary),
    })
}

/// The history; where it cannot be opened, a temporary one, so that the build goes on.
fn open_history(world: &World) -> Result<(History, Option<TempDir>), Failure> {
    let path = world.history();
    let first = match History::open(&path) {
        Ok(history) => return Ok((history, None)),
        Err(err) => err,
    };
    super::say(&format!("this build will not be kept in the history: {first}"));
    // A damaged history was moved aside; a second try starts a new one.
    if let Ok(history) = History::open(&path) {
        return Ok((history, None));
    }
    let folder = tempfile::tempdir().map_err(|err| Failure::could_not("record the build", err))?;
    let history = History::open(&folder.path().join("history.db"));
    Ok((history.map_err(super::undo::failed("record the build"))?, Some(folder)))
}

fn request(
    options: &Build,
    config: &Config,
    project: &ProjectFacts,
    dockerfile: &Path,
    world: &World,
) -> Result<BuildRequest, Failure> {
    let tags = match (options.tags.is_empty(), &config.image) {
        (false, _) => options.tags.clone(),
        (true, Some(image)) => vec![image.clone()],
        (true, None) => vec![super::script::image_name(project)],
    };
    Ok(BuildRequest {
        dockerfile: file_name(dockerfile),
        target: project.target.clone(),
        build_args: options.arguments.iter().filter_map(|text| argument(text)).collect(),
        labels: pairs("--label", &options.labels)?,
        platform: options.platform.clone(),
        no_cache: options.no_cache,
        secrets: secrets(&options.secrets)?,
        cache_from: options.cache_from.clone(),
        cache_to: options.cache_to.clone(),
        network: options.network.clone(),
        tags,
        output: match output(options)? {
            Wanted::OciTar(path) => Output::OciTar(path),
            Wanted::Store | Wanted::DockerTar(_) => Output::Store,
        },
        pull: if options.pull { Pull::Always } else { Pull::IfMissing },
        shared_key: shared_key(&project.context),
        docker_config: Some(careen_engine::config_directory(&env, &world.home)),
        silence: Some(SILENCE),
        ..BuildRequest::default()
    })
}

/// Where the image goes.
enum Wanted {
    Store,
    DockerTar(PathBuf),
    OciTar(PathBuf),
}

impl Wanted {
    fn archive(&self) -> Option<&Path> {
        match self {
            Wanted::Store => None,
            Wanted::DockerTar(path) | Wanted::OciTar(path) => Some(path),
        }
    }

    /// Finds out before the build what would go wrong after it.
    fn probe(&self, is_tested: bool) -> Result<(), Failure> {
        if is_tested && matches!(self, Wanted::OciTar(_)) {
            return Err(Failure::usage(
                "--test needs the image in the engine, oci:FILE writes it beside",
            )
            .hint(Some("test what the build makes with `careen test --result`")));
        }
        let Some(path) = self.archive() else { return Ok(()) };
        WholeFile::probe(path)
            .map_err(|err| Failure::could_not(format!("write {}", path.display()), err))
    }
}

fn output(options: &Build) -> Result<Wanted, Failure> {
    match options.output.as_deref().map(|text| text.split_once(':')) {
        None => Ok(Wanted::Store),
        Some(Some(("docker", path))) if !path.is_empty() => Ok(Wanted::DockerTar(path.into())),
        Some(Some(("oci", path))) if !path.is_empty() => Ok(Wanted::OciTar(path.into())),
        Some(_) => Err(Failure::usage("--output takes docker:FILE or oci:FILE")),
    }
}

/// Writes the `docker load` archive from the engine's store, which every engine can.
fn save(wanted: &Wanted, connection: &Connection, finished: &Finished) -> Result<(), Failure> {
    let (Wanted::DockerTar(path), Ok(built)) = (wanted, &finished.result) else { return Ok(()) };
    let doing = || format!("write {}", path.display());
    let image = finished.record.image.clone().or_else(|| built.image_id.clone());
    let image = image.ok_or_else(|| Failure::could_not(doing(), "the build left no image"))?;
    let mut file = WholeFile::create(path).map_err(|err| Failure::could_not(doing(), err))?;
    let saved = connection.save_image(&image, &mut file);
    saved.map_err(|err| Failure::could_not(doing(), &err).hint(err.hint()))?;
    file.finish().map_err(|err| Failure::could_not(doing(), err))
}

/// `NAME=VALUE`, or `NAME` from the environment; unset there means not given, as in Docker.
pub(super) fn argument(text: &str) -> Option<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => env(text).map(|value| (text.to_owned(), value)),
    }
}

fn pairs(option: &str, texts: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let split = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(Failure::usage(format!("{option} {text}: expected NAME=VALUE"))),
    };
    texts.iter().map(split).collect()
}

/// `id=ID,src=FILE` or `id=ID,env=NAME`. Values are read here and go nowhere but the builder.
pub(super) fn secrets(texts: &[String]) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut out = BTreeMap::new();
    for text in texts {
        let fields: BTreeMap<&str, &str> =
            text.split(',').filter_map(|field| field.split_once('=')).collect();
        let Some(id) = fields.get("id") else {
            return Err(Failure::usage("--secret needs id=ID and src=FILE or env=NAME"));
        };
        let file = fields.get("src").or_else(|| fields.get("source"));
        let value = match (file, fields.get("env")) {
            (Some(file), None) => fs::read(file).map_err(|err| {
                Failure::could_not(format!("read the secret {id} from {file}"), err)
            })?,
            (None, name) => {
                let name = name.unwrap_or(id);
                let value = env(name).ok_or_else(|| {
                    Failure::usage(format!("--secret id={id}: the variable {name} is not set"))
                })?;
                value.into_bytes()
            }
            (Some(_), Some(_)) => {
                return Err(Failure::usage("--secret takes src=FILE or env=NAME, not both"));
            }
        };
        out.insert((*id).to_owned(), value);
    }
    Ok(out)
}

/// The name of the Dockerfile in its own folder, which is served to the builder.
pub(super) fn file_name(dockerfile: &Path) -> String {
    dockerfile.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Names the builder's copy of the context by its whole path.
///
/// buildx uses the last component only, and two projects of one name then overwrite each other's
/// copy at every build.
pub(super) fn shared_key(context: &Path) -> String {
    let path = context.canonicalize().unwrap_or_else(|_| context.to_owned());
    path.to_string_lossy().into_owned()
}
