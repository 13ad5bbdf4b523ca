//! The one place that writes into the user's project: all or nothing, journalled, undoable.
//!
//! Every change is written to `.careen/journal/` first, with both states of every file. Killed at
//! any point, [`Journal::recover`] makes the project either untouched or changed, never half.
//! `.careen/` holds its own `.gitignore`; the context walk and the ignore file writer of careen
//! treat the folder as ignored, so it is never sent to a builder.

mod direct;
mod disk;
mod manifest;
mod stages;
mod transaction;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use careen_model::{FileChange, Plan};

pub use self::direct::replace_file;
pub use self::stages::Stage;

use self::disk::State;
use self::manifest::{Folder, Manifest, Progress};
use self::transaction::{Next, Target};
use crate::Error;

/// The folder in the project that belongs to careen.
pub const FOLDER: &str = ".careen";

/// How long another careen in the same project is waited for, and how often it is looked.
const PATIENCE: Duration = Duration::from_millis(300);
const BEAT: Duration = Duration::from_millis(10);

/// The journal of one project.
#[derive(Debug)]
pub struct Journal {
    /// Canonical, so that "inside the project" can be decided by prefix.
    root: PathBuf,
}

/// A change as the journal tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    /// Seconds since the Unix epoch.
    pub at: i64,
    pub rules: Vec<String>,
    /// As the plan named them.
    pub files: Vec<PathBuf>,
    /// The change that this one takes back.
    pub undoes: Option<String>,
    pub state: EntryState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    Applied,
    /// Taken back by another change.
    Undone {
        by: String,
    },
    /// Careen died over it; [`Journal::recover`] settles it.
    Interrupted,
}

/// What was done: the entry's id and the files that changed, as they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub id: String,
    pub files: Vec<PathBuf>,
}

/// A file before a change: where it lies, and its content if it existed.
pub type Earlier = (PathBuf, Option<Vec<u8>>);

/// Which change to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// The newest fix that is not undone.
    Last,
    Id(&'a str),
}

/// What to do with files that were edited after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// Leave everything as it is and say which.
    Refuse,
    /// Restore them too. The edited files are kept in the journal.
    Overwrite,
}

/// How an interrupted change was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// It had not been committed: the project is as it was before.
    TakenBack { id: String },
    /// It had been committed: the project is as it was to be.
    Finished { id: String },
}

/// A step of a change that has just been made. Tests stop or kill careen there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    EntryMade,
    OriginalKept,
    NewKept,
    ManifestWritten,
    FolderMade,
    TemporaryWritten,
    Committed,
    Replaced,
    FolderDropped,
    FoldersSynced,
    Done,
    TemporaryRemoved,
    EntryRemoved,
}

/// Told of every step; an error stops there and cleans nothing up, as a power cut would.
pub type Watcher<'a> = &'a mut dyn FnMut(Point) -> Result<(), Error>;

#[expect(clippy::unnecessary_wraps, reason = "it is one of the watchers")]
fn nobody(_: Point) -> Result<(), Error> {
    Ok(())
}

impl Journal {
    /// The journal of the project at `root`, which must exist. Writes nothing.
    pub fn of(root: &Path) -> Result<Journal, Error> {
        Ok(Journal { root: fs::canonicalize(root).map_err(Error::io("reading", root))? })
    }

    /// Changes all files of the plan, or none. `at`: seconds since the Unix epoch.
    ///
    /// `None`: every file is already what the plan makes of it, so there is nothing to journal.
    pub fn apply(&self, plan: &Plan, at: i64) -> Result<Option<Applied>, Error> {
        self.apply_watched(plan, at, &mut nobody)
    }

    /// As [`Journal::apply`], telling `watcher` of each step.
    pub fn apply_watched(
        &self,
        plan: &Plan,
        at: i64,
        watcher: Watcher<'_>,
    ) -> Result<Option<Applied>, Error> {
        let targets = self.targets(&plan.files)?;
        if targets.is_empty() {
            return Ok(None);
        }
        self.check_writable(&targets)?;
        let _lock = self.lock()?;
        self.settle(&mut nobody)?;
        let mut rules: Vec<String> = Vec::new();
        for planned in &plan.chosen {
            if !rules.iter().any(|known| known == planned.rule) {
                rules.push(planned.rule.to_owned());
            }
        }
        self.change(Manifest::new(at, rules, None), targets, watcher).map(Some)
    }

    /// Brings back every file of a change: content, mode, time, absence.
    pub fn undo(&self, which: Which<'_>, edited: Edited, at: i64) -> Result<Applied, Error> {
        self.undo_watched(which, edited, at, &mut nobody)
    }

    /// As [`Journal::undo`], telling `watcher` of each step.
    pub fn undo_watched(
        &self,
        which: Which<'_>,
        edited: Edited,
        at: i64,
        watcher: Watcher<'_>,
    ) -> Result<Applied, Error> {
        if !self.folder().exists() {
            return Err(match which {
                Which::Last => Error::NothingToUndo,
                Which::Id(id) => Error::NoEntry { id: id.to_owned() },
            });
        }
        let _lock = self.lock()?;
        match (self.settle(&mut nobody), edited, which) {
            (Err(Error::Conflict { id, .. }), Edited::Overwrite, Which::Last) => {
                self.abandon(&id)?;
            }
            (Err(Error::Conflict { id, .. }), Edited::Overwrite, Which::Id(asked))
                if same_id(&id, asked) =>
            {
                self.abandon(&id)?;
            }
            (settled, ..) => {
                settled?;
            }
        }
        let folder = self.choose(which)?;
        let manifest = folder.read_manifest()?;
        let targets = self.earlier(&folder, &manifest, edited)?;
        self.check_writable(&targets)?;
        let mut undoing = Manifest::new(at, manifest.rules.clone(), Some(folder.id.clone()));
        undoing.drops.clone_from(&manifest.makes);
        self.change(undoing, targets, watcher)
    }

    /// Settles what a killed careen left behind. Writes nothing when there is nothing to settle.
    pub fn recover(&self) -> Result<Vec<Recovered>, Error> {
        self.recover_watched(&mut nobody)
    }

    /// As [`Journal::recover`], telling `watcher` of each step.
    pub fn recover_watched(&self, watcher: Watcher<'_>) -> Result<Vec<Recovered>, Error> {
        if !self.is_interrupted()? {
            return Ok(vec![]);
        }
        let _lock = self.lock()?;
        self.settle(watcher)
    }

    /// True when [`Journal::recover`] has something to do, or another careen is at work.
    pub fn is_interrupted(&self) -> Result<bool, Error> {
        let folders = manifest::folders(&self.entries_folder())?;
        Ok(folders.iter().any(|folder| folder.progress() != Progress::Done))
    }

    /// All changes, oldest first.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for folder in manifest::folders(&self.entries_folder())? {
            if folder.progress() == Progress::Begun {
                continue;
            }
            let manifest = folder.read_manifest()?;
            let state = match folder.progress() {
                Progress::Done => EntryState::Applied,
                _ => EntryState::Interrupted,
            };
            entries.push(Entry {
                id: folder.id,
                at: manifest.at,
                rules: manifest.rules,
                files: manifest.files.iter().map(|row| row.path.path()).collect(),
                undoes: manifest.undoes,
                state,
            });
        }
        mark_undone(&mut entries);
        Ok(entries)
    }

    /// The files of a change as they were before it, and the id of the change; nothing is written.
    ///
    /// Paths are absolute; no content means that the file did not exist.
    pub fn before(&self, which: Which<'_>) -> Result<(String, Vec<Earlier>), Error> {
        let folder = self.choose(which)?;
        let manifest = folder.read_manifest()?;
        let mut files = Vec::new();
        for (n, row) in manifest.files.iter().enumerate() {
            let content = row.before.as_ref().map(|state| folder.content(&folder.before(n), state));
            files.push((self.root.join(row.path.path()), content.transpose()?));
        }
        Ok((folder.id, files))
    }

    /// Makes and names the folder for reports in the project; no build and no commit sees it.
    pub fn reports_folder(&self) -> Result<PathBuf, Error> {
        let _lock = self.lock()?;
        let folder = self.folder().join("reports");
        disk::make_folder(&folder)?;
        Ok(folder)
    }

    fn folder(&self) -> PathBuf {
        self.root.join(FOLDER)
    }

    fn entries_folder(&self) -> PathBuf {
        self.folder().join("journal")
    }

    /// Makes `.careen/` if need be and takes the lock of the project.
    fn lock(&self) -> Result<File, Error> {
        let folder = self.folder();
        if fs::symlink_metadata(&folder).is_ok_and(|meta| !meta.is_dir()) {
            let reason = "it is not a folder".to_owned();
            return Err(Error::Refused { path: folder, reason });
        }
        disk::make_folder(&folder)?;
        let path = folder.join("lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(Error::io("writing", &path))?;
        // A program that another thread is just starting holds our locks until it runs, so one
        // refusal does not mean that another careen is there.
        let give_up = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => thread::sleep(BEAT),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Busy { project: self.root.clone() });
                }
                Err(TryLockError::Error(err)) if err.kind() == io::ErrorKind::Unsupported => break,
                Err(TryLockError::Error(err)) => return Err(Error::io("locking", &path)(err)),
            }
        }
        let ignore = folder.join(".gitignore");
        // A careen that was killed here leaves it empty.
        if fs::metadata(&ignore).map_or(0, |meta| meta.len()) == 0 {
            disk::write(&ignore, b"*\n")?;
        }
        disk::make_folder(&self.entries_folder())?;
        Ok(file)
    }

    /// Reads every file of the plan and makes sure that it is what the plan was made from.
    fn targets(&self, files: &[FileChange]) -> Result<Vec<Target>, Error> {
        let mut targets: BTreeMap<PathBuf, Target> = BTreeMap::new();
        for file in files {
            let real = disk::resolve(&self.root, &file.path)?;
            let before = disk::read(&real)?;
            if before.as_ref().map(|(bytes, _)| bytes) != file.before.as_ref() {
                return Err(Error::Changed { path: file.path.clone() });
            }
            let runs = |state: &State| !file.executable || state.mode & 0o111 != 0;
            let same = |(bytes, state): &(Vec<u8>, State)| *bytes == file.after && runs(state);
            if before.as_ref().is_some_and(same) {
                continue;
            }
            let next = Next::Text { bytes: file.after.clone(), executable: file.executable };
            let target = Target { path: file.path.clone(), real: real.clone(), before, next };
            if let Some(other) = targets.insert(real, target) {
                let reason = format!("{} is the same file", other.path.display());
                return Err(Error::Refused { path: file.path.clone(), reason });
            }
        }
        Ok(targets.into_values().collect())
    }

    /// The targets that bring back the state before an entry.
    fn earlier(
        &self,
        folder: &Folder,
        manifest: &Manifest,
        edited: Edited,
    ) -> Result<Vec<Target>, Error> {
        let (mut targets, mut changed) = (Vec::new(), Vec::new());
        for (n, row) in manifest.files.iter().enumerate() {
            // The link itself may lead elsewhere by now; the file that we changed is what counts.
            let real = disk::resolve(&self.root, &row.target.path())?;
            let now = disk::read(&real)?;
            if is_edited(now.as_ref().map(|(_, state)| state), row) {
                changed.push(row.path.path());
            }
            let next = match &row.before {
                None => Next::Gone,
                Some(state) => Next::Earlier {
                    bytes: folder.content(&folder.before(n), state)?,
                    state: state.clone(),
                },
            };
            if now.is_some() || row.before.is_some() {
                targets.push(Target { path: row.path.path(), real, before: now, next });
            }
        }
        if !changed.is_empty() && edited == Edited::Refuse {
            return Err(Error::ChangedSince { paths: changed });
        }
        Ok(targets)
    }

    /// Looks before anything is written, so that a read-only project stays clean.
    fn check_writable(&self, targets: &[Target]) -> Result<(), Error> {
        let nearest = |target: &Target| {
            target.real.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned)
        };
        let folders = targets.iter().filter_map(nearest).chain([self.root.clone()]);
        for folder in folders {
            if !disk::is_writable(&folder) {
                return Err(Error::ReadOnly { path: folder, source: None });
            }
        }
        Ok(())
    }

    /// The change itself. The lock is held and nothing else is pending.
    fn change(
        &self,
        manifest: Manifest,
        targets: Vec<Target>,
        watcher: Watcher<'_>,
    ) -> Result<Applied, Error> {
        let last = manifest::folders(&self.entries_folder())?.pop();
        let number = last.and_then(|folder| folder.id.parse::<u64>().ok()).unwrap_or(0) + 1;
        let id = format!("{number:04}");
        let folder = Folder { path: self.entries_folder().join(&id), id };
        let prepared = transaction::prepare(&self.root, &folder, manifest, targets, watcher)
            .and_then(|manifest| transaction::recheck(&self.root, &manifest).map(|()| manifest));
        let manifest = match prepared {
            Ok(manifest) => manifest,
            Err(Error::Stopped) => return Err(Error::Stopped),
            Err(err) => {
                // The first error is the one to tell; the next careen repeats what fails here.
                let _ = transaction::roll_back(&self.root, &folder, &mut nobody);
                return Err(err);
            }
        };
        folder.mark("committed")?;
        watcher(Point::Committed)?;
        transaction::finish(&self.root, &folder, &manifest, watcher)?;
        let files = manifest.files.iter().map(|row| row.path.path()).collect();
        Ok(Applied { id: folder.id, files })
    }

    /// Settles every entry that is not done. The lock is held.
    fn settle(&self, watcher: Watcher<'_>) -> Result<Vec<Recovered>, Error> {
        let mut settled = Vec::new();
        for folder in manifest::folders(&self.entries_folder())? {
            match folder.progress() {
                Progress::Done => (),
                Progress::Begun | Progress::Prepared => {
                    transaction::roll_back(&self.root, &folder, watcher)?;
                    settled.push(Recovered::TakenBack { id: folder.id });
                }
                Progress::Committed => {
                    let manifest = folder.read_manifest()?;
                    transaction::finish(&self.root, &folder, &manifest, watcher)?;
                    settled.push(Recovered::Finished { id: folder.id });
                }
            }
        }
        Ok(settled)
    }

    fn abandon(&self, id: &str) -> Result<(), Error> {
        let folder = Folder { id: id.to_owned(), path: self.entries_folder().join(id) };
        transaction::abandon(&self.root, &folder, &folder.read_manifest()?)
    }

    fn choose(&self, which: Which<'_>) -> Result<Folder, Error> {
        let entries = self.entries()?;
        let chosen = match which {
            Which::Last => entries
                .iter()
                .rfind(|entry| entry.undoes.is_none() && entry.state == EntryState::Applied)
                .ok_or(Error::NothingToUndo)?,
            Which::Id(id) => entries
                .iter()
                .find(|entry| same_id(&entry.id, id))
                .ok_or_else(|| Error::NoEntry { id: id.to_owned() })?,
        };
        if let EntryState::Undone { by } = &chosen.state {
            return Err(Error::AlreadyUndone { id: chosen.id.clone(), by: by.clone() });
        }
        Ok(Folder { id: chosen.id.clone(), path: self.entries_folder().join(&chosen.id) })
    }
}

/// `7` and `0007` name the same entry.
fn same_id(id: &str, asked: &str) -> bool {
    id.parse::<u64>().ok() == asked.parse::<u64>().ok()
}

/// An undo that is itself undone undoes nothing, so the newest is looked at first.
fn mark_undone(entries: &mut [Entry]) {
    for n in (0..entries.len()).rev() {
        let (earlier, [undoing, ..]) = entries.split_at_mut(n) else { return };
        let (Some(target), EntryState::Applied) = (&undoing.undoes, &undoing.state) else {
            continue;
        };
        if let Some(entry) = earlier.iter_mut().find(|entry| entry.id == *target) {
            entry.state = EntryState::Undone { by: undoing.id.clone() };
        }
    }
}

/// True when the file is not what the change made of it.
fn is_edited(now: Option<&State>, row: &manifest::Row) -> bool {
    match (now, &row.after) {
        (None, None) => false,
        (Some(now), Some(after)) => {
            // Where a file system has no modes, the mode before is the mode for ever.
            let modes = [Some(after.mode), row.before.as_ref().map(|state| state.mode)];
            now.sha256 != after.sha256 || !modes.contains(&Some(now.mode))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests;
