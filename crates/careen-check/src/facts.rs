//! Everything the rules may look at, and the reasons when something is not there.

use std::path::PathBuf;

use careen_model::engine::Engine;
use careen_model::{ContextFacts, EngineFacts, Fact, HistoryFacts, HostFacts, ProjectFacts, Why};
use careen_syntax::dockerfile::Dockerfile;

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
    /// Seconds since the Unix epoch.
    pub now: i64,
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

    /// Why there is no Dockerfile to look at.
    pub(crate) fn no_dockerfile(&self) -> Why {
        match self.project.as_ref().map(|project| &project.dockerfile) {
            Some(Fact::Unknown(why)) => why.clone(),
            Some(Fact::Known(_)) | None => Why::NotAsked,
        }
    }
}
