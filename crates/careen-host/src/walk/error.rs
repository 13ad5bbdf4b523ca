//! Why a context could not be walked at all.

use std::{io, path::PathBuf};

use careen_syntax::ignore::FilterError;

/// A walk that could not begin, or that the builder would refuse.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error("{}: {error}", path.display())]
    Root { path: PathBuf, error: io::Error },
    /// The words of the message are the builder's.
    #[error(transparent)]
    Patterns(#[from] FilterError),
    /// A folder on the way to a COPY source cannot be read.
    #[error("`{path}`, on the way to a COPY source: {error}")]
    Source { path: String, error: io::Error },
    /// More than 134 million entries in one thread, or 4 GiB of names.
    #[error("the context has too many entries to hold")]
    TooLarge,
}

impl WalkError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            WalkError::Root { .. } => "name a folder that exists and that this user may read",
            WalkError::Patterns(_) => "correct the pattern; every build fails on it",
            WalkError::Source { .. } => "give this user the right to read the folder",
            WalkError::TooLarge => "build from a smaller folder",
        }
    }
}
