//! Facts about the project: which files it has and what they say about the build.

use std::path::PathBuf;

use crate::{Fact, Why};

/// What lies in the project folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFacts {
    /// Folder that careen was pointed at.
    pub root: PathBuf,
    /// The Dockerfile that will be built, and where we learned of it.
    pub dockerfile: Fact<Source>,
    /// Build context, often the root.
    pub context: PathBuf,
    pub target: Option<String>,
    pub kinds: Vec<ProjectKind>,
    pub python: Fact<Python>,
    pub has_git: bool,
    pub compose: Option<PathBuf>,
    pub devcontainer: Option<PathBuf>,
    /// Files that should have told something and could not be read or understood.
    pub broken: Vec<Why>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    /// `argument`, `configuration`, `compose.yaml`, `devcontainer.json` or `found`.
    pub from: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProjectKind {
    Python,
    MachineLearning,
    Node,
    Rust,
    Go,
    Java,
}

/// What `pyproject.toml` and `uv.lock` say; without the former, what `requirements*.txt` say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Python {
    pub name: Option<String>,
    pub requires: Option<String>,
    /// Normalised names of direct dependencies, all groups together.
    pub dependencies: Vec<String>,
    pub groups: Vec<String>,
    /// The project installs itself (it has a build system and is not `package = false`).
    pub is_package: bool,
    pub has_lock: bool,
}
