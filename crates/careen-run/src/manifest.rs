//! The files that a builder was told of, with digests of their content, at no cost to the build.
//!
//! What is sent is hashed on its way; what the build before knew and nobody touched is taken from
//! there; the rest is read while the build runs, and not at all once it has ended.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};

use careen_engine::SyncEntry;
use careen_model::missed::InputFile;

use crate::sent_files::{SentFiles, digest, nanos};

/// Bytes of a digest that are kept: two files are never mistaken for each other by chance.
pub(crate) const DIGEST: usize = 16;

/// Files by their path; nothing before the builder was told of them.
type Told = Option<BTreeMap<Vec<u8>, InputFile>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest(Arc<Mutex<Told>>);

/// How far a build has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// The builder has the files: nothing is hashed on its way any more.
    Sent,
    Ended,
}

impl Manifest {
    pub(crate) fn told(&self, entries: &[SyncEntry]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.get_or_insert_default();
        for entry in entries {
            let file = InputFile {
                path: entry.path.clone(),
                mode: entry.mode,
                size: entry.size,
                mtime_ns: entry.mtime_ns,
                link: entry.link.clone(),
                ..InputFile::default()
            };
            all.insert(entry.path.clone(), file);
        }
    }

    /// Waits for the files to be sent, then finds their digests until the build has ended.
    ///
    /// `before` gives the files of the build before and is asked for once.
    pub(crate) fn settle(
        &self,
        root: &Path,
        sent: &SentFiles,
        before: impl FnOnce() -> Option<Vec<InputFile>>,
        news: &Receiver<News>,
    ) -> Option<Vec<InputFile>> {
        let before: BTreeMap<Vec<u8>, InputFile> =
            before().into_iter().flatten().map(|file| (file.path.clone(), file)).collect();
        let mut read: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut next = news.recv().unwrap_or(News::Ended);
        loop {
            // An engine may end the step of the context before it asks for any file, and again.
            let mut files = self.so_far();
            let sent = sent.so_far().into_iter().map(|file| (file.path, file.digest));
            let sent: BTreeMap<Vec<u8>, Vec<u8>> = sent.collect();
            for file in files.iter_mut().flatten() {
                let path = root.join(OsStr::from_bytes(&file.path));
                if let Ok(meta) = fs::symlink_metadata(&path)
                    && nanos(meta.mtime(), meta.mtime_nsec()) == file.mtime_ns
                {
                    file.ctime_ns = nanos(meta.ctime(), meta.ctime_nsec());
                    file.inode = meta.ino();
                }
                let as_before = || {
                    let known = before.get(&file.path)?;
                    is_untouched(known, file).then(|| known.digest.clone()).flatten()
                };
                let known = sent.get(&file.path).or_else(|| read.get(&file.path)).cloned();
                file.digest = known.or_else(as_before);
                // As long as what the history keeps, or the two would never be equal.
                if let Some(digest) = &mut file.digest {
                    digest.truncate(DIGEST);
                }
            }
            if next == News::Ended {
                return files;
            }
            let unknown = files.into_iter().flatten();
            let mut unknown = unknown.filter(|file| has_content(file) && file.digest.is_none());
            next = loop {
                match news.try_recv() {
                    Ok(news) => break news,
                    // Who is gone without a word does not want it to stop.
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => (),
                }
                let Some(file) = unknown.next() else { break news.recv().unwrap_or(News::Ended) };
                // What cannot be read has no digest; the sync tells the fault.
                if let Ok(digest) = digest(&root.join(OsStr::from_bytes(&file.path))) {
                    read.insert(file.path, digest);
                }
            };
        }
    }

    fn so_far(&self) -> Option<Vec<InputFile>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.as_ref().map(|all| all.values().cloned().collect())
    }
}

fn is_untouched(known: &InputFile, file: &InputFile) -> bool {
    let key = |file: &InputFile| (file.size, file.mtime_ns, file.ctime_ns, file.inode);
    file.ctime_ns != 0 && key(known) == key(file)
}

fn has_content(file: &InputFile) -> bool {
    file.mode & 0o170_000 == 0o100_000 && file.link.is_empty() && file.size > 0
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn entry(path: &str, root: &Path) -> SyncEntry {
        let meta = fs::symlink_metadata(root.join(path)).unwrap();
        SyncEntry {
            path: path.into(),
            mode: meta.mode(),
            size: meta.len(),
            mtime_ns: nanos(meta.mtime(), meta.mtime_nsec()),
            link: vec![],
            device_major: 0,
            device_minor: 0,
            attributes: vec![],
        }
    }

    #[test]
    fn only_what_nobody_knows_is_read_and_only_while_the_build_runs() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["known", "new"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let settle = |before: Option<Vec<InputFile>>, said: &[News]| {
            let manifest = Manifest::default();
            let entries = ["known", "new"].map(|name| entry(name, folder.path()));
            manifest.told(&entries);
            let (sender, news) = channel();
            for news in said {
                sender.send(*news).unwrap();
            }
            drop(sender);
            manifest.settle(folder.path(), &SentFiles::default(), || before, &news).unwrap()
        };
        let read = settle(None, &[News::Sent]);
        assert!(read.iter().all(|file| file.digest.is_some()), "{read:?}");
        let mut before = read.clone();
        before[0].digest = Some(b"as before".to_vec());
        before[1].ctime_ns -= 1;
        let again = settle(Some(before.clone()), &[News::Sent]);
        assert_eq!(again[0].digest, before[0].digest, "an untouched file was read");
        assert_eq!(again[1].digest, read[1].digest, "a touched file was not read");
        let ended = settle(Some(before), &[News::Ended]);
        assert_eq!((ended[0].digest.is_some(), ended[1].digest.is_some()), (true, false));
    }
}
