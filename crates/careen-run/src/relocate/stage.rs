//! The hidden folder in which a copy grows, and the step that gives it its name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use rustix::io::Errno;

use super::{Move, Point, Watcher};
use crate::Error;

/// `.NAME.careen-move` beside the final name: `tree` is the copy, `source` names the original and
/// is locked while somebody works on it.
pub(super) struct Stage {
    folder: PathBuf,
    source: File,
}

impl Stage {
    /// Takes the folder of an interrupted run of the same move, else makes one.
    pub(super) fn open(wanted: &Move) -> Result<Stage, Error> {
        let folder = folder(&wanted.to).ok_or_else(|| Error::Refused {
            path: wanted.to.clone(),
            reason: "it has no name of its own".to_owned(),
        })?;
        let path = folder.join("source");
        if folder.symlink_metadata().is_ok() && !path.exists() && !is_empty(&folder) {
            let reason = "careen did not make it; move it away".to_owned();
            return Err(Error::Refused { path: folder, reason });
        }
        fs::create_dir_all(&folder).map_err(Error::io("making", &folder))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io("writing", &path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { project: folder }),
            // File systems without locks: two moves to one place at once are then the user's care.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let from = wanted.from.canonicalize().map_err(Error::io("reading", &wanted.from))?;
        let mut known = Vec::new();
        file.read_to_end(&mut known).map_err(Error::io("reading", &path))?;
        let stage = Stage { folder, source: file };
        if known != from.as_os_str().as_bytes() {
            // Of another project, or cut off while it was written: start over.
            remove(&stage.tree())?;
            let mut file = &stage.source;
            file.set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(from.as_os_str().as_bytes()))
                .and_then(|()| file.sync_all())
                .map_err(Error::io("writing", &path))?;
        }
        Ok(stage)
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Everything to the disk.
    pub(super) fn sync(&self) -> Result<(), Error> {
        let tree = self.tree();
        let synced = File::open(&tree).and_then(|folder| Ok(syncfs(&folder)?));
        synced.map_err(Error::io("writing", &tree))
    }

    /// The name, then the hidden folder away.
    pub(super) fn finish(self, to: &Path, watcher: Watcher<'_>) -> Result<(), Error> {
        let tree = self.tree();
        let renamed = match renameat_with(CWD, &tree, CWD, to, RenameFlags::NOREPLACE) {
            // Older kernels and some file systems only have the plain one, which replaces nothing
            // but an empty folder.
            Err(Errno::INVAL | Errno::NOSYS) if to.symlink_metadata().is_err() => {
                fs::rename(&tree, to)
            }
            renamed => renamed.map_err(Into::into),
        };
        renamed.map_err(Error::io("naming", to))?;
        let above = File::open(to.parent().unwrap_or(Path::new("/")));
        above.and_then(|folder| folder.sync_all()).map_err(Error::io("naming", to))?;
        watcher(Point::Renamed)?;
        remove(&self.folder)
    }
}

/// Removes the hidden folder of a run that was killed after its copy got its name.
pub(super) fn sweep(wanted: &Move) -> Result<(), Error> {
    let Some(folder) = folder(&wanted.to) else { return Ok(()) };
    let is_over = wanted.to.is_dir() && folder.join("source").exists();
    if is_over && folder.join("tree").symlink_metadata().is_err() {
        return remove(&folder);
    }
    Ok(())
}

/// `.NAME.careen-move`; `None` for a path without a name.
fn folder(to: &Path) -> Option<PathBuf> {
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(to.file_name()?);
    hidden.push(".careen-move");
    Some(to.with_file_name(hidden))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Removes a tree of ours, also folders that their mode makes read-only.
pub(super) fn remove(tree: &Path) -> Result<(), Error> {
    if tree.symlink_metadata().is_err() {
        return Ok(());
    }
    if fs::remove_dir_all(tree).is_ok() {
        return Ok(());
    }
    super::copy::open_folders(tree);
    fs::remove_dir_all(tree).map_err(Error::io("removing", tree))
}
