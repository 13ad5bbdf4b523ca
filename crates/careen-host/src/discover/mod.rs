//! What lies in a project folder: its Dockerfile, build context and target, and of what kind it is.
//!
//! The Dockerfile is the one of the argument, else of a compose file, else of a development
//! container, else the one that is found; context and target come from the same place.

mod bake;
mod builds;
mod compose;
mod devcontainer;
mod hcl;
mod kinds;
mod python;
pub(crate) mod yaml;

use std::path::{Component, Path, PathBuf};

use careen_model::project::Source;
use careen_model::{Fact, ProjectFacts, Why};

pub use builds::{BuildFile, BuildFiles, builds_in, builds_of, is_build_description};

use crate::system::{read_small, why};

/// What the user said about the build; relative paths start at the project folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiscoverRequest {
    pub dockerfile: Option<PathBuf>,
    pub context: Option<PathBuf>,
    pub target: Option<String>,
}

/// One image build as a file or the user describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Build {
    dockerfile: PathBuf,
    /// In the words of [`Source::from`].
    from: &'static str,
    context: PathBuf,
    target: Option<String>,
    /// Build arguments whose values are known.
    arguments: Vec<(String, String)>,
}

/// Looks into the folder; never fails, since what cannot be read is a fact too.
pub fn discover(root: &Path, request: &DiscoverRequest) -> ProjectFacts {
    let mut broken = Vec::new();
    let names = names_in(root, &mut broken);
    let compose = compose::find(root, &names);
    let devcontainer = devcontainer::find(root);
    let build = match &request.dockerfile {
        Some(path) => Some(Build {
            dockerfile: tidy(&root.join(path)),
            from: "argument",
            context: root.to_owned(),
            target: None,
            arguments: vec![],
        }),
        None => configured(compose.as_deref(), devcontainer.as_deref(), &mut broken)
            .or_else(|| found(root, &names)),
    };
    let context = match (&request.context, &build) {
        (Some(path), _) => tidy(&root.join(path)),
        (None, Some(build)) => build.context.clone(),
        (None, None) => root.to_owned(),
    };
    let python = python::read(root, &names);
    let kinds = kinds::of(root, &names, python.known());
    for why in [python.get().err()].into_iter().flatten() {
        if !matches!(why, Why::Absent { .. }) {
            broken.push(why);
        }
    }
    ProjectFacts {
        root: root.to_owned(),
        target: request.target.clone().or_else(|| build.as_ref()?.target.clone()),
        dockerfile: dockerfile(build, &broken),
        context,
        kinds,
        python,
        has_git: std::fs::symlink_metadata(root.join(".git")).is_ok(),
        compose,
        devcontainer,
        broken,
    }
}

fn configured(
    compose: Option<&Path>,
    devcontainer: Option<&Path>,
    broken: &mut Vec<Why>,
) -> Option<Build> {
    let answers = [compose.map(compose::read), devcontainer.map(devcontainer::read)];
    let mut build = None;
    for answer in answers.into_iter().flatten() {
        match answer {
            Ok(found) => build = build.or(found),
            Err(why) => broken.push(why),
        }
    }
    build
}

/// The usual places, in order.
fn found(root: &Path, names: &[String]) -> Option<Build> {
    let usual = ["Dockerfile", "dockerfile", "Containerfile"];
    let suffixed = names.iter().filter(|name| {
        let lower = name.to_lowercase();
        let is_ignore_file = lower.ends_with(".dockerignore");
        (lower.ends_with(".dockerfile") || lower.starts_with("dockerfile.")) && !is_ignore_file
    });
    let elsewhere = ["docker/Dockerfile", ".devcontainer/Dockerfile", ".docker/Dockerfile"];
    let candidates = usual.into_iter().chain(suffixed.map(String::as_str)).chain(elsewhere);
    let path = candidates.map(|name| root.join(name)).find(|path| path.is_file())?;
    let (context, arguments) = (root.to_owned(), vec![]);
    Some(Build { dockerfile: path, from: "found", context, target: None, arguments })
}

/// The file if it can be opened, or why there is none.
fn dockerfile(build: Option<Build>, broken: &[Why]) -> Fact<Source> {
    let Some(build) = build else {
        // A broken compose file or folder may hide the answer; then nothing is absent for sure.
        let why = broken.first().cloned();
        return Fact::Unknown(why.unwrap_or(Why::Absent { what: "Dockerfile".into() }));
    };
    match read_small(&build.dockerfile) {
        Ok(_) => Fact::Known(Source { path: build.dockerfile, from: build.from.into() }),
        Err(why) => Fact::Unknown(why),
    }
}

/// Sorted names in the folder; names that are not UTF-8 are of no file that we look for.
fn names_in(root: &Path, broken: &mut Vec<Why>) -> Vec<String> {
    match std::fs::read_dir(root) {
        Ok(entries) => {
            let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        }
        Err(err) => {
            broken.push(why(root, &err));
            Vec::new()
        }
    }
}

/// Text of a small file, without a byte order mark.
fn read_text(path: &Path) -> Result<String, Why> {
    let text = String::from_utf8(read_small(path)?)
        .map_err(|_| unreadable(path, "is not UTF-8".into()))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn unreadable(path: &Path, error: String) -> Why {
    Why::Unreadable { what: path.display().to_string(), error }
}

/// The path without `.`, and without `x/..` where `x` is no link.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        let ends_in_name = matches!(out.components().next_back(), Some(Component::Normal(_)));
        match component {
            Component::CurDir => (),
            Component::ParentDir if ends_in_name && !out.is_symlink() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

#[cfg(test)]
mod tests;
