//! What the builder was sent last, file by file, so that a change it cannot see is seen here.
//!
//! BuildKit asks for a file again only when its size, time or mode differs from its stored copy.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// Files of one build that are remembered; a larger build is remembered in part.
const MOST: usize = 50_000;

/// Bytes that are read to compare contents; what is left after that is not compared.
const MOST_COMPARED: u64 = 256 << 20;

/// A file as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentFile {
    /// Relative to the context.
    pub path: Vec<u8>,
    pub size: u64,
    pub mtime_ns: i64,
    /// Changes with every change of content, whatever is done to the other time.
    pub ctime_ns: i64,
    /// SHA-256 of the content.
    pub digest: Vec<u8>,
}

/// What readers of one build have sent so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentFiles(Arc<Mutex<Vec<SentFile>>>);

impl SentFiles {
    /// Empties the account.
    pub(crate) fn take(&self) -> Vec<SentFile> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the account holds so far.
    pub(crate) fn so_far(&self) -> Vec<SentFile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, file: SentFile) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.push(file);
        }
    }

    /// Reads `file` and notes it once it was read to its end.
    pub(crate) fn watch(&self, path: &[u8], file: File) -> io::Result<Watched> {
        let known = file.metadata()?;
        Ok(Watched {
            file,
            known,
            path: path.to_owned(),
            hasher: Some(Sha256::new()),
            account: self.clone(),
        })
    }
}

/// A file that is being sent.
#[derive(Debug)]
pub(crate) struct Watched {
    file: File,
    known: Metadata,
    path: Vec<u8>,
    /// `None` once the file is noted.
    hasher: Option<Sha256>,
    account: SentFiles,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        if n > 0 || buffer.is_empty() {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..n]);
            }
        } else if let Some(hasher) = self.hasher.take() {
            self.account.add(SentFile {
                path: std::mem::take(&mut self.path),
                size: self.known.len(),
                mtime_ns: nanos(self.known.mtime(), self.known.mtime_nsec()),
                ctime_ns: nanos(self.known.ctime(), self.known.ctime_nsec()),
                digest: hasher.finalize().to_vec(),
            });
        }
        Ok(n)
    }
}

pub(crate) fn nanos(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// The files below `root` that are not what was sent, although size and time say so. `sent` is
/// sorted by path.
pub(crate) fn unseen_changes(root: &Path, sent: &[SentFile]) -> Vec<PathBuf> {
    let mut left = MOST_COMPARED;
    let mut found = Vec::new();
    for file in sent {
        let path = PathBuf::from(OsStr::from_bytes(&file.path));
        let Ok(now) = fs::symlink_metadata(root.join(&path)) else { continue };
        let is_same = now.is_file()
            && now.len() == file.size
            && nanos(now.mtime(), now.mtime_nsec()) == file.mtime_ns;
        let is_untouched = nanos(now.ctime(), now.ctime_nsec()) == file.ctime_ns;
        if !is_same || is_untouched || file.size > left {
            continue;
        }
        // It may have been sent to several engines.
        if found.last() == Some(&path) {
            continue;
        }
        left -= file.size;
        if digest(&root.join(&path)).is_ok_and(|digest| digest != file.digest) {
            found.push(path);
        }
    }
    found
}

pub(crate) fn digest(path: &Path) -> io::Result<Vec<u8>> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().to_vec()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_that_the_builder_cannot_see_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let open = |name: &str| File::open(folder.path().join(name)).unwrap();
        for name in ["same", "touched", "changed", "kept time"] {
            write(name, "one");
        }
        let account = SentFiles::default();
        for name in ["same", "touched", "changed", "kept time"] {
            let mut file = account.watch(name.as_bytes(), open(name)).unwrap();
            io::copy(&mut file, &mut io::sink()).unwrap();
        }
        let sent = account.take();
        assert_eq!(sent.len(), 4);
        let time = fs::metadata(folder.path().join("kept time")).unwrap().modified().unwrap();
        write("kept time", "two");
        open("kept time").set_modified(time).unwrap();
        open("touched").set_modified(time).unwrap();
        write("changed", "three");
        let twice: Vec<SentFile> =
            sent.iter().flat_map(|file| [file.clone(), file.clone()]).collect();
        for sent in [&sent, &twice] {
            assert_eq!(unseen_changes(folder.path(), sent), [PathBuf::from("kept time")]);
        }
    }
}
