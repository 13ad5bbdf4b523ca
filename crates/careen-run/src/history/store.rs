//! The database file: opening, migrating, and what happens when it is damaged.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::Error;

/// One step per version of the schema; a step is never changed once released.
const MIGRATIONS: [&str; 4] = [
    "
    CREATE TABLE project (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        next_number INTEGER NOT NULL
    );
    CREATE TABLE build (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        project INTEGER NOT NULL REFERENCES project (id),
        number INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        state TEXT NOT NULL,
        total_ns INTEGER NOT NULL,
        steps_run INTEGER NOT NULL,
        steps_cached INTEGER NOT NULL,
        context_bytes INTEGER,
        image TEXT,
        record TEXT,
        UNIQUE (project, number)
    );
    CREATE INDEX build_state ON build (state) WHERE state = 'running';
",
    "
    CREATE TABLE transfer (
        id INTEGER PRIMARY KEY,
        engine TEXT NOT NULL,
        entries INTEGER NOT NULL,
        files INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        seconds REAL NOT NULL
    );
    CREATE INDEX transfer_engine ON transfer (engine, id);
    CREATE TABLE sent_file (
        project INTEGER NOT NULL REFERENCES project (id),
        engine TEXT NOT NULL,
        path BLOB NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL,
        digest BLOB NOT NULL,
        PRIMARY KEY (project, engine, path)
    ) WITHOUT ROWID;
",
    // The form of the log that a build was read from.
    "ALTER TABLE build ADD COLUMN imported TEXT",
    // What builds were made from. Lists of files lie apart: most builds have the one before's.
    "
    CREATE TABLE file_list (
        digest TEXT PRIMARY KEY,
        body BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE build_input (
        build INTEGER PRIMARY KEY REFERENCES build (id) ON DELETE CASCADE,
        body BLOB NOT NULL,
        file_list TEXT REFERENCES file_list (digest)
    );
    CREATE INDEX build_input_file_list ON build_input (file_list);
    CREATE TABLE salt (
        project INTEGER PRIMARY KEY REFERENCES project (id),
        salt BLOB NOT NULL
    );
",
];

/// How long one careen waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A doctor that only wants to know what builds took does not wait for long.
const READER_PATIENCE: Duration = Duration::from_millis(300);

/// Opens the database at `path`, making it and its folder if need be.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder).map_err(Error::io("creating", folder))?;
    // Changing the journal mode and moving a damaged file both need to be alone.
    let _alone = alone(path)?;
    let err = match open_alone(path) {
        Ok(connection) => return Ok(connection),
        Err(err) => err,
    };
    if is_damage(&err) {
        let kept = set_aside(path)?;
        return Err(Error::HistoryDamaged { path: path.to_owned(), kept, error: err.to_string() });
    }
    Err(Error::History { path: path.to_owned(), source: Box::new(err) })
}

/// Opens an existing database without changing a byte of it, and without waiting for long.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(READER_PATIENCE)?;
        Ok(connection)
    };
    open().map_err(|err: rusqlite::Error| told(path, err))
}

/// A failed statement, told and nothing else.
pub(super) fn told(path: &Path, err: rusqlite::Error) -> Error {
    Error::History { path: path.to_owned(), source: Box::new(err) }
}

fn open_alone(path: &Path) -> Result<Connection, rusqlite::Error> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // With a write-ahead log this keeps the file sound through a power cut.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (step, reached) in MIGRATIONS.iter().zip(1..) {
        if version < reached {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", reached)?;
        }
    }
    transaction.commit()?;
    Ok(connection)
}

/// The version of the schema, checked against what this careen knows.
pub(super) fn check_version(
    connection: &Connection,
    path: &Path,
    failed: fn(&Path, rusqlite::Error) -> Error,
) -> Result<(), Error> {
    let known = u32::try_from(MIGRATIONS.len()).expect("a handful of versions");
    let version = connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0));
    match version {
        Ok(found) if found > known => Err(Error::TooNew { path: path.to_owned(), found, known }),
        Ok(_) => Ok(()),
        Err(err) => Err(failed(path, err)),
    }
}

/// A failed statement, told as damage (and set aside) where it is damage.
pub(super) fn failed(path: &Path, err: rusqlite::Error) -> Error {
    if !is_damage(&err) {
        return Error::History { path: path.to_owned(), source: Box::new(err) };
    }
    let kept = alone(path).and_then(|_alone| set_aside(path));
    match kept {
        Ok(kept) => Error::HistoryDamaged { path: path.to_owned(), kept, error: err.to_string() },
        Err(err) => err,
    }
}

fn is_damage(err: &rusqlite::Error) -> bool {
    matches!(err.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Held while the file is opened, migrated or moved.
fn alone(path: &Path) -> Result<File, Error> {
    let lock = with_suffix(path, ".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock);
    let file = file.map_err(Error::io("writing", &lock))?;
    match file.lock() {
        Err(err) if err.kind() != io::ErrorKind::Unsupported => {
            Err(Error::io("locking", &lock)(err))
        }
        _ => Ok(file),
    }
}

/// Moves the database and its event logs to names that nothing uses; returns the database's.
fn set_aside(path: &Path) -> Result<PathBuf, Error> {
    let logs = path.with_file_name("builds");
    let mut n = 1;
    let kept = loop {
        let kept = with_suffix(path, &format!(".damaged-{n}"));
        if !kept.exists() {
            break kept;
        }
        n += 1;
    };
    let moves = [
        (path.to_owned(), kept.clone()),
        (with_suffix(path, "-wal"), with_suffix(&kept, "-wal")),
        (with_suffix(path, "-shm"), with_suffix(&kept, "-shm")),
        (logs.clone(), with_suffix(&logs, &format!(".damaged-{n}"))),
    ];
    for (from, to) in moves {
        match fs::rename(&from, &to) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("moving", &from)(err));
            }
            _ => (),
        }
    }
    Ok(kept)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
