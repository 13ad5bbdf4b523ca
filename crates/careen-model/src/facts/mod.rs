//! What careen has learned about the world, including what it could not learn.

pub mod changes;
pub mod context;
pub mod engine;
pub mod history;
pub mod host;
pub mod legacy;
pub mod project;

pub use changes::ChangeFacts;
pub use context::ContextFacts;
pub use engine::EngineFacts;
pub use history::{HistoryFacts, Namesake};
pub use host::HostFacts;
pub use project::ProjectFacts;

use std::fmt;

/// A value, or the reason we do not have it. Never a default that looks like a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    Known(T),
    Unknown(Why),
}

/// Why a fact is missing. `Display` gives a fragment that reads after "skipped: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Nobody asked, because the command did not need it.
    NotAsked,
    /// The thing does not exist on this kind of system (no `/proc`, no WSL, no Docker client).
    NotOnThisSystem { what: String },
    /// The thing this fact is about does not exist in the project (no Dockerfile, no compose file).
    Absent { what: String },
    /// We were not allowed to look.
    Denied { what: String },
    /// We looked and could not make sense of it.
    Unreadable { what: String, error: String },
    /// It would have taken longer than we may take.
    TooSlow { what: String },
    /// No engine answers, so what only an engine knows is unknown.
    NoEngine { error: String },
    /// This engine cannot answer the question.
    NotSupported { what: String },
}

impl<T> Fact<T> {
    pub fn known(&self) -> Option<&T> {
        match self {
            Fact::Known(value) => Some(value),
            Fact::Unknown(_) => None,
        }
    }

    /// The value, or the reason in the shape a rule returns it in.
    pub fn get(&self) -> Result<&T, Why> {
        match self {
            Fact::Known(value) => Ok(value),
            Fact::Unknown(why) => Err(why.clone()),
        }
    }
}

impl<T> From<Result<T, Why>> for Fact<T> {
    fn from(result: Result<T, Why>) -> Fact<T> {
        match result {
            Ok(value) => Fact::Known(value),
            Err(why) => Fact::Unknown(why),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NotAsked => f.write_str("not asked for"),
            Why::NotOnThisSystem { what } => write!(f, "no {what} on this system"),
            Why::Absent { what } => write!(f, "no {what} here"),
            Why::Denied { what } => write!(f, "no permission to read {what}"),
            Why::Unreadable { what, error } => write!(f, "{what} could not be read: {error}"),
            Why::TooSlow { what } => write!(f, "{what} took too long"),
            // `no engine answers at …` says it already.
            Why::NoEngine { error } if error.starts_with("no engine") => f.write_str(error),
            Why::NoEngine { error } => write!(f, "no engine: {error}"),
            Why::NotSupported { what } => write!(f, "this engine does not support {what}"),
        }
    }
}
