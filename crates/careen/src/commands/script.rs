//! `careen script`: a build script that works without careen.

use std::path::{Path, PathBuf};

use careen_check::generate::cases::{self, Gpu};
use careen_check::generate::script::{ScriptRequest, build_script};
use careen_model::{FileChange, Plan, ProjectFacts};
use careen_run::apply::Journal;
use careen_run::gather;

use super::subject;
use crate::arguments::{Format, Script};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

/// The name under which the old toolset kept its script.
pub(super) const FILE_NAME: &str = "build_optimized.sh";

pub(super) fn run(options: &Script, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("script", format, &[Format::Text])?;
    let asked = subject::asked(&options.project, world)?;
    let project = gather::discover(&asked.request);
    let tag = options.tag.clone().or(asked.config.image);
    let text = text(&project, tag)?;
    let Some(path) = &options.output else {
        super::print(|out| out.write_all(text.as_bytes()))?;
        return Ok(Exit::Ok);
    };
    let before = std::fs::read(path).ok();
    let change =
        FileChange { path: path.clone(), before, after: text.into_bytes(), executable: true };
    let mut plan = Plan { files: vec![change], ..Plan::default() };
    super::relative_to(&project.root, &mut plan);
    let journal = Journal::of(&project.root).map_err(super::undo::failed("read the journal"))?;
    super::undo::recover(&journal)?;
    journal.apply(&plan, world.now).map_err(|err| {
        // The journal keeps to the project; elsewhere the shell writes.
        let is_refused = matches!(err, careen_run::Error::Refused { .. });
        let failure = super::undo::failed("write the script")(err);
        if is_refused { failure.hint(Some("use `careen script > FILE`")) } else { failure }
    })?;
    super::say(&format!("wrote {}", path.display()));
    Ok(Exit::Ok)
}

/// The script of a project; fails when there is nothing to build.
pub(super) fn text(project: &ProjectFacts, tag: Option<String>) -> Result<String, Failure> {
    let source = project.dockerfile.get().map_err(|why| {
        Failure::could_not("write a build script", why)
            .hint(Some("name the Dockerfile with -f, or the project's folder"))
    })?;
    // The script looks itself whether there is a GPU where it runs.
    let gpu = Gpu::Present;
    let image = tag.unwrap_or_else(|| image_name(project));
    let cases = cases::infer(project, &gpu);
    // Relative to the project: the script is to work in every checkout of it.
    let relative = |path: &Path| {
        let inside = path.strip_prefix(&project.root).unwrap_or(path);
        if inside.as_os_str().is_empty() { PathBuf::from(".") } else { inside.to_owned() }
    };
    let (dockerfile, context) = (relative(&source.path), relative(&project.context));
    let compose = project.compose.as_deref().map(relative);
    let request = ScriptRequest {
        project: image.split(':').next().unwrap_or(&image),
        file_name: FILE_NAME,
        image: &image,
        dockerfile: &dockerfile,
        context: &context,
        target: project.target.as_deref(),
        compose: compose.as_deref(),
        build_args: &[],
        secrets: &[],
        needed_bytes: None,
        cases: &cases,
    };
    Ok(build_script(&request))
}

/// `NAME:latest` from the project's own name, else from its folder, in the letters images allow.
pub(super) fn image_name(project: &ProjectFacts) -> String {
    let own = project.python.known().and_then(|python| python.name.clone());
    let folder = || {
        let path = project.root.canonicalize().unwrap_or_else(|_| project.root.clone());
        path.file_name().map(|name| name.to_string_lossy().into_owned())
    };
    let name = own.or_else(folder).unwrap_or_default().to_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let parts: Vec<&str> = name.split(|c| !allowed(c)).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return "careen-build:latest".to_owned();
    }
    format!("{}:latest", parts.join("-"))
}
