//! What each fix of one change did: the files after its first fixes, kept beside the entry.
//!
//! Nothing depends on them but proofs that tell fixes apart; a change without them counts as one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::manifest::{Folder, Name};
use super::{Journal, disk};
use crate::Error;

/// Version of `stages.json` that this careen writes and the newest it reads.
const VERSION: u32 = 1;

/// Fixes that belong together because nothing lies between them, and the files after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Names of the rules, in the order they were applied.
    pub rules: Vec<String>,
    /// Every file that differs by now from what it was before the whole change.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    stages: Vec<StoredStage>,
}

#[derive(Serialize, Deserialize)]
struct StoredStage {
    rules: Vec<String>,
    files: Vec<(Name, Name)>,
}

impl Journal {
    /// Keeps the stages of an entry, the last of which is the whole change. Paths are as in the
    /// plan. One stage alone says nothing and is not kept.
    pub fn keep_stages(&self, id: &str, stages: &[Stage]) -> Result<(), Error> {
        if stages.len() < 2 {
            return Ok(());
        }
        let _lock = self.lock()?;
        let stage = |stage: &Stage| StoredStage {
            rules: stage.rules.clone(),
            files: stage
                .files
                .iter()
                .map(|(path, bytes)| (Name::of(path), Name::of_bytes(bytes)))
                .collect(),
        };
        let stored = Stored { version: VERSION, stages: stages.iter().map(stage).collect() };
        let folder = self.folder_of(id);
        let (draft, path) = (folder.path.join("stages.draft"), stages_file(&folder));
        disk::write(&draft, &serde_json::to_vec(&stored).expect("stages are plain data"))?;
        fs::rename(&draft, &path).map_err(Error::io("writing", &path))
    }

    /// The stages of an entry with absolute paths; none where none were kept, or by a newer careen.
    pub fn stages(&self, id: &str) -> Result<Vec<Stage>, Error> {
        let folder = self.folder_of(id);
        let path = stages_file(&folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            Err(err) => return Err(Error::io("reading", &path)(err)),
        };
        let damaged = |err: serde_json::Error| Error::JournalDamaged {
            path: folder.path.clone(),
            error: err.to_string(),
        };
        let stored: Stored = serde_json::from_slice(&text).map_err(damaged)?;
        if stored.version > VERSION {
            return Ok(vec![]);
        }
        let file = |(path, bytes): (Name, Name)| (self.root.join(path.path()), bytes.bytes());
        let stage = |stage: StoredStage| Stage {
            rules: stage.rules,
            files: stage.files.into_iter().map(file).collect(),
        };
        Ok(stored.stages.into_iter().map(stage).collect())
    }

    fn folder_of(&self, id: &str) -> Folder {
        let known = self.entries().ok().and_then(|entries| {
            entries.into_iter().map(|entry| entry.id).find(|known| super::same_id(known, id))
        });
        let id = known.unwrap_or_else(|| id.to_owned());
        Folder { path: self.entries_folder().join(&id), id }
    }
}

fn stages_file(folder: &Folder) -> PathBuf {
    let path: &Path = &folder.path;
    path.join("stages.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_kept_beside_their_entry() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Dockerfile"), b"a\n").unwrap();
        let journal = Journal::of(folder.path()).unwrap();
        let change = careen_model::FileChange {
            path: "Dockerfile".into(),
            before: Some(b"a\n".to_vec()),
            after: b"c\xff\n".to_vec(),
            executable: false,
        };
        let plan = careen_model::Plan { files: vec![change], ..careen_model::Plan::default() };
        let id = journal.apply(&plan, 1).unwrap().unwrap().id;
        assert_eq!(journal.stages(&id).unwrap(), []);
        let stage = |rule: &str, text: &[u8]| Stage {
            rules: vec![rule.to_owned()],
            files: BTreeMap::from([("Dockerfile".into(), text.to_vec())]),
        };
        journal.keep_stages(&id, &[stage("one", b"b\n")]).unwrap();
        assert_eq!(journal.stages(&id).unwrap(), [], "one stage says nothing");
        journal.keep_stages(&id, &[stage("one", b"b\n"), stage("two", b"c\xff\n")]).unwrap();
        let kept = journal.stages(&id).unwrap();
        let path = fs::canonicalize(folder.path()).unwrap().join("Dockerfile");
        assert_eq!(kept[0].files[&path], b"b\n");
        assert_eq!(
            (kept[1].rules[0].as_str(), &kept[1].files[&path][..]),
            ("two", &b"c\xff\n"[..])
        );
        // They are in nobody's way.
        journal.undo(super::super::Which::Last, super::super::Edited::Refuse, 2).unwrap();
        assert_eq!(fs::read(folder.path().join("Dockerfile")).unwrap(), b"a\n");
    }
}
