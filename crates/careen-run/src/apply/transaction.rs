//! One change of several files: prepared, committed, finished; or taken back, or finished later.
//!
//! Invariant: before the `committed` mark no target has changed, and after it every step of
//! [`finish`] can be repeated. So whoever comes after a crash knows which way to go.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::disk::{self, State};
use super::manifest::{Folder, Manifest, Name, Row};
use super::{Point, Watcher};
use crate::{Error, digest};

/// What a file becomes.
#[derive(Debug)]
pub(super) enum Next {
    /// New text; mode and owner stay, or are those of a new file.
    Text {
        bytes: Vec<u8>,
        executable: bool,
    },
    /// An earlier state, whole.
    Earlier {
        bytes: Vec<u8>,
        state: State,
    },
    Gone,
}

/// A file that will change, with what it is now.
#[derive(Debug)]
pub(super) struct Target {
    /// As the plan named it.
    pub(super) path: PathBuf,
    /// The file itself, below the project's root.
    pub(super) real: PathBuf,
    pub(super) before: Option<(Vec<u8>, State)>,
    pub(super) next: Next,
}

/// Writes the journal entry and everything beside the targets; nothing visible changes.
pub(super) fn prepare(
    root: &Path,
    folder: &Folder,
    mut manifest: Manifest,
    targets: Vec<Target>,
    watcher: Watcher<'_>,
) -> Result<Manifest, Error> {
    disk::make_folder(&folder.path)?;
    watcher(Point::EntryMade)?;
    disk::make_folder(&folder.path.join("before"))?;
    disk::make_folder(&folder.path.join("after"))?;
    let meta = fs::metadata(&folder.path).map_err(Error::io("reading", &folder.path))?;
    let mut makes = BTreeSet::new();
    for (n, target) in targets.into_iter().enumerate() {
        if let Some((bytes, _)) = &target.before {
            disk::write(&folder.before(n), bytes)?;
        }
        watcher(Point::OriginalKept)?;
        makes.extend(disk::missing_folders(&target.real));
        let before = target.before.map(|(_, state)| state);
        // The folder was just made with this process's mask, so its mode tells a new file's.
        let after = next_state(&target.next, before.as_ref(), meta.mode());
        if let Next::Text { bytes, .. } | Next::Earlier { bytes, .. } = &target.next {
            disk::write(&folder.after(n), bytes)?;
        }
        watcher(Point::NewKept)?;
        let inside = target.real.strip_prefix(root).unwrap_or(&target.real);
        let (path, target) = (Name::of(&target.path), Name::of(inside));
        manifest.files.push(Row { path, target, before, after });
    }
    let inside = |path: &PathBuf| Name::of(path.strip_prefix(root).unwrap_or(path));
    manifest.makes = makes.iter().map(inside).collect();
    disk::sync_folder(&folder.path.join("before"))?;
    disk::sync_folder(&folder.path.join("after"))?;
    folder.write_manifest(&manifest)?;
    watcher(Point::ManifestWritten)?;
    for name in &manifest.makes {
        disk::make_folder(&root.join(name.path()))?;
        watcher(Point::FolderMade)?;
    }
    for (n, row) in manifest.files.iter().enumerate() {
        place_temporary(root, folder, n, row)?;
        watcher(Point::TemporaryWritten)?;
    }
    Ok(manifest)
}

/// The targets are still what the journal says they were; the last look before the commit.
pub(super) fn recheck(root: &Path, manifest: &Manifest) -> Result<(), Error> {
    for row in &manifest.files {
        let now = disk::read(&root.join(row.target.path()))?.map(|(_, state)| state.sha256);
        if now.as_ref() != row.before.as_ref().map(|state| &state.sha256) {
            return Err(Error::Changed { path: row.path.path() });
        }
    }
    Ok(())
}

/// From `committed` to `done`. May be repeated after a crash at any of its steps.
pub(super) fn finish(
    root: &Path,
    folder: &Folder,
    manifest: &Manifest,
    watcher: Watcher<'_>,
) -> Result<(), Error> {
    let conflicts = conflicts(root, manifest)?;
    if !conflicts.is_empty() {
        return Err(Error::Conflict { id: folder.id.clone(), paths: conflicts });
    }
    for (n, row) in manifest.files.iter().enumerate() {
        replace(root, folder, n, row)?;
        watcher(Point::Replaced)?;
    }
    for name in manifest.drops.iter().rev() {
        drop_folder(&root.join(name.path()))?;
        watcher(Point::FolderDropped)?;
    }
    for parent in parents(root, manifest) {
        if parent.exists() {
            disk::sync_folder(&parent)?;
        }
    }
    watcher(Point::FoldersSynced)?;
    folder.mark("done")?;
    watcher(Point::Done)
}

/// Takes back a change that was not committed: temporary files, new folders, the entry itself.
pub(super) fn roll_back(root: &Path, folder: &Folder, watcher: Watcher<'_>) -> Result<(), Error> {
    if folder.path.join("manifest.json").exists() {
        let manifest = folder.read_manifest()?;
        for (n, row) in manifest.files.iter().enumerate() {
            disk::remove(&temporary(&root.join(row.target.path()), &folder.id, n))?;
            watcher(Point::TemporaryRemoved)?;
        }
        for name in manifest.makes.iter().rev() {
            drop_folder(&root.join(name.path()))?;
            watcher(Point::FolderDropped)?;
        }
    }
    fs::remove_dir_all(&folder.path).map_err(Error::io("removing", &folder.path))?;
    watcher(Point::EntryRemoved)
}

/// Gives up finishing: the targets stay as they are, temporary files go.
pub(super) fn abandon(root: &Path, folder: &Folder, manifest: &Manifest) -> Result<(), Error> {
    for (n, row) in manifest.files.iter().enumerate() {
        disk::remove(&temporary(&root.join(row.target.path()), &folder.id, n))?;
    }
    folder.mark("done")
}

/// Files of a committed change that are neither what they were nor what they shall be.
fn conflicts(root: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for row in &manifest.files {
        let now = disk::read(&root.join(row.target.path()))?.map(|(_, state)| state.sha256);
        let is = |state: &Option<State>| now.as_ref() == state.as_ref().map(|s| &s.sha256);
        if !is(&row.before) && !is(&row.after) {
            found.push(row.path.path());
        }
    }
    Ok(found)
}

fn replace(root: &Path, folder: &Folder, n: usize, row: &Row) -> Result<(), Error> {
    let target = root.join(row.target.path());
    let draft = temporary(&target, &folder.id, n);
    let Some(after) = &row.after else { return disk::remove(&target) };
    let was_here = |state: &State| state.sha256 == after.sha256;
    let now = disk::read(&target)?.map(|(_, state)| state);
    let content_changes = !row.before.as_ref().is_some_and(was_here);
    if content_changes && now.as_ref().is_some_and(was_here) {
        return disk::remove(&draft);
    }
    let ready = disk::read(&draft)?.is_some_and(|(_, state)| state.sha256 == after.sha256);
    if !ready {
        // The temporary file is on the disk before the commit; somebody cleaned up after a crash.
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(Error::io("creating", parent))?;
        }
        place_temporary(root, folder, n, row)?;
    }
    fs::rename(&draft, &target).map_err(Error::io("replacing", &target))
}

fn place_temporary(root: &Path, folder: &Folder, n: usize, row: &Row) -> Result<(), Error> {
    let Some(after) = &row.after else { return Ok(()) };
    let bytes = folder.content(&folder.after(n), after)?;
    let draft = temporary(&root.join(row.target.path()), &folder.id, n);
    disk::write_as(&draft, &bytes, after)
}

pub(super) fn next_state(next: &Next, before: Option<&State>, folder_mode: u32) -> Option<State> {
    match next {
        Next::Gone => None,
        Next::Earlier { state, .. } => Some(state.clone()),
        Next::Text { bytes, executable } => {
            let mode = before.map_or(folder_mode & 0o666, |state| state.mode);
            // Whoever may read it may run it, as `chmod +x` does.
            let run = if *executable { (mode & 0o444) >> 2 } else { 0 };
            Some(State {
                sha256: digest::of(bytes),
                size: bytes.len() as u64,
                mode: mode | run,
                owner: before.and_then(|state| state.owner),
                modified: None,
                attributes: before.map(|state| state.attributes.clone()).unwrap_or_default(),
            })
        }
    }
}

/// The name of the temporary file beside a target.
fn temporary(target: &Path, id: &str, n: usize) -> PathBuf {
    target.with_file_name(format!(".careen-{id}-{n}.tmp"))
}

fn parents(root: &Path, manifest: &Manifest) -> BTreeSet<PathBuf> {
    let targets = manifest.files.iter().map(|row| root.join(row.target.path()));
    targets.filter_map(|target| target.parent().map(Path::to_owned)).collect()
}

/// Removes a folder if it is empty; what somebody put there stays.
fn drop_folder(path: &Path) -> Result<(), Error> {
    match fs::remove_dir(path) {
        Err(err)
            if !matches!(
                err.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Err(Error::io("removing", path)(err))
        }
        _ => Ok(()),
    }
}
