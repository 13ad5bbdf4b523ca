//! The journal on the disk: one folder per change, with a manifest and both states of each file.
//!
//! ```text
//! .careen/journal/0001/
//!   before/0  after/0 …   content, one pair per file of the manifest
//!   stages.json           files after the first fixes of the change, where it has several
//!   manifest.json         written last before anything else is touched
//!   committed             from here on the change is finished, never taken back
//!   done                  every file has its new content
//! ```

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::{self, State};
use crate::{Error, digest};

/// Version of `manifest.json` that this careen writes and the newest it reads.
const VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) version: u32,
    /// Seconds since the Unix epoch.
    pub(super) at: i64,
    pub(super) rules: Vec<String>,
    /// The change that this one takes back.
    pub(super) undoes: Option<String>,
    /// Folders that did not exist before, outermost first.
    pub(super) makes: Vec<Name>,
    /// Folders that go when they are empty afterwards, outermost first.
    pub(super) drops: Vec<Name>,
    pub(super) files: Vec<Row>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    /// As the plan named it.
    pub(super) path: Name,
    /// The regular file behind `path`, links resolved, relative to the project.
    pub(super) target: Name,
    /// `None`: the file did not exist.
    pub(super) before: Option<State>,
    /// `None`: the file is removed.
    pub(super) after: Option<State>,
}

/// A path or a content in JSON: text where it is UTF-8, bytes where it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl Name {
    pub(super) fn of(path: &Path) -> Name {
        match path.to_str() {
            Some(text) => Name::Text(text.to_owned()),
            None => Name::Bytes(path.as_os_str().as_bytes().to_vec()),
        }
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Name {
        match std::str::from_utf8(bytes) {
            Ok(text) => Name::Text(text.to_owned()),
            Err(_) => Name::Bytes(bytes.to_vec()),
        }
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        match self {
            Name::Text(text) => text.into_bytes(),
            Name::Bytes(bytes) => bytes,
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        match self {
            Name::Text(text) => PathBuf::from(text),
            Name::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes.clone())),
        }
    }
}

impl Manifest {
    pub(super) fn new(at: i64, rules: Vec<String>, undoes: Option<String>) -> Manifest {
        Manifest {
            version: VERSION,
            at,
            rules,
            undoes,
            makes: vec![],
            drops: vec![],
            files: vec![],
        }
    }
}

/// One folder of the journal.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) id: String,
    pub(super) path: PathBuf,
}

/// How far a change got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// No manifest: nothing in the project was touched.
    Begun,
    /// The project may hold temporary files, and nothing else.
    Prepared,
    /// Some files may have been replaced.
    Committed,
    Done,
}

impl Folder {
    pub(super) fn before(&self, n: usize) -> PathBuf {
        self.path.join("before").join(n.to_string())
    }

    pub(super) fn after(&self, n: usize) -> PathBuf {
        self.path.join("after").join(n.to_string())
    }

    pub(super) fn mark(&self, name: &str) -> Result<(), Error> {
        disk::write(&self.path.join(name), b"")?;
        disk::sync_folder(&self.path)
    }

    pub(super) fn progress(&self) -> Progress {
        let has = |name: &str| self.path.join(name).exists();
        match () {
            () if has("done") => Progress::Done,
            () if has("committed") => Progress::Committed,
            () if has("manifest.json") => Progress::Prepared,
            () => Progress::Begun,
        }
    }

    pub(super) fn write_manifest(&self, manifest: &Manifest) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(manifest).expect("a manifest is plain data");
        let draft = self.path.join("manifest.draft");
        let path = self.path.join("manifest.json");
        disk::write(&draft, &text)?;
        fs::rename(&draft, &path).map_err(Error::io("writing", &path))?;
        disk::sync_folder(&self.path)
    }

    pub(super) fn read_manifest(&self) -> Result<Manifest, Error> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let path = self.path.join("manifest.json");
        let text = fs::read(&path).map_err(Error::io("reading", &path))?;
        let damaged = |err: serde_json::Error| Error::JournalDamaged {
            path: self.path.clone(),
            error: err.to_string(),
        };
        let Versioned { version: found } = serde_json::from_slice(&text).map_err(damaged)?;
        if found > VERSION {
            return Err(Error::TooNew { path, found, known: VERSION });
        }
        serde_json::from_slice(&text).map_err(damaged)
    }

    /// Content of one side of one file, checked against its digest.
    pub(super) fn content(&self, path: &Path, state: &State) -> Result<Vec<u8>, Error> {
        let bytes = fs::read(path).map_err(Error::io("reading", path))?;
        if digest::of(&bytes) == state.sha256 {
            return Ok(bytes);
        }
        let error = format!("{} does not have the digest of the manifest", path.display());
        Err(Error::JournalDamaged { path: self.path.clone(), error })
    }
}

/// The folders of the journal, oldest first.
pub(super) fn folders(journal: &Path) -> Result<Vec<Folder>, Error> {
    let entries = match fs::read_dir(journal) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(err) => return Err(Error::io("reading", journal)(err)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("reading", journal))?;
        let Ok(id) = entry.file_name().into_string() else { continue };
        if id.parse::<u64>().is_ok() {
            found.push(Folder { id, path: entry.path() });
        }
    }
    found.sort_by_key(|folder| folder.id.parse::<u64>().ok());
    Ok(found)
}
