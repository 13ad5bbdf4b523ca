//! What builds were made from: compressed JSON, the list of files once for all builds that had it.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use careen_model::missed::{BuildInputs, InputFile, InputRecord, StepInputs, StepState};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use rusqlite::{OptionalExtension, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{History, Project};
use crate::manifest::DIGEST;
use crate::{Error, digest};

/// Version of [`Stored`]; another one is not read.
const VERSION: u32 = 1;

/// What a list may unpack to at most.
const LARGEST: u64 = 512 << 20;

/// The inputs of one build as they lie in the store.
#[derive(Debug, Clone)]
pub struct KeptInputs {
    /// Seconds since the Unix epoch at which the build had ended.
    pub ended_at: i64,
    body: Vec<u8>,
    files: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    no_cache: bool,
    builder: Option<String>,
    arguments: BTreeMap<String, String>,
    bases: BTreeMap<String, String>,
    steps: Vec<StoredStep>,
    cache_before: Option<Vec<StoredRecord>>,
    /// `None` when it could not be read.
    cache_after: Option<Vec<StoredRecord>>,
    #[serde(default)]
    own_records: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredStep {
    id: String,
    name: String,
    stage: String,
    text: String,
    digest: String,
    settings: Vec<(String, String)>,
    arguments: Vec<String>,
    sources: Vec<String>,
    caches: Vec<(String, String)>,
    bases: Vec<String>,
    parents: Vec<String>,
    /// `ran`, `cached`, or anything else for one that came to no end.
    state: String,
}

/// Id, kind, description.
type StoredRecord = (String, String, String);
/// Path, mode, size, the two times, inode, target of a link, digest.
type StoredFile = (String, u32, u64, i64, i64, u64, String, Option<String>);

impl KeptInputs {
    /// `None` where a newer careen wrote it, or it is damaged: then there is nothing to compare.
    pub fn open(&self) -> Option<BuildInputs> {
        let stored: Stored = unpack(&self.body)?;
        if stored.version != VERSION {
            return None;
        }
        let files = match &self.files {
            Some(packed) => Some(unpack::<Vec<StoredFile>>(packed)?),
            None => None,
        };
        let records = |all: Option<Vec<StoredRecord>>| {
            all.map(|all| {
                let each = all.into_iter();
                each.map(|(id, kind, description)| InputRecord { id, kind, description }).collect()
            })
        };
        Some(BuildInputs {
            no_cache: stored.no_cache,
            builder: stored.builder,
            arguments: stored.arguments,
            bases: stored.bases,
            steps: stored.steps.into_iter().map(StoredStep::into_step).collect(),
            files: files.map(|files| files.into_iter().map(file_from).collect()),
            cache_before: records(stored.cache_before),
            cache_after: records(stored.cache_after),
            own_records: stored.own_records,
            pruned_before: None,
        })
    }
}

impl Stored {
    fn of(inputs: &BuildInputs) -> Stored {
        let records = |all: &Option<Vec<InputRecord>>| {
            let one = |record: &InputRecord| {
                (record.id.clone(), record.kind.clone(), record.description.clone())
            };
            all.as_ref().map(|all| all.iter().map(one).collect())
        };
        Stored {
            version: VERSION,
            no_cache: inputs.no_cache,
            builder: inputs.builder.clone(),
            arguments: inputs.arguments.clone(),
            bases: inputs.bases.clone(),
            steps: inputs.steps.iter().map(StoredStep::of).collect(),
            cache_before: records(&inputs.cache_before),
            cache_after: records(&inputs.cache_after),
            own_records: inputs.own_records.clone(),
        }
    }
}

impl StoredStep {
    fn of(step: &StepInputs) -> StoredStep {
        let step = step.clone();
        let state = match step.state {
            StepState::Ran => "ran",
            StepState::Cached => "cached",
            StepState::Unfinished => "unfinished",
        };
        StoredStep {
            id: step.id,
            name: step.name,
            stage: step.stage,
            text: step.text,
            digest: step.digest,
            settings: step.settings,
            arguments: step.arguments,
            sources: step.sources,
            caches: step.caches,
            bases: step.bases,
            parents: step.parents,
            state: state.to_owned(),
        }
    }

    fn into_step(self) -> StepInputs {
        StepInputs {
            state: match self.state.as_str() {
                "ran" => StepState::Ran,
                "cached" => StepState::Cached,
                _ => StepState::Unfinished,
            },
            id: self.id,
            name: self.name,
            stage: self.stage,
            text: self.text,
            digest: self.digest,
            settings: self.settings,
            arguments: self.arguments,
            sources: self.sources,
            caches: self.caches,
            bases: self.bases,
            parents: self.parents,
        }
    }
}

fn file_of(file: &InputFile) -> StoredFile {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let digest =
        file.digest.as_ref().map(|digest| digest::hex(&digest[..digest.len().min(DIGEST)]));
    let InputFile { mode, size, mtime_ns, ctime_ns, inode, .. } = *file;
    (text(&file.path), mode, size, mtime_ns, ctime_ns, inode, text(&file.link), digest)
}

fn file_from(stored: StoredFile) -> InputFile {
    let (path, mode, size, mtime_ns, ctime_ns, inode, link, digest) = stored;
    InputFile {
        path: path.into_bytes(),
        mode,
        size,
        mtime_ns,
        ctime_ns,
        inode,
        link: link.into_bytes(),
        digest: digest.and_then(|digits| bytes_of(&digits)),
    }
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(pair).collect()
}

fn pack(value: &impl Serialize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let text = serde_json::to_vec(value).expect("plain data");
    encoder.write_all(&text).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut text = Vec::new();
    ZlibDecoder::new(bytes).take(LARGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

impl History {
    /// Keeps what the build with this label was made from.
    pub fn keep_inputs(
        &self,
        project: &Project,
        label: &str,
        inputs: &BuildInputs,
    ) -> Result<(), Error> {
        let number = label.parse().map_err(|_| Error::NoBuild { label: label.to_owned() })?;
        let Some((build, _)) = self.find(project, number)? else { return Ok(()) };
        let body = pack(&Stored::of(inputs));
        let files = inputs.files.as_ref().map(|files| {
            let files: Vec<StoredFile> = files.iter().map(file_of).collect();
            pack(&files)
        });
        let name = files.as_deref().map(digest::of);
        let transaction = self.write()?;
        let insert = || {
            if let (Some(name), Some(files)) = (&name, &files) {
                let sql = "INSERT OR IGNORE INTO file_list (digest, body) VALUES (?1, ?2)";
                transaction.execute(sql, params![name, files])?;
            }
            let sql =
                "INSERT OR REPLACE INTO build_input (build, body, file_list) VALUES (?1, ?2, ?3)";
            transaction.execute(sql, params![build, body, name])
        };
        insert().map_err(|err| self.failed(err))?;
        transaction.commit().map_err(|err| self.failed(err))
    }

    /// What a build was made from: the one with this label, or the newest that tells it.
    pub fn inputs(
        &self,
        project: &Project,
        label: Option<&str>,
    ) -> Result<Option<KeptInputs>, Error> {
        let number: Option<i64> = match label {
            Some(label) => {
                let missing = |_| Error::NoBuild { label: label.to_owned() };
                Some(label.parse().map_err(missing)?)
            }
            None => None,
        };
        let read = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT started_at + total_ns / 1000000000, build_input.body, file_list.body
                 FROM build_input
                 JOIN build ON build.id = build_input.build
                 JOIN project ON project.id = build.project
                 LEFT JOIN file_list ON file_list.digest = build_input.file_list
                 WHERE project.key = ?1 AND (?2 IS NULL OR number = ?2)
                 ORDER BY number DESC LIMIT 1",
            )?;
            let row = params![project.key(), number];
            let kept = |row: &rusqlite::Row<'_>| {
                Ok(KeptInputs { ended_at: row.get(0)?, body: row.get(1)?, files: row.get(2)? })
            };
            statement.query_row(row, kept).optional()
        };
        read().map_err(|err| self.failed(err))
    }

    /// Bytes that make digests of this project's values worthless elsewhere.
    pub fn salt(&self, project: &Project) -> Result<Vec<u8>, Error> {
        let read = || {
            self.connection.execute(
                "INSERT OR IGNORE INTO salt (project, salt)
                 SELECT id, randomblob(32) FROM project WHERE key = ?1",
                [project.key()],
            )?;
            let sql =
                "SELECT salt FROM salt JOIN project ON project.id = salt.project WHERE key = ?1";
            self.connection.query_row(sql, [project.key()], |row| row.get(0))
        };
        read().map_err(|err| self.failed(err))
    }
}
