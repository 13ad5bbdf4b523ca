//! Moving a project to another file system: a copy that is checked before it gets its name.
//!
//! The original is only ever read. The copy grows in a hidden folder beside its final name and is
//! renamed when every byte of it was read back and compared; a run that was killed is continued by
//! the next one, and nothing half done ever has the final name.

mod copy;
mod stage;
mod survey;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use careen_engine::CancelToken;
use rustix::fs::statvfs;

use crate::Error;

pub use survey::{Survey, survey};

/// What is to be copied where.
#[derive(Debug, Clone)]
pub struct Move {
    pub from: PathBuf,
    /// The folder that the copy will be; it must not exist.
    pub to: PathBuf,
}

/// What the copy will take, and what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub needed_bytes: u64,
    pub needed_entries: u64,
    pub free_bytes: u64,
    /// `None` where the file system has no fixed number of them.
    pub free_entries: Option<u64>,
}

/// Where a copy stands; read from another thread while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    pub(crate) copied: AtomicU64,
    pub(crate) compared: AtomicU64,
}

impl Progress {
    /// Bytes that are in the copy.
    pub fn copied(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    /// Bytes of it that were read back and compared.
    pub fn compared(&self) -> u64 {
        self.compared.load(Ordering::Relaxed)
    }
}

/// A project at its new place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub entries: u64,
    pub bytes: u64,
    /// Bytes that an earlier, interrupted run had already brought over.
    pub found_bytes: u64,
    /// Of every path, kind, mode, link target and content; the same for both folders.
    pub digest: String,
}

impl Move {
    /// Looks before anything is read or written: places that cannot work.
    pub fn check(&self) -> Result<(), Error> {
        let refused =
            |reason: &str| Error::Refused { path: self.to.clone(), reason: reason.into() };
        let from = self.from.canonicalize().map_err(Error::io("reading", &self.from))?;
        if !from.is_dir() {
            return Err(Error::Refused { path: from, reason: "it is not a folder".to_owned() });
        }
        if self.to.symlink_metadata().is_ok() {
            return Err(refused("it exists already, and nothing is overwritten"));
        }
        let above = nearest(&self.to).canonicalize().map_err(Error::io("reading", &self.to))?;
        if above.starts_with(&from) {
            return Err(refused("it lies in the project itself"));
        }
        Ok(())
    }

    /// What the copy needs and what the new place has.
    pub fn room(&self, survey: &Survey) -> Result<Room, Error> {
        let place = nearest(&self.to);
        let status = statvfs(place).map_err(|err| Error::io("measuring", place)(err.into()))?;
        Ok(Room {
            needed_bytes: survey.needed_bytes(status.f_frsize.max(1)),
            needed_entries: survey.entries.len() as u64,
            free_bytes: status.f_bavail.saturating_mul(status.f_frsize),
            // Btrfs, 9p and others make them as they need them and say 0.
            free_entries: (status.f_files > 0).then_some(status.f_favail),
        })
    }

    /// Copies, compares, renames. `survey` is what [`survey`] found in `from`.
    pub fn run(
        &self,
        survey: &Survey,
        progress: &Progress,
        cancel: &CancelToken,
    ) -> Result<Moved, Error> {
        self.run_watched(survey, progress, cancel, &|_| Ok(()))
    }

    /// As [`Move::run`]; `watcher` is asked after each step and may stop everything there, as if
    /// the power had gone.
    pub fn run_watched(
        &self,
        survey: &Survey,
        progress: &Progress,
        cancel: &CancelToken,
        watcher: Watcher<'_>,
    ) -> Result<Moved, Error> {
        stage::sweep(self)?;
        self.check()?;
        let room = self.room(survey)?;
        let stage = stage::Stage::open(self)?;
        watcher(Point::Opened)?;
        // What an earlier run brought over need not fit a second time.
        let found = copy::found(survey, &stage.tree());
        if !room.fits(found) {
            return Err(Error::NoRoom { path: nearest(&self.to).to_owned(), room });
        }
        let job = Job { from: &self.from, tree: &stage.tree(), survey, progress, cancel, watcher };
        let hashes = copy::run(&job)?;
        stage.sync()?;
        let digest = verify::run(&job, &hashes)?;
        watcher(Point::Compared)?;
        stage.finish(&self.to, watcher)?;
        Ok(Moved {
            entries: survey.entries.len() as u64,
            bytes: survey.bytes,
            found_bytes: found,
            digest,
        })
    }
}

impl Room {
    /// Whether the rest fits, `found` bytes being there already.
    pub fn fits(&self, found: u64) -> bool {
        self.needed_bytes.saturating_sub(found) <= self.free_bytes
            && self.free_entries.is_none_or(|free| found > 0 || self.needed_entries <= free)
    }
}

/// The parts of a move, for those who stop it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    Opened,
    Folders,
    File,
    Links,
    Times,
    Compared,
    Renamed,
}

/// Asked after each step; an error stops there and cleans nothing up.
pub type Watcher<'a> = &'a (dyn Fn(Point) -> Result<(), Error> + Sync);

/// One copy at work.
pub(crate) struct Job<'a> {
    pub(crate) from: &'a Path,
    pub(crate) tree: &'a Path,
    pub(crate) survey: &'a Survey,
    pub(crate) progress: &'a Progress,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) watcher: Watcher<'a>,
}

/// The folder itself or the first one above it that exists.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
