//! The files of a build, listed by the exact walk and read from disk when the builder asks.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use careen_engine::{FileSource, SyncEntry, SyncRequest};
use careen_host::walk::{FaultKind, WalkRequest, walk};

use crate::apply;
use crate::manifest::Manifest;
use crate::sent_files::{SentFile, SentFiles};

/// The builder's name for the main context.
const CONTEXT: &str = "context";

/// Serves the context and the Dockerfile's folder to the builder.
#[derive(Debug, Clone)]
pub struct ContextFiles {
    context: PathBuf,
    dockerfile_folder: PathBuf,
    sent: SentFiles,
    manifest: Manifest,
}

impl ContextFiles {
    /// `dockerfile` may lie outside of the context.
    pub fn new(context: &Path, dockerfile: &Path) -> ContextFiles {
        let folder = dockerfile.parent().filter(|folder| !folder.as_os_str().is_empty());
        ContextFiles {
            context: context.to_owned(),
            dockerfile_folder: folder.unwrap_or(Path::new(".")).to_owned(),
            sent: SentFiles::default(),
            manifest: Manifest::default(),
        }
    }

    /// The files of the context that were sent to their end since the last call.
    pub fn take_sent(&self) -> Vec<SentFile> {
        self.sent.take()
    }

    /// The account of what the builder was told of the context.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn sent(&self) -> &SentFiles {
        &self.sent
    }

    pub(crate) fn context(&self) -> &Path {
        &self.context
    }

    fn root(&self, name: &str) -> Result<&Path, String> {
        match name {
            CONTEXT => Ok(&self.context),
            "dockerfile" => Ok(&self.dockerfile_folder),
            other => Err(format!("the builder asked for a folder named {other}")),
        }
    }
}

impl FileSource for ContextFiles {
    fn list(&self, request: &SyncRequest) -> Result<Vec<SyncEntry>, String> {
        let root = self.root(&request.name)?;
        let mut exclude = request.exclude.clone();
        // Ours, and different after every fix: sent, it would run steps again for nothing.
        exclude.push(format!("**/{}", apply::FOLDER));
        let asked = WalkRequest {
            root: root.to_owned(),
            exclude,
            include: request.include.clone(),
            follow: Some(request.follow.clone()),
            threads: None,
            ..WalkRequest::default()
        };
        let listing = walk(&asked).map_err(|err| err.to_string())?;
        let stops = |kind| matches!(kind, FaultKind::UnreadableFolder | FaultKind::Unreadable);
        if let Some(fault) = listing.faults.iter().find(|fault| stops(fault.kind)) {
            let path = root.join(OsStr::from_bytes(&fault.path));
            return Err(format!("{}: {}", path.display(), fault.error));
        }
        let mut entries: Vec<SyncEntry> = Vec::with_capacity(listing.len());
        let mut not_text = None;
        listing.for_each(|path, view| {
            if not_text.is_none() && std::str::from_utf8(path).is_err() {
                not_text = Some(root.join(OsStr::from_bytes(path)));
            }
            // A file that Docker's client takes for another is sent as what it is.
            let hard_link = view.hard_link.filter(|_| !view.mistaken);
            let link = match (view.link, hard_link) {
                (Some(target), _) => target.to_vec(),
                (None, Some(first)) => entries[first].path.clone(),
                (None, None) => vec![],
            };
            entries.push(SyncEntry {
                path: path.to_vec(),
                mode: view.mode,
                // Later names of a file carry no content of their own, as fsutil has it.
                size: if view.is_file() && hard_link.is_none() { view.size } else { 0 },
                mtime_ns: view.mtime_ns,
                link,
                device_major: rustix::fs::major(view.device),
                device_minor: rustix::fs::minor(view.device),
                attributes: vec![],
            });
        });
        if let Some(path) = not_text {
            // The protocol carries names as UTF-8; the builder would break off without a name.
            return Err(format!("the name of {} is not UTF-8", path.display()));
        }
        // A builder asks for the ignore file alone, and no step takes that listing.
        let is_ignore = |path: &String| path.ends_with(".dockerignore");
        let is_aside = !request.follow.is_empty() && request.follow.iter().all(is_ignore);
        if request.name == CONTEXT && !is_aside {
            self.manifest.told(&entries);
        }
        Ok(entries)
    }

    fn open(&self, name: &str, path: &[u8]) -> io::Result<Box<dyn Read + Send>> {
        let root = self.root(name).map_err(io::Error::other)?;
        let file = File::open(root.join(OsStr::from_bytes(path)))?;
        if name == CONTEXT {
            return Ok(Box::new(self.sent.watch(path, file)?));
        }
        Ok(Box::new(file))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_journal_is_never_sent() {
        let folder = tempfile::tempdir().unwrap();
        for path in [".careen/journal/0001", "sub/.careen", "src"] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for path in
            [".careen/journal/0001/manifest.json", "sub/.careen/lock", "src/a", "Dockerfile"]
        {
            fs::write(folder.path().join(path), "x").unwrap();
        }
        let files = ContextFiles::new(folder.path(), &folder.path().join("Dockerfile"));
        let listed = |exclude: &[&str]| -> Vec<String> {
            let exclude = exclude.iter().map(|&pattern| pattern.to_owned()).collect();
            let (name, include, follow) = ("context".to_owned(), vec![], vec![]);
            let request = SyncRequest { name, include, exclude, follow };
            let entries = files.list(&request).unwrap().into_iter();
            entries.map(|entry| String::from_utf8(entry.path).unwrap()).collect()
        };
        assert_eq!(listed(&[]), ["Dockerfile", "src", "src/a", "sub"]);
        assert_eq!(listed(&["*", "!src", "!.careen"]), ["src", "src/a"]);
    }
}
