//! What can go wrong while careen does something, and what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

use careen_model::units;

use crate::relocate::Room;

/// A situation a person can be in. Reads after "could not …:".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not what the plan was made from.
    #[error("{} changed since it was read", path.display())]
    Changed { path: PathBuf },
    /// Undo would throw away what was written after the fix.
    #[error("changed since the fix: {}", list(paths))]
    ChangedSince { paths: Vec<PathBuf> },
    /// An interrupted change cannot be finished, because somebody edited these files meanwhile.
    #[error("change {id} was interrupted and these files were edited afterwards: {}", list(paths))]
    Conflict { id: String, paths: Vec<PathBuf> },
    /// We do not write there, and why.
    #[error("{} is left alone: {reason}", path.display())]
    Refused { path: PathBuf, reason: String },
    #[error("{} cannot be written", path.display())]
    ReadOnly { path: PathBuf, source: Option<io::Error> },
    /// Another careen works on this project.
    #[error("another careen is working in {}", project.display())]
    Busy { project: PathBuf },
    #[error("no change {id} in the journal")]
    NoEntry { id: String },
    #[error("nothing to undo")]
    NothingToUndo,
    #[error("change {id} is already undone by {by}")]
    AlreadyUndone { id: String, by: String },
    #[error("{} is not a journal entry: {error}", path.display())]
    JournalDamaged { path: PathBuf, error: String },
    /// Written by a newer careen.
    #[error("{} has version {found}, this careen knows up to {known}", path.display())]
    TooNew { path: PathBuf, found: u32, known: u32 },
    /// The store could not be read. It was moved aside, so that nothing is lost.
    #[error("{} is damaged ({error}) and was kept as {}", path.display(), kept.display())]
    HistoryDamaged { path: PathBuf, kept: PathBuf, error: String },
    /// One record or event log does not make sense.
    #[error("{what} cannot be understood: {error}")]
    HistoryUnreadable { what: String, error: String },
    #[error("the history {} failed: {source}", path.display())]
    History { path: PathBuf, source: Box<rusqlite::Error> },
    /// Nothing in a log that was to be read looks like a build.
    #[error("{} holds no build in a known form", path.display())]
    NoBuildInLog { path: PathBuf },
    #[error("no build {label} in the history of this project")]
    NoBuild { label: String },
    /// Something wrote to the original while it was copied.
    #[error("{} changed while it was copied", path.display())]
    ChangedMeanwhile { path: PathBuf },
    /// What was read back is not what was written.
    #[error("{} is not the same in the copy", path.display())]
    NotTheSame { path: PathBuf },
    #[error("{}", no_room(path, room))]
    NoRoom { path: PathBuf, room: Room },
    #[error("cancelled")]
    Cancelled,
    /// A watcher asked to stop here, as if the power had gone. Tests only.
    #[error("stopped by the watcher")]
    Stopped,
    /// A part of a proof that is not about one file.
    #[error("{doing}: {error}")]
    Prove { doing: String, error: String },
    #[error("interrupted")]
    Interrupted,
    #[error("{doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl Error {
    /// What to do about it, when there is something to do.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::Changed { .. } => "run the command again; it will read the file anew",
            Error::ChangedSince { .. } => {
                "`careen undo --force` keeps the present files in the journal and restores the old ones"
            }
            Error::Conflict { id, .. } => {
                return Some(format!(
                    "put the files back as they were, or run `careen undo {id} --force`; the \
                     edited files are kept in the journal"
                ));
            }
            Error::ReadOnly { .. } => "make the project writable, or work on a copy of it",
            Error::Busy { .. } => "wait until it has finished",
            Error::JournalDamaged { .. } => {
                "the originals lie beside it under `before/`; move the folder away to go on"
            }
            Error::TooNew { .. } => "use the newer careen that wrote it",
            Error::HistoryDamaged { .. } => "run the command again; it starts a new history",
            Error::ChangedMeanwhile { .. } => {
                "stop what writes there (builds, editors, notebooks) and run the command again; what is copied already stays"
            }
            Error::NotTheSame { .. } => {
                "run the command again, it copies that anew; when it happens again, the new place loses data, times or permissions: choose another"
            }
            Error::NoRoom { .. } => "make room there, or choose another place with --to",
            Error::NoBuildInLog { .. } => {
                "known are --progress=plain, tty and rawjson, the classic builder's log, \
                 .dockerbuild files, careen's own event logs and `careen build --format jsonl`"
            }
            Error::NoBuild { .. } => "`careen history` lists the builds",
            Error::NoEntry { .. } => "`careen journal` lists the changes",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// An operation on a path failed. Missing permission becomes [`Error::ReadOnly`].
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                if doing != "reading" =>
            {
                Error::ReadOnly { path: path.to_owned(), source: Some(source) }
            }
            _ => Error::Io { doing, path: path.to_owned(), source },
        }
    }
}

fn no_room(path: &Path, room: &Room) -> String {
    let (needed, free) = (units::size(room.needed_bytes), units::size(room.free_bytes));
    let entries = match room.free_entries {
        Some(free) => format!(", and {} free", units::count(free)),
        None => String::new(),
    };
    let place = path.display();
    let count = units::count(room.needed_entries);
    format!("{place} has {free} free{entries}, and {needed} in {count} entries are needed")
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}
