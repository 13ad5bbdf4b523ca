//! Folders opened relative to each other, and what is known of one path.

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, Mode, OFlags, Stat},
    io::Errno,
};

use crate::walk::{
    hard_links::Identity,
    listing::{BLANK, Entry, SPARSE, TYPE_BITS, is_sparse},
};

pub(super) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// `PATH_MAX` is 4096 with the zero at the end.
const LONGEST: usize = 4000;

/// How one thread opens folders.
#[derive(Debug, Default)]
pub(super) struct Opener {
    /// Somebody else's folder refused to be read without a new access time.
    leaves_traces: bool,
}

impl Opener {
    /// Opens the folder at `path` below the root; `parent` is the folder above it, where that is
    /// open.
    ///
    /// Access times stay as they are where that is allowed: to the owner and to root. It saves
    /// writing a day's first reading of every folder to the disk.
    pub(super) fn open(
        &mut self,
        root: BorrowedFd<'_>,
        parent: Option<&OwnedFd>,
        path: &[u8],
    ) -> Result<OwnedFd, Errno> {
        if !self.leaves_traces {
            match open(root, parent, path, FOLDER.union(OFlags::NOATIME)) {
                Err(Errno::PERM) => self.leaves_traces = true,
                opened => return opened,
            }
        }
        open(root, parent, path, FOLDER)
    }
}

fn open(
    root: BorrowedFd<'_>,
    parent: Option<&OwnedFd>,
    path: &[u8],
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    match parent {
        _ if path.is_empty() => rustix::fs::openat(root, ".", flags, Mode::empty()),
        Some(parent) => rustix::fs::openat(parent, last_of(path), flags, Mode::empty()),
        None => open_below(root, path, flags),
    }
}

fn last_of(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or_default()
}

/// What is known of one path below `root`.
pub(super) fn ask(root: &OwnedFd, path: &[u8]) -> std::io::Result<(Entry, Identity)> {
    let stat = stat(root.as_fd(), path)?;
    Ok((described(&stat), identity(&stat)))
}

/// Metadata of one path below `root`.
pub(super) fn stat(root: BorrowedFd<'_>, path: &[u8]) -> Result<Stat, Errno> {
    match path.len() {
        0..LONGEST => rustix::fs::statat(root, path, AtFlags::SYMLINK_NOFOLLOW),
        _ => rustix::fs::fstat(open_below(root, path, FOLDER)?),
    }
}

/// Opens a folder by its path, in steps when the path is longer than the kernel takes at once.
fn open_below(root: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut at: Option<OwnedFd> = None;
    let mut rest = path;
    loop {
        let mut end = rest.len();
        if end > LONGEST {
            end = rest[..LONGEST].iter().rposition(|&b| b == b'/').ok_or(Errno::NAMETOOLONG)?;
        }
        let from = at.as_ref().map_or(root, AsFd::as_fd);
        let fd = rustix::fs::openat(from, &rest[..end], flags, Mode::empty())?;
        if end == rest.len() {
            return Ok(fd);
        }
        rest = &rest[end + 1..];
        at = Some(fd);
    }
}

/// The parts of an entry that come from its metadata.
pub(super) fn described(stat: &Stat) -> Entry {
    let is_device = matches!(stat.st_mode & TYPE_BITS, 0o020_000 | 0o060_000);
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let is_holey = is_sparse(stat.st_mode, size, u64::try_from(stat.st_blocks).unwrap_or(0));
    Entry {
        size: if is_device { stat.st_rdev } else { size },
        mtime_ns: stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(nanoseconds),
        mode: stat.st_mode,
        uid: stat.st_uid,
        gid: stat.st_gid,
        flags: if is_holey { SPARSE } else { 0 },
        ..BLANK
    }
}

pub(super) fn identity(stat: &Stat) -> Identity {
    Identity { device: stat.st_dev, inode: stat.st_ino, is_shared: stat.st_nlink > 1 }
}
