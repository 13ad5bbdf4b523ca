//! How much of the history is kept, and what goes.

use std::collections::HashSet;
use std::fs;
use std::io;

use careen_model::Listed;
use rusqlite::params;

use super::{History, Project, limit, listed};
use crate::Error;

/// What is kept of a project: at most so many builds, none from before a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub builds: usize,
    /// Seconds since the Unix epoch.
    pub not_before: Option<i64>,
}

/// A build that goes, and what its event log takes on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going {
    pub build: Listed,
    pub log_bytes: u64,
    id: i64,
}

const SURPLUS: &str = "
    SELECT number, started_at, state, total_ns, steps_run, steps_cached, context_bytes, image,
           imported, id
    FROM (SELECT build.*, row_number() OVER (ORDER BY number DESC) AS place
          FROM build JOIN project ON project.id = build.project
          WHERE project.key = ?1 AND state != 'running')
    WHERE place > ?2 OR started_at < ?3
    ORDER BY number";

impl History {
    /// What `retention` does not keep, oldest first. Builds that run are never among it.
    pub fn surplus(&self, project: &Project, retention: Retention) -> Result<Vec<Going>, Error> {
        let read = || {
            let mut statement = self.connection.prepare_cached(SURPLUS)?;
            let not_before = retention.not_before.unwrap_or(i64::MIN);
            let given = params![project.key(), limit(retention.builds), not_before];
            let rows = statement.query_map(given, |row| Ok((listed(row)?, row.get(9)?)))?;
            rows.collect::<Result<Vec<(Listed, i64)>, rusqlite::Error>>()
        };
        let rows = read().map_err(|err| self.failed(err))?;
        let going = rows.into_iter().map(|(build, id)| {
            let log_bytes = fs::metadata(self.log(id)).map_or(0, |meta| meta.len());
            Going { build, log_bytes, id }
        });
        Ok(going.collect())
    }

    /// Removes what `retention` does not keep; returns it. There is no way back.
    pub fn retain(&self, project: &Project, retention: Retention) -> Result<Vec<Going>, Error> {
        let transaction = self.write()?;
        let going = self.surplus(project, retention)?;
        for gone in &going {
            let sql = "DELETE FROM build WHERE id = ?1 AND state != 'running'";
            let deleted = transaction.prepare_cached(sql).and_then(|mut it| it.execute([gone.id]));
            deleted.map_err(|err| self.failed(err))?;
        }
        if !going.is_empty() {
            let sql = "DELETE FROM file_list WHERE NOT EXISTS
                 (SELECT 1 FROM build_input WHERE file_list = file_list.digest)";
            transaction.execute(sql, []).map_err(|err| self.failed(err))?;
        }
        transaction.commit().map_err(|err| self.failed(err))?;
        // A log without its row is found by nobody; a row without its log would be a loss.
        self.sweep()?;
        Ok(going)
    }

    /// Removes the logs that belong to no build, also those of a careen that was killed over it.
    fn sweep(&self) -> Result<(), Error> {
        // A build that begins makes its log and its row in one transaction, so none is seen half.
        let transaction = self.write()?;
        let read = || {
            let mut statement = transaction.prepare_cached("SELECT id FROM build")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<Result<HashSet<i64>, rusqlite::Error>>()
        };
        let known = read().map_err(|err| self.failed(err))?;
        let folder = self.logs();
        for entry in fs::read_dir(&folder).map_err(Error::io("reading", &folder))?.flatten() {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".jsonl.gz"));
            if let Some(id) = id.and_then(|id| id.parse().ok()).filter(|id| !known.contains(id)) {
                self.remove_log(id)?;
            }
        }
        transaction.commit().map_err(|err| self.failed(err))
    }

    /// Removes a build that nobody is at, with its log.
    pub(super) fn forget(&self, id: i64) -> Result<(), Error> {
        let deleted = self.connection.execute("DELETE FROM build WHERE id = ?1", [id]);
        deleted.map_err(|err| self.failed(err))?;
        self.remove_log(id)
    }

    fn remove_log(&self, id: i64) -> Result<(), Error> {
        let path = self.log(id);
        match fs::remove_file(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("removing", &path)(err))
            }
            _ => Ok(()),
        }
    }
}
