//! Everything the rules may look at, and the reasons when something is not there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use careen_model::context::IgnoreFile;
use careen_model::engine::Engine;
use careen_model::{
    ChangeFacts, ContextFacts, EngineFacts, Fact, HistoryFacts, HostFacts, ProjectFacts, Why,
};
use careen_syntax::dockerfile::{Dockerfile, Given};

use crate::buildkit::BaseImage;

/// Everything known about one project at one moment.
#[derive(Debug, Clone)]
pub struct Facts {
    /// `None`: nobody asked.
    pub project: Option<ProjectFacts>,
    /// `None`: nobody asked.
    pub host: Option<HostFacts>,
    /// `None`: nobody asked.
    pub engine: Option<EngineFacts>,
    pub context: Fact<ContextFacts>,
    /// `None`: there is no Dockerfile, or it could not be read (see `project`).
    pub dockerfile: Option<ParsedDockerfile>,
    pub history: HistoryFacts,
    /// What commits changed that the ignore file leaves.
    pub changes: Fact<ChangeFacts>,
    pub lint: LintFacts,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

/// What a reader of Dockerfiles is told beside the file.
#[derive(Debug, Clone)]
pub struct LintFacts {
    /// Build arguments and platforms.
    pub given: Given,
    /// The ignore file in force, where no walk of the context has it.
    pub ignore: Fact<IgnoreFile>,
    /// What the builder would start from, where somebody asked it.
    pub base_images: Fact<BaseImages>,
    /// Registries that images may come from; empty: all. `*` stands at either end for anything.
    pub registries: Vec<String>,
    /// Labels the project wants, and what their values are.
    pub labels: BTreeMap<String, LabelKind>,
    pub other_labels: OtherLabels,
}

/// What a builder answers about the images that a file starts from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseImages {
    /// Platforms whose programs the builder runs, its own first.
    pub runs: Vec<String>,
    pub wanted: WantedPlatform,
    /// The platform of each image that it found; one without layers is not among them.
    pub platforms: BTreeMap<BaseImage, String>,
}

/// Whether a platform was asked for. Where none was, BuildKit takes an image of any platform that
/// it can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WantedPlatform {
    Said,
    #[default]
    Open,
}

/// What the value of a label must be, as in hadolint's label schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    Text,
    Url,
    SemVer,
    /// A git commit, seven digits or more.
    Hash,
    Rfc3339,
    Spdx,
    Email,
}

impl LabelKind {
    /// The kind of that name in hadolint's label schema.
    pub fn named(name: &str) -> Option<LabelKind> {
        Some(match name {
            "text" => LabelKind::Text,
            "url" => LabelKind::Url,
            "semver" => LabelKind::SemVer,
            "hash" => LabelKind::Hash,
            "rfc3339" => LabelKind::Rfc3339,
            "spdx" => LabelKind::Spdx,
            "email" => LabelKind::Email,
            _ => return None,
        })
    }
}

/// Labels that the schema does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OtherLabels {
    #[default]
    Allowed,
    Superfluous,
}

impl Default for LintFacts {
    fn default() -> LintFacts {
        LintFacts {
            given: Given::default(),
            ignore: Fact::Unknown(Why::NotAsked),
            base_images: Fact::Unknown(Why::NotAsked),
            registries: vec![],
            labels: BTreeMap::new(),
            other_labels: OtherLabels::default(),
        }
    }
}

/// A Dockerfile and where it lies.
#[derive(Debug, Clone)]
pub struct ParsedDockerfile {
    pub path: PathBuf,
    pub file: Dockerfile,
}

impl Facts {
    /// Nothing is known. A start for callers that ask for parts only.
    pub fn nothing(now: i64) -> Facts {
        Facts {
            project: None,
            host: None,
            engine: None,
            context: Fact::Unknown(Why::NotAsked),
            dockerfile: None,
            history: HistoryFacts::default(),
            changes: Fact::Unknown(Why::NotAsked),
            lint: LintFacts::default(),
            now,
        }
    }

    pub(crate) fn project(&self) -> Result<&ProjectFacts, Why> {
        self.project.as_ref().ok_or(Why::NotAsked)
    }

    pub(crate) fn host(&self) -> Result<&HostFacts, Why> {
        self.host.as_ref().ok_or(Why::NotAsked)
    }

    /// What the engine probes found, whether or not an engine answered.
    pub(crate) fn probes(&self) -> Result<&EngineFacts, Why> {
        self.engine.as_ref().ok_or(Why::NotAsked)
    }

    /// The engine that answered.
    pub(crate) fn engine(&self) -> Result<&Engine, Why> {
        self.probes()?.engine.get()
    }

    pub(crate) fn context(&self) -> Result<&ContextFacts, Why> {
        self.context.get()
    }

    /// The ignore file in force.
    pub(crate) fn ignore(&self) -> Result<&IgnoreFile, Why> {
        match (&self.context, &self.lint.ignore) {
            (Fact::Known(context), _) => Ok(&context.ignore),
            (Fact::Unknown(_), Fact::Known(ignore)) => Ok(ignore),
            (Fact::Unknown(why), Fact::Unknown(_)) => Err(why.clone()),
        }
    }

    /// Why there is no Dockerfile to look at.
    pub(crate) fn no_dockerfile(&self) -> Why {
        match self.project.as_ref().map(|project| &project.dockerfile) {
            Some(Fact::Unknown(why)) => why.clone(),
            Some(Fact::Known(_)) | None => Why::NotAsked,
        }
    }
}
