//! Files that a program seems to be writing to while the context is read.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::walk::listing::View;

/// Changed this short a time ago, a file with a name that programs write to counts as hot.
const FRESH: Duration = Duration::from_mins(10);
/// Changed this short a time ago, any file is looked at a second time.
const WARM: Duration = Duration::from_mins(1);
/// Files that are looked at a second time.
const LOOKED_AT_TWICE: usize = 256;

/// Ends of names that programs write while they run.
const ENDINGS: &[&str] = &[
    ".log",
    ".out",
    ".pid",
    ".swp",
    ".swo",
    ".swx",
    ".tmp",
    ".temp",
    ".part",
    ".crdownload",
    "~",
    "-wal",
    "-shm",
    "-journal",
];
/// Folders in which programs write while they run.
const FOLDERS: &[&str] = &[
    "log",
    "logs",
    "tmp",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    "mlruns",
    "wandb",
    "lightning_logs",
    ".ipynb_checkpoints",
];

/// Collects candidates while the listing passes by.
pub(super) struct Hot {
    /// Nanoseconds since 1970, like the times of files.
    now: i64,
    named: Vec<(Vec<u8>, i64)>,
    /// To be looked at again: path, size and time.
    warm: Vec<(Vec<u8>, u64, i64)>,
}

impl Hot {
    pub(super) fn new() -> Hot {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        Hot { now, named: Vec::new(), warm: Vec::new() }
    }

    pub(super) fn see(&mut self, path: &[u8], view: &View<'_>) {
        let age = self.now.saturating_sub(view.mtime_ns);
        let is_within = |limit: Duration| i128::from(age) <= i128::from(nanos(limit));
        // A time in the future says nothing.
        if age < 0 || !is_within(FRESH) {
            return;
        }
        if is_written_by_programs(path) {
            self.named.push((path.to_owned(), age));
        } else if is_within(WARM) && self.warm.len() < LOOKED_AT_TWICE {
            self.warm.push((path.to_owned(), view.size, view.mtime_ns));
        }
    }

    /// Hot files in the order of the listing, each with what gave it away.
    pub(super) fn finish(self, root: &Path) -> Vec<(Vec<u8>, String)> {
        let mut found: Vec<(Vec<u8>, String)> = self
            .named
            .into_iter()
            .map(|(path, age)| (path, format!("written {} s ago", age / 1_000_000_000)))
            .collect();
        for (path, size, mtime_ns) in self.warm {
            let Ok((again, _)) = super::portable::described(root, &path) else {
                found.push((path, "vanished while the context was read".to_owned()));
                continue;
            };
            if (again.size, again.mtime_ns) != (size, mtime_ns) {
                found.push((path, "changed while the context was read".to_owned()));
            }
        }
        found.sort();
        found
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn is_written_by_programs(path: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(path) else { return false };
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_rotated = name.rsplit_once(".log.").is_some_and(|(_, rest)| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || is_rotated
        || name.starts_with(".#")
        || name.starts_with("events.out.tfevents")
        || folders.split('/').any(|folder| FOLDERS.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_programs_write() {
        let check = |path: &str, expected: bool| {
            assert_eq!(is_written_by_programs(path.as_bytes()), expected, "{path}");
        };
        for path in
            ["app.log", "app.log.3", "a/b.pid", "logs/x", "db.sqlite3-wal", ".#main.py", "x~"]
        {
            check(path, true);
        }
        for path in ["uv.lock", "catalog.py", "src/login/a.py", "README.md", "blog.py", "a.log.txt"]
        {
            check(path, false);
        }
    }
}
