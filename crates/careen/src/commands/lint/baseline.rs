//! Known findings: written once, then only what is new is told.
//!
//! An entry is found again by its file, its rule and the words of its instruction, so moved lines
//! and changed indentation do not matter.

use std::fs;
use std::path::{Path, PathBuf};

use careen_model::FileChange;
use careen_report::lint::{LintFile, StaleEntry};
use careen_run::apply::replace_file;
use serde::{Deserialize, Serialize};

use crate::commands::undo::failed;
use crate::failure::Failure;

const VERSION: &str = "1";
const WRITE_ONE: &str = "write one with --write-baseline FILE";
const KIND: &str = "lint-baseline";

#[derive(Debug, Serialize, Deserialize)]
struct Baseline {
    schema_version: String,
    kind: String,
    findings: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Entry {
    /// Relative to the baseline's folder where it lies below it.
    path: String,
    line: u32,
    rule: String,
    fingerprint: String,
    message: String,
}

/// Takes known findings out of the files; returns entries of files that were looked at, or are
/// gone, that nothing answers any more.
pub(super) fn subtract(file: &Path, files: &mut [LintFile]) -> Result<Vec<StaleEntry>, Failure> {
    let unread = |why: &dyn std::fmt::Display| {
        let why = format!("could not read the baseline {}: {why}", file.display());
        Failure::usage(why).hint(Some(WRITE_ONE))
    };
    let text = fs::read_to_string(file).map_err(|err| unread(&err))?;
    let baseline: Baseline = serde_json::from_str(&text).map_err(|err| unread(&err))?;
    if baseline.kind != KIND || baseline.schema_version != VERSION {
        let why = format!("{}: not a baseline of version {VERSION}", file.display());
        return Err(Failure::usage(why).hint(Some(WRITE_ONE)));
    }
    let folder = folder_of(file);
    let mut known = baseline.findings;
    for linted in files.iter_mut().filter(|linted| linted.unread.is_none()) {
        let path = name(&folder, &linted.path);
        let before = linted.findings.len();
        linted.findings.retain(|found| {
            let at = known.iter().position(|entry| {
                entry.path == path
                    && entry.rule == found.finding.rule
                    && entry.fingerprint == found.fingerprint
            });
            match at {
                Some(at) => {
                    known.remove(at);
                    false
                }
                None => true,
            }
        });
        linted.known = before - linted.findings.len();
    }
    let looked: Vec<String> = files.iter().map(|linted| name(&folder, &linted.path)).collect();
    let is_stale =
        |entry: &Entry| looked.contains(&entry.path) || !folder.join(&entry.path).exists();
    let stale = known.into_iter().filter(is_stale).map(|entry| StaleEntry {
        path: entry.path,
        rule: entry.rule,
        line: entry.line,
        message: entry.message,
    });
    Ok(stale.collect())
}

/// Writes all findings of this run, in the order of their files, and nothing else into the file.
pub(super) fn write(file: &Path, files: &[LintFile]) -> Result<usize, Failure> {
    let folder = folder_of(file);
    let entries = files.iter().flat_map(|linted| {
        let path = name(&folder, &linted.path);
        linted.findings.iter().map(move |found| Entry {
            path: path.clone(),
            line: u32::try_from(found.at.line).unwrap_or(u32::MAX),
            rule: found.finding.rule.to_owned(),
            fingerprint: found.fingerprint.clone(),
            message: found.finding.message.clone(),
        })
    });
    let mut findings: Vec<Entry> = entries.collect();
    findings.sort();
    let count = findings.len();
    let baseline = Baseline { schema_version: VERSION.to_owned(), kind: KIND.to_owned(), findings };
    let mut text = serde_json::to_string_pretty(&baseline).expect("a baseline is plain data");
    text.push('\n');
    let before = fs::read(file).ok();
    let (path, after) = (file.to_owned(), text.into_bytes());
    replace_file(&FileChange { path, before, after, executable: false })
        .map_err(failed("write the baseline"))?;
    Ok(count)
}

fn folder_of(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The path below the baseline's folder, with its links as they are; else the whole path.
fn name(folder: &Path, path: &Path) -> String {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).unwrap_or_default();
    let full = parent.join(path.file_name().unwrap_or_default());
    full.strip_prefix(folder).unwrap_or(&full).to_string_lossy().into_owned()
}
