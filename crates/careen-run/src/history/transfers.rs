//! What transfers took on each engine, and which files went with the last ones.

use careen_model::history::MeasuredTransfer;
use careen_model::{BuildRecord, Phase};
use rusqlite::{Connection, params};

use super::{History, Project};
use crate::Error;
use crate::sent_files::SentFile;

/// Transfers of an engine that are kept.
const KEPT: i64 = 50;

/// The transfer of the main context, when the record tells of one and of its time.
pub(super) fn measured(record: &BuildRecord) -> Option<MeasuredTransfer> {
    let sent = record.context()?;
    // Interrupted or failed while sending, the time says nothing.
    let step = record.steps.iter().find(|step| {
        step.phase == Phase::Context
            && step.name.contains("load build context")
            && step.error.is_none()
            && step.ended.is_some()
    })?;
    Some(MeasuredTransfer {
        engine: record.engine.clone()?,
        entries: sent.entries,
        files: sent.files,
        bytes: sent.bytes,
        seconds: step.took().as_secs_f64(),
    })
}

pub(super) fn insert(
    connection: &Connection,
    transfer: &MeasuredTransfer,
) -> Result<(), rusqlite::Error> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT INTO transfer (engine, entries, files, bytes, seconds)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            transfer.engine,
            number(transfer.entries),
            number(transfer.files),
            number(transfer.bytes),
            transfer.seconds
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM transfer WHERE engine = ?1 AND id NOT IN
                 (SELECT id FROM transfer WHERE engine = ?1 ORDER BY id DESC LIMIT ?2)",
        )?
        .execute(params![transfer.engine, KEPT])?;
    Ok(())
}

impl History {
    /// Transfers measured on an engine, newest first; on the engine used last when `None`.
    pub fn transfers(&self, engine: Option<&str>) -> Result<Vec<MeasuredTransfer>, Error> {
        let read = || {
            if !self.has_transfers()? {
                return Ok(vec![]);
            }
            let mut statement = self.connection.prepare_cached(
                "SELECT engine, entries, files, bytes, seconds FROM transfer
                 WHERE engine = coalesce(?1,
                     (SELECT engine FROM transfer ORDER BY id DESC LIMIT 1))
                 ORDER BY id DESC",
            )?;
            let rows = statement.query_map(params![engine], |row| {
                let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
                Ok(MeasuredTransfer {
                    engine: row.get(0)?,
                    entries: count(1)?,
                    files: count(2)?,
                    bytes: count(3)?,
                    seconds: row.get(4)?,
                })
            })?;
            rows.collect::<Result<Vec<_>, rusqlite::Error>>()
        };
        read().map_err(|err| self.failed(err))
    }

    /// Remembers the files of the project that went to an engine.
    pub fn remember(
        &self,
        project: &Project,
        engine: &str,
        files: &[SentFile],
    ) -> Result<(), Error> {
        if files.is_empty() {
            return Ok(());
        }
        let transaction = self.write()?;
        let insert = || {
            let mut statement = transaction.prepare_cached(
                "INSERT OR REPLACE INTO sent_file
                     (project, engine, path, size, mtime_ns, ctime_ns, digest)
                 SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM project WHERE key = ?1",
            )?;
            let key = project.key();
            for file in files {
                let size = i64::try_from(file.size).unwrap_or(i64::MAX);
                let (mtime, ctime) = (file.mtime_ns, file.ctime_ns);
                statement.execute(params![
                    key,
                    engine,
                    file.path,
                    size,
                    mtime,
                    ctime,
                    file.digest
                ])?;
            }
            Ok(())
        };
        insert().map_err(|err| self.failed(err))?;
        transaction.commit().map_err(|err| self.failed(err))
    }

    /// The files of the project as they were sent last, to whatever engine.
    pub fn sent_files(&self, project: &Project) -> Result<Vec<SentFile>, Error> {
        let read = || {
            if !self.has_transfers()? {
                return Ok(vec![]);
            }
            let mut statement = self.connection.prepare_cached(
                "SELECT path, size, mtime_ns, ctime_ns, digest
                 FROM sent_file JOIN project ON project.id = sent_file.project
                 WHERE project.key = ?1 ORDER BY path",
            )?;
            let rows = statement.query_map(params![project.key()], |row| {
                Ok(SentFile {
                    path: row.get(0)?,
                    size: row.get::<_, i64>(1)?.unsigned_abs(),
                    mtime_ns: row.get(2)?,
                    ctime_ns: row.get(3)?,
                    digest: row.get(4)?,
                })
            })?;
            rows.collect::<Result<Vec<_>, rusqlite::Error>>()
        };
        read().map_err(|err| self.failed(err))
    }

    /// A store of an older careen that nothing has written to since has no such table.
    fn has_transfers(&self) -> Result<bool, rusqlite::Error> {
        let version: u32 =
            self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok(version >= 2)
    }
}
