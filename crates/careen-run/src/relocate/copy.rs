//! The copy itself: folders, files by several threads, links, then modes and times.

use std::collections::HashSet;
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use rustix::process::geteuid;
use sha2::{Digest, Sha256};

use super::survey::{Entry, Kind, Survey};
use super::{Job, Point, stage};
use crate::Error;

/// Files wait for the slow side one by one, so several at a time hide its delay.
const WORKERS: usize = 8;
pub(super) const PIECE: usize = 256 << 10;

/// SHA-256 of each file's content as it was read from the original, by its place in the survey.
pub(super) type Hashes = Vec<Option<[u8; 32]>>;

/// Bytes of files that are whole in the copy already.
pub(super) fn found(survey: &Survey, tree: &Path) -> u64 {
    let files = survey.entries.iter().filter(|entry| entry.kind == Kind::File);
    files.filter(|entry| is_there(entry, tree)).map(|entry| entry.size).sum()
}

/// A file gets its time as the last thing, so the right time means that it is whole. Its content
/// is compared all the same.
fn is_there(entry: &Entry, tree: &Path) -> bool {
    let meta = fs::symlink_metadata(tree.join(&entry.path));
    meta.is_ok_and(|meta| {
        meta.is_file()
            && meta.len() == entry.size
            && (meta.mtime(), meta.mtime_nsec()) == entry.modified
    })
}

pub(super) fn run(job: &Job<'_>) -> Result<Hashes, Error> {
    clear(job)?;
    for entry in job.survey.entries.iter().filter(|entry| entry.kind == Kind::Folder) {
        let path = job.tree.join(&entry.path);
        match fs::create_dir(&path) {
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => open_folder(&path),
            made => made.map_err(Error::io("making", &path))?,
        }
    }
    (job.watcher)(Point::Folders)?;
    let hashes = files(job)?;
    for entry in &job.survey.entries {
        let path = job.tree.join(&entry.path);
        let made = match &entry.kind {
            Kind::Link { target } => again(&path, |path| symlink(target, path)),
            Kind::SameAs(first) => again(&path, |path| fs::hard_link(job.tree.join(first), path)),
            Kind::File | Kind::Folder => continue,
        };
        made.map_err(Error::io("linking", &path))?;
        if matches!(entry.kind, Kind::Link { .. }) {
            own(entry, &path)?;
            let time = |(seconds, nanoseconds): (i64, i64)| Timespec {
                tv_sec: seconds,
                tv_nsec: nanoseconds,
            };
            let times = time(entry.modified);
            let times = Timestamps { last_access: times, last_modification: times };
            utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|err| Error::io("dating", &path)(err.into()))?;
        }
    }
    (job.watcher)(Point::Links)?;
    // Children first: writing into a folder changes its time, and its mode may forbid it.
    for entry in job.survey.entries.iter().rev().filter(|entry| entry.kind == Kind::Folder) {
        let path = job.tree.join(&entry.path);
        own(entry, &path)?;
        let folder = File::open(&path).map_err(Error::io("reading", &path))?;
        folder
            .set_permissions(Permissions::from_mode(entry.mode))
            .and_then(|()| folder.set_times(FileTimes::new().set_modified(modified(entry))))
            .map_err(Error::io("dating", &path))?;
    }
    (job.watcher)(Point::Times)?;
    Ok(hashes)
}

/// Removes what an interrupted run left that the original does not have, or has as another kind.
fn clear(job: &Job<'_>) -> Result<(), Error> {
    if job.tree.symlink_metadata().is_err() {
        return Ok(());
    }
    let kinds = job.survey.entries.iter().map(|entry| {
        (entry.path.as_path(), std::mem::discriminant(&entry.kind), entry.kind == Kind::Folder)
    });
    let kinds: Vec<_> = kinds.collect();
    let folders: HashSet<&Path> =
        kinds.iter().filter(|(.., folder)| *folder).map(|(path, ..)| *path).collect();
    let others: HashSet<&Path> =
        kinds.iter().filter(|(.., folder)| !folder).map(|(path, ..)| *path).collect();
    let mut open = vec![PathBuf::new()];
    while let Some(path) = open.pop() {
        let full = job.tree.join(&path);
        open_folder(&full);
        for child in fs::read_dir(&full).map_err(Error::io("reading", &full))?.flatten() {
            let (path, full) = (path.join(child.file_name()), child.path());
            let is_folder = child.file_type().is_ok_and(|kind| kind.is_dir());
            match is_folder {
                true if folders.contains(path.as_path()) => open.push(path),
                true => stage::remove(&full)?,
                false if others.contains(path.as_path()) => {}
                false => fs::remove_file(&full).map_err(Error::io("removing", &full))?,
            }
        }
    }
    Ok(())
}

/// Copies the files; the first error stops all threads.
fn files(job: &Job<'_>) -> Result<Hashes, Error> {
    let entries = &job.survey.entries;
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let failure: Mutex<Option<Error>> = Mutex::new(None);
    let work = || {
        let mut buffer = vec![0; PIECE];
        let mut done = Vec::new();
        while !stopped.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = entries.get(n) else { break };
            if entry.kind != Kind::File {
                continue;
            }
            match file(job, entry, &mut buffer).and_then(|hash| {
                (job.watcher)(Point::File)?;
                Ok(hash)
            }) {
                Ok(hash) => done.push((n, hash)),
                Err(err) => {
                    stopped.store(true, Ordering::Relaxed);
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(err);
                }
            }
        }
        done
    };
    let mut hashes = vec![None; entries.len()];
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let Ok(done) = worker.join() else {
                stopped.store(true, Ordering::Relaxed);
                continue;
            };
            for (n, hash) in done {
                hashes[n] = Some(hash);
            }
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(err) => Err(err),
        None => Ok(hashes),
    }
}

/// Copies one file, unless it is there, and gives the digest of the original's content.
fn file(job: &Job<'_>, entry: &Entry, buffer: &mut [u8]) -> Result<[u8; 32], Error> {
    let (from, to) = (job.from.join(&entry.path), job.tree.join(&entry.path));
    let is_there = is_there(entry, job.tree);
    let mut source = File::open(&from).map_err(Error::io("reading", &from))?;
    let mut target = None;
    if !is_there {
        // Over a file of an interrupted run, whatever its mode.
        again(&to, |_| Ok(())).map_err(Error::io("removing", &to))?;
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to);
        target = Some(made.map_err(Error::io("writing", &to))?);
    }
    let mut hash = Sha256::new();
    let mut size = 0;
    loop {
        if job.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let n = source.read(buffer).map_err(Error::io("reading", &from))?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        size += n as u64;
        if let Some(target) = &mut target {
            target.write_all(&buffer[..n]).map_err(Error::io("writing", &to))?;
        }
        job.progress.copied.fetch_add(n as u64, Ordering::Relaxed);
    }
    if size != entry.size {
        return Err(Error::ChangedMeanwhile { path: from });
    }
    if let Some(target) = target {
        own(entry, &to)?;
        target
            .set_permissions(Permissions::from_mode(entry.mode))
            .and_then(|()| target.set_times(FileTimes::new().set_modified(modified(entry))))
            .map_err(Error::io("dating", &to))?;
    }
    Ok(hash.finalize().into())
}

/// Makes an entry at a path where an interrupted run may have left one.
fn again(path: &Path, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    make(path)
}

/// Keeps the owner where we may: only root can give files away. Before the mode, because a change
/// of owner clears its special bits.
fn own(entry: &Entry, path: &Path) -> Result<(), Error> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let (user, group) = entry.owner;
    lchown(path, Some(user), Some(group)).map_err(Error::io("giving", path))
}

fn modified(entry: &Entry) -> SystemTime {
    let (seconds, nanoseconds) = entry.modified;
    let nanoseconds = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let start = if seconds < 0 { UNIX_EPOCH - whole } else { UNIX_EPOCH + whole };
    start + nanoseconds
}

/// Gives us the right to work in a folder of ours; its real mode comes at the end.
fn open_folder(path: &Path) {
    // Where this fails, the step that needs it says why.
    let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
}

/// The same for a whole tree, before it is removed.
pub(super) fn open_folders(tree: &Path) {
    let mut open = vec![tree.to_owned()];
    while let Some(folder) = open.pop() {
        open_folder(&folder);
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let folders =
            entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        open.extend(folders.map(|entry| entry.path()));
    }
}
