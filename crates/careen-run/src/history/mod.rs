//! What builds of a project took: records in SQLite, events in compressed logs beside it.
//!
//! Two careen may use it at once, and killing one never damages it: a build that died is found by
//! its unlocked log and kept as an interrupted one. Everything is redacted before it is written.

mod event_log;
mod inputs;
mod retention;
mod store;
mod stored_missed;
mod transfers;
mod wire;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use careen_model::{BuildRecord, Comparison, LogFormat, Phase, StepRecord};
pub use careen_model::{Listed, State};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

pub use self::event_log::{Ending, EventLog, read_event_lines, read_events};
pub use self::inputs::KeptInputs;
pub use self::retention::{Going, Retention};
use self::wire::StoredRecord;
use crate::redaction::Redaction;
use crate::{Error, digest};

/// The store of all projects of a user.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    connection: Connection,
    purpose: Purpose,
}

/// What an open store may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Everything,
    Reading,
}

/// What builds must have in common to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The remote of the repository; clones of one remote share their history.
    pub remote: Option<String>,
    /// Canonical; identifies the project where there is no remote.
    pub root: PathBuf,
    /// Relative to `root` where it lies in it.
    pub dockerfile: PathBuf,
    pub target: Option<String>,
}

/// A build that has begun: its label and where its events go.
#[derive(Debug)]
pub struct Begun {
    pub label: String,
    pub log: EventLog,
    id: i64,
}

/// Where the history lies: `careen/history.db` under `XDG_DATA_HOME`, or under `~/.local/share`.
///
/// A relative `XDG_DATA_HOME` is ignored, as the XDG base directory specification asks.
pub fn default_path(xdg_data_home: Option<&OsStr>, home: &Path) -> PathBuf {
    let data = match xdg_data_home.map(Path::new) {
        Some(path) if path.is_absolute() => path.to_owned(),
        _ => home.join(".local/share"),
    };
    data.join("careen/history.db")
}

impl History {
    /// Opens or makes the store at `path`; its event logs lie in `builds/` beside it.
    ///
    /// A damaged store is moved aside and told as [`Error::HistoryDamaged`]; opening again starts
    /// a new one.
    pub fn open(path: &Path) -> Result<History, Error> {
        let connection = store::open(path)?;
        store::check_version(&connection, path, store::failed)?;
        let history = History { path: path.to_owned(), connection, purpose: Purpose::Everything };
        fs::create_dir_all(history.logs()).map_err(Error::io("creating", &history.logs()))?;
        history.salvage()?;
        Ok(history)
    }

    /// Opens an existing store for reading only: nothing is made, settled or moved aside.
    pub fn open_for_reading(path: &Path) -> Result<History, Error> {
        let connection = store::open_for_reading(path)?;
        store::check_version(&connection, path, store::told)?;
        Ok(History { path: path.to_owned(), connection, purpose: Purpose::Reading })
    }

    /// Takes the next label of the project and starts an event log for it.
    pub fn begin(&self, project: &Project, started_at: i64) -> Result<Begun, Error> {
        self.begin_as(project, started_at, None)
    }

    /// The same for a build that is read from a log. Killed, it leaves nothing: the log is still
    /// there to be read again.
    pub fn begin_import(
        &self,
        project: &Project,
        started_at: i64,
        format: LogFormat,
    ) -> Result<Begun, Error> {
        self.begin_as(project, started_at, Some(format))
    }

    fn begin_as(
        &self,
        project: &Project,
        started_at: i64,
        imported: Option<LogFormat>,
    ) -> Result<Begun, Error> {
        let transaction = self.write()?;
        let (id, number) = self.insert(&transaction, project, (started_at, imported))?;
        // The row must not be seen before its log is locked, or it would pass for a dead one.
        let log = EventLog::create(&self.log(id))?;
        transaction.commit().map_err(|err| self.failed(err))?;
        Ok(Begun { label: label(number), log, id })
    }

    /// Ends a build that was begun: closes its log and stores the record, which gets its label.
    pub fn finish(&self, begun: Begun, record: &mut BuildRecord) -> Result<(), Error> {
        record.label.clone_from(&begun.label);
        // Unlocked only after the update, or another careen would take the build for a dead one.
        let log = begun.log.finish();
        self.update(begun.id, record, State::of(record.outcome))?;
        log.map(drop)
    }

    /// Stores a record that has no events here, such as one of an imported log. Returns its label.
    pub fn record(&self, project: &Project, record: &BuildRecord) -> Result<String, Error> {
        let transaction = self.write()?;
        let imported = record.imported.map(|imported| imported.format);
        let (id, number) = self.insert(&transaction, project, (record.started_at, imported))?;
        self.update(id, record, State::of(record.outcome))?;
        transaction.commit().map_err(|err| self.failed(err))?;
        Ok(label(number))
    }

    /// The newest `n` builds, newest first, without reading the records.
    pub fn list(&self, project: &Project, n: usize) -> Result<Vec<Listed>, Error> {
        let read = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT number, started_at, state, total_ns, steps_run, steps_cached,
                        context_bytes, image, imported
                 FROM build JOIN project ON project.id = build.project
                 WHERE project.key = ?1 ORDER BY number DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![project.key(), limit(n)], listed)?;
            rows.collect::<Result<Vec<_>, rusqlite::Error>>()
        };
        read().map_err(|err| self.failed(err))
    }

    /// The records of the newest `n` builds that have ended, newest first.
    pub fn last(&self, project: &Project, n: usize) -> Result<Vec<BuildRecord>, Error> {
        let read = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT number, record FROM build JOIN project ON project.id = build.project
                 WHERE project.key = ?1 AND record IS NOT NULL ORDER BY number DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![project.key(), limit(n)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })?;
            rows.collect::<Result<Vec<_>, rusqlite::Error>>()
        };
        let rows = read().map_err(|err| self.failed(err))?;
        rows.into_iter().map(|(number, text)| self.parse(number, &text)).collect()
    }

    /// The record with this label; `7` and `0007` are the same.
    pub fn get(&self, project: &Project, label: &str) -> Result<BuildRecord, Error> {
        let missing = || Error::NoBuild { label: label.to_owned() };
        let number: i64 = label.parse().map_err(|_| missing())?;
        let found = self.find(project, number)?;
        let (_, Some(text)) = found.ok_or_else(missing)? else { return Err(missing()) };
        self.parse(number, &text)
    }

    /// Where the events of a build lie, while retention has left them.
    pub fn events(&self, project: &Project, label: &str) -> Result<Option<PathBuf>, Error> {
        let missing = || Error::NoBuild { label: label.to_owned() };
        let number: i64 = label.parse().map_err(|_| missing())?;
        let (id, _) = self.find(project, number)?.ok_or_else(missing)?;
        Ok(Some(self.log(id)).filter(|path| path.exists()))
    }

    /// Two builds of a project side by side.
    pub fn compare(
        &self,
        project: &Project,
        before: &str,
        after: &str,
    ) -> Result<Comparison, Error> {
        Ok(Comparison::of(&self.get(project, before)?, &self.get(project, after)?))
    }

    /// Turns builds whose careen died into interrupted ones, with what their log still tells.
    fn salvage(&self) -> Result<(), Error> {
        let read = || {
            let sql =
                "SELECT id, started_at, imported IS NOT NULL FROM build WHERE state = 'running'";
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<Result<Vec<(i64, i64, bool)>, rusqlite::Error>>()
        };
        for (id, started_at, is_import) in read().map_err(|err| self.failed(err))? {
            let path = self.log(id);
            if event_log::is_being_written(&path) {
                continue;
            }
            if is_import {
                self.forget(id)?;
                continue;
            }
            let mut record = BuildRecord { started_at, ..BuildRecord::default() };
            if path.exists() {
                // A log that cannot be read leaves an empty record; the build is listed all the same.
                let _ = read_events(&path, &mut |event| record.apply(&event));
            }
            // The build may have ended and only the last write of its careen not.
            self.update(id, &record, State::of(record.outcome))?;
        }
        Ok(())
    }

    fn write(&self) -> Result<Transaction<'_>, Error> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(|err| self.failed(err))
    }

    fn insert(
        &self,
        transaction: &Transaction<'_>,
        project: &Project,
        (started_at, imported): (i64, Option<LogFormat>),
    ) -> Result<(i64, i64), Error> {
        let insert = || {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO project (key, name, next_number) VALUES (?1, ?2, 2)
                 ON CONFLICT (key) DO UPDATE SET next_number = next_number + 1
                 RETURNING id, next_number - 1",
            )?;
            let (id, number): (i64, i64) = statement
                .query_row(params![project.key(), project.name()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let mut statement = transaction.prepare_cached(
                "INSERT INTO build
                     (project, number, started_at, imported, state, total_ns, steps_run, steps_cached)
                 VALUES (?1, ?2, ?3, ?4, 'running', 0, 0, 0)",
            )?;
            let imported = imported.map(LogFormat::name);
            Ok((statement.insert(params![id, number, started_at, imported])?, number))
        };
        insert().map_err(|err| self.failed(err))
    }

    fn update(&self, id: i64, record: &BuildRecord, state: State) -> Result<(), Error> {
        let record = Redaction::default().record(record);
        let text = serde_json::to_string(&StoredRecord::of(&record)).expect("plain data");
        let (run, cached) = record.run_and_cached();
        let total = i64::try_from(record.total.as_nanos()).unwrap_or(i64::MAX);
        let context = context_bytes(&record).map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let write = || {
            let mut statement = self.connection.prepare_cached(
                "UPDATE build SET state = ?2, total_ns = ?3, steps_run = ?4, steps_cached = ?5,
                        context_bytes = ?6, image = ?7, record = ?8, started_at = ?9
                 WHERE id = ?1 AND state = 'running'",
            )?;
            let (run, cached) = (limit(run), limit(cached));
            let began = record.started_at;
            let row =
                params![id, state.name(), total, run, cached, context, record.image, text, began];
            statement.execute(row)
        };
        write().map_err(|err| self.failed(err))?;
        match transfers::measured(&record) {
            Some(transfer) => {
                transfers::insert(&self.connection, &transfer).map_err(|err| self.failed(err))
            }
            None => Ok(()),
        }
    }

    fn find(&self, project: &Project, number: i64) -> Result<Option<(i64, Option<String>)>, Error> {
        let read = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT build.id, record FROM build JOIN project ON project.id = build.project
                 WHERE project.key = ?1 AND number = ?2",
            )?;
            let row = params![project.key(), number];
            statement.query_row(row, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        };
        read().map_err(|err| self.failed(err))
    }

    fn parse(&self, number: i64, text: &str) -> Result<BuildRecord, Error> {
        let unreadable = |error: String| {
            let what = format!("record {} of {}", label(number), self.path.display());
            Error::HistoryUnreadable { what, error }
        };
        let stored: StoredRecord =
            serde_json::from_str(text).map_err(|err| unreadable(err.to_string()))?;
        if stored.version > wire::RECORD_VERSION {
            let (path, found) = (self.path.clone(), stored.version);
            return Err(Error::TooNew { path, found, known: wire::RECORD_VERSION });
        }
        Ok(stored.into_record(label(number)))
    }

    fn logs(&self) -> PathBuf {
        self.path.with_file_name("builds")
    }

    fn log(&self, id: i64) -> PathBuf {
        self.logs().join(format!("{id}.jsonl.gz"))
    }

    fn failed(&self, err: rusqlite::Error) -> Error {
        match self.purpose {
            Purpose::Everything => store::failed(&self.path, err),
            Purpose::Reading => store::told(&self.path, err),
        }
    }
}

impl Project {
    /// A digest: the store tells nobody where projects lie or who may read them.
    fn key(&self) -> String {
        let identity = match &self.remote {
            Some(remote) => normal_remote(remote).into_bytes(),
            None => self.root.as_os_str().as_encoded_bytes().to_vec(),
        };
        let dockerfile = self.dockerfile.as_os_str().as_encoded_bytes();
        let target = self.target.as_deref().unwrap_or("").as_bytes();
        digest::of_parts(&[&identity, dockerfile, target])
    }

    fn name(&self) -> String {
        let name = self.root.file_name().unwrap_or(self.root.as_os_str());
        name.to_string_lossy().into_owned()
    }
}

/// One spelling for the remotes of one repository: no scheme, no user, no `.git`.
fn normal_remote(remote: &str) -> String {
    let rest = remote.split_once("://").map_or(remote, |(_, rest)| rest);
    let path_at = rest.find('/').unwrap_or(rest.len());
    let rest = rest[..path_at].rfind('@').map_or(rest, |at| &rest[at + 1..]);
    let rest = match rest.split_once(':') {
        Some((host, path)) if !remote.contains("://") => format!("{host}/{path}"),
        _ => rest.to_owned(),
    };
    rest.trim_end_matches('/').trim_end_matches(".git").to_owned()
}

/// What our own sync counted; for a build of others, what the step of the context tells.
fn context_bytes(record: &BuildRecord) -> Option<u64> {
    let steps = record.steps.iter().filter(|step| step.phase == Phase::Context);
    let told = || steps.map(StepRecord::transferred).max();
    record.context().map(|sent| sent.bytes).or_else(|| record.imported.and_then(|_| told()))
}

/// The columns of a list: number, start, state, total, steps run and cached, context bytes, image
/// and the form of the log.
fn listed(row: &Row<'_>) -> Result<Listed, rusqlite::Error> {
    let imported: Option<String> = row.get(8)?;
    Ok(Listed {
        label: label(row.get(0)?),
        started_at: row.get(1)?,
        state: State::parse(row.get_ref(2)?.as_str()?),
        total: Duration::from_nanos(row.get::<_, i64>(3)?.unsigned_abs()),
        steps_run: row.get::<_, i64>(4)?.unsigned_abs(),
        steps_cached: row.get::<_, i64>(5)?.unsigned_abs(),
        context_bytes: row.get::<_, Option<i64>>(6)?.map(i64::unsigned_abs),
        image: row.get(7)?,
        imported: imported
            .and_then(|name| LogFormat::ALL.into_iter().find(|format| format.name() == name)),
    })
}

fn label(number: i64) -> String {
    format!("{number:04}")
}

fn limit(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
