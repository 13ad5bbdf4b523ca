//! The proof: the copy read back and compared, the original looked at once more.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use rustix::fs::{Advice, fadvise};
use sha2::{Digest, Sha256};

use super::copy::{Hashes, PIECE};
use super::survey::{Entry, Kind, survey};
use super::{Job, survey::Survey};
use crate::Error;
use crate::digest::hex;

/// Compares every entry of the copy with the survey and with the content that was read, and gives
/// the digest of it all.
pub(super) fn run(job: &Job<'_>, hashes: &Hashes) -> Result<String, Error> {
    let copy = survey(job.tree)?;
    let mut whole = Sha256::new();
    let mut buffer = vec![0; PIECE];
    if let Some(path) = difference(job.survey, &copy) {
        return Err(Error::NotTheSame { path: job.tree.join(path) });
    }
    for (n, entry) in job.survey.entries.iter().enumerate() {
        let path = job.tree.join(&entry.path);
        let mut part = |bytes: &[u8]| {
            whole.update((bytes.len() as u64).to_le_bytes());
            whole.update(bytes);
        };
        part(entry.path.as_os_str().as_bytes());
        part(&entry.mode.to_le_bytes());
        match &entry.kind {
            Kind::Folder => part(b"folder"),
            Kind::SameAs(first) => part(first.as_os_str().as_bytes()),
            Kind::Link { target } => part(target.as_os_str().as_bytes()),
            Kind::File => {
                let found = content(job, &path, &mut buffer)?;
                if hashes[n] != Some(found) {
                    // The next run must not take it for whole.
                    fs::remove_file(&path).map_err(Error::io("removing", &path))?;
                    return Err(Error::NotTheSame { path });
                }
                part(&found);
            }
        }
    }
    for entry in &job.survey.entries {
        let path = job.from.join(&entry.path);
        if !is_unchanged(entry, &path) {
            return Err(Error::ChangedMeanwhile { path });
        }
    }
    Ok(hex(&whole.finalize()))
}

/// The first path at which two folders differ in more than content.
fn difference<'a>(original: &'a Survey, copy: &'a Survey) -> Option<&'a Path> {
    // Who is not root owns the whole copy.
    let same = |a: &Entry, b: &Entry| {
        let size = !matches!(a.kind, Kind::File) || a.size == b.size;
        (&a.path, &a.kind, a.mode, a.modified, size) == (&b.path, &b.kind, b.mode, b.modified, true)
            || is_link_of_another_mode(a, b)
    };
    let pairs = original.entries.iter().zip(&copy.entries);
    let differs = pairs.into_iter().find(|(a, b)| !same(a, b)).map(|(a, _)| a.path.as_path());
    let (more, less) = (original.entries.len(), copy.entries.len());
    differs.or_else(|| (more != less).then_some(Path::new("")))
}

/// The mode of a symbolic link means nothing, and file systems differ in it.
fn is_link_of_another_mode(a: &Entry, b: &Entry) -> bool {
    matches!(a.kind, Kind::Link { .. }) && (&a.path, &a.kind) == (&b.path, &b.kind)
}

fn content(job: &Job<'_>, path: &Path, buffer: &mut [u8]) -> Result<[u8; 32], Error> {
    let mut file = File::open(path).map_err(Error::io("reading", path))?;
    // From the disk and not from memory, where the file system can do that; it is written already.
    let _ = fadvise(&file, 0, None, Advice::DontNeed);
    let mut hash = Sha256::new();
    loop {
        if job.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let n = file.read(buffer).map_err(Error::io("reading", path))?;
        if n == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(&buffer[..n]);
        job.progress.compared.fetch_add(n as u64, Ordering::Relaxed);
    }
}

/// Whether the original still is what was copied.
fn is_unchanged(entry: &Entry, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| {
        let is_content = matches!(entry.kind, Kind::File | Kind::SameAs(_));
        (meta.mtime(), meta.mtime_nsec()) == entry.modified
            && (!is_content || meta.len() == entry.size)
    })
}
