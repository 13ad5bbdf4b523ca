//! All facts about one project at one moment: the machine, the engine and the files, asked at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use careen_check::generate::ignore_categories::CATEGORIES;
use careen_check::{Facts, LintFacts, ParsedDockerfile};
use careen_engine::{Surroundings, Target};
use careen_host::walk::{SurveyRequest, survey};
use careen_host::{Budget, DiscoverRequest, HostRequest, RealSystem};
use careen_model::context::{Hazard, HazardKind};
use careen_model::{ContextFacts, EngineFacts, Fact, HistoryFacts, ProjectFacts, Why};
use careen_syntax::dockerfile;

use crate::changes;
use crate::history::{self, History};
use crate::namesakes;
use crate::sent_files::{SentFile, unseen_changes};
use crate::sources::Taken;

/// Builds of a project that rules may look at.
const BUILDS: usize = 20;

/// Which project, and how far to look.
#[derive(Debug, Clone, Default)]
pub struct GatherRequest {
    pub root: PathBuf,
    pub dockerfile: Option<PathBuf>,
    pub context: Option<PathBuf>,
    pub target: Option<String>,
    /// Also walk what the ignore file keeps back, to tell how much it is.
    pub everything: bool,
    /// Where the history lies; `None` when there is no place for one.
    pub history: Option<PathBuf>,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

/// Everything the rules may look at, and what the next command needs of it.
#[derive(Debug)]
pub struct Gathered {
    pub facts: Facts,
    /// Where the engine is.
    pub target: Target,
    /// Identity in the history; `None` without a Dockerfile.
    pub project: Option<history::Project>,
    /// Why earlier builds are not known, when they could not be read.
    pub history_problem: Option<crate::Error>,
}

/// Looks at everything; writes nothing, needs no network and no engine.
pub fn gather(request: &GatherRequest, around: &Surroundings<'_>) -> Gathered {
    let target = careen_engine::resolve(around.env, around.home);
    let project = discover(request);
    let parsed = read_dockerfile(&project);
    let context = &project.context;
    let (engine, host, context, changes) = thread::scope(|scope| {
        let machine = scope.spawn(|| {
            let engine = careen_engine::gather(&target, around);
            let host = careen_host::gather(&RealSystem::new(), &host_request(&project, &engine));
            (engine, host)
        });
        let asked = scope.spawn(|| changes::of_project(&project, parsed.as_ref()));
        let walked = survey_context(context, &project, parsed.as_ref(), request.everything);
        let (engine, host) = machine.join().expect("probes return their failures");
        let changes = asked.join().expect("what git does not tell is a reason");
        (engine, host, walked, changes)
    });
    let identity = identify(&project);
    let past = past(request.history.as_deref(), identity.as_ref());
    let (past, history_problem) = match past {
        Ok(past) => (past, None),
        Err(err) => (Past::default(), Some(err)),
    };
    let mut history = past.facts;
    history.namesakes = namesakes::of(&project.context, &engine, around, request.now);
    let mut context = context;
    if let Fact::Known(context) = &mut context {
        add_unseen_changes(context, &past.sent);
    }
    let facts = Facts {
        project: Some(project),
        host: Some(host),
        engine: Some(engine),
        context,
        dockerfile: parsed,
        history,
        changes,
        lint: LintFacts::default(),
        now: request.now,
    };
    Gathered { facts, target, project: identity, history_problem }
}

/// The project alone, without machine, engine and context.
pub fn discover(request: &GatherRequest) -> ProjectFacts {
    let asked = DiscoverRequest {
        dockerfile: request.dockerfile.clone(),
        context: request.context.clone(),
        target: request.target.clone(),
    };
    careen_host::discover(&request.root, &asked)
}

/// What the builds of this project have in common; `None` without a Dockerfile.
pub fn identify(project: &ProjectFacts) -> Option<history::Project> {
    let source = project.dockerfile.known()?;
    let root = fs::canonicalize(&project.root).unwrap_or_else(|_| project.root.clone());
    let file = fs::canonicalize(&source.path).unwrap_or_else(|_| source.path.clone());
    let dockerfile = file.strip_prefix(&root).map_or_else(|_| file.clone(), Path::to_owned);
    Some(history::Project {
        remote: remote(&root),
        root,
        dockerfile,
        target: project.target.clone(),
    })
}

/// The address of `origin` in `.git/config`, credentials removed.
fn remote(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(".git/config")).ok()?;
    let mut in_origin = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_origin = line == "[remote \"origin\"]";
        } else if in_origin
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "url"
        {
            return Some(careen_model::redact::text(value.trim()).into_owned());
        }
    }
    None
}

fn read_dockerfile(project: &ProjectFacts) -> Option<ParsedDockerfile> {
    let source = project.dockerfile.known()?;
    let bytes = fs::read(&source.path).ok()?;
    Some(ParsedDockerfile { path: source.path.clone(), file: dockerfile::parse(bytes) })
}

fn host_request(project: &ProjectFacts, engine: &EngineFacts) -> HostRequest {
    let data_root = engine.engine.known().filter(|_| engine.endpoint.is_local);
    let folder = project.dockerfile.known().and_then(|source| source.path.parent());
    HostRequest {
        context: project.context.clone(),
        dockerfile_dir: folder.unwrap_or(&project.context).to_owned(),
        engine_data_root: data_root.map(|engine| engine.data_root.clone()),
        budget: Budget::default(),
    }
}

fn survey_context(
    root: &Path,
    project: &ProjectFacts,
    parsed: Option<&ParsedDockerfile>,
    everything: bool,
) -> Fact<careen_model::ContextFacts> {
    let Some(parsed) = parsed else {
        return Fact::Unknown(Why::Absent { what: "Dockerfile".to_owned() });
    };
    let taken = Taken::of(&parsed.file, project.target.as_deref());
    let categories: Vec<(&'static str, &[&str])> =
        CATEGORIES.iter().map(|category| (category.name, category.patterns)).collect();
    let request = SurveyRequest {
        root: root.to_owned(),
        dockerfile: parsed.path.clone(),
        follow: Some(taken.follow),
        copied: taken.copied,
        categories: &categories,
        everything,
        force: None,
    };
    survey(&request).into()
}

/// What the history knows of a project.
#[derive(Default)]
struct Past {
    facts: HistoryFacts,
    sent: Vec<SentFile>,
}

fn past(path: Option<&Path>, project: Option<&history::Project>) -> Result<Past, crate::Error> {
    let (Some(path), Some(project)) = (path, project) else { return Ok(Past::default()) };
    // A doctor writes nothing: without a history there is none to open.
    if !path.exists() {
        return Ok(Past::default());
    }
    let history = History::open_for_reading(path)?;
    let builds = history.last(project, BUILDS)?;
    let facts =
        HistoryFacts { builds, transfers: history.transfers(None)?, ..HistoryFacts::default() };
    Ok(Past { facts, sent: history.sent_files(project)? })
}

/// Files that changed since they were sent and look as if they had not.
pub(crate) fn add_unseen_changes(context: &mut ContextFacts, sent: &[SentFile]) {
    let patterns = context.ignore.text.as_deref().unwrap_or("");
    let patterns = careen_syntax::ignore::read(patterns.as_bytes()).patterns;
    let works = |pattern: &String| careen_syntax::ignore::fault(pattern).is_none();
    let patterns: Vec<String> = patterns.into_iter().filter(works).collect();
    let matcher = careen_syntax::ignore::Matcher::new(&patterns);
    let is_sent = |path: &Path| {
        let path = path.as_os_str().as_encoded_bytes();
        !matcher.as_ref().is_ok_and(|matcher| matcher.walk_match(path).unwrap_or(false))
    };
    let changed = unseen_changes(&context.root, sent).into_iter().filter(|path| is_sent(path));
    let kind = HazardKind::SameSizeAndTime;
    context.hazards.extend(changed.map(|path| Hazard::new(kind, path)));
}
