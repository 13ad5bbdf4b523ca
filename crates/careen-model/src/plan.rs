//! The chosen fixes, in the order they are applied, and what each will do.

use std::path::PathBuf;

use crate::{Fix, Safety};

/// What `careen fix` is about to do. Applying it is all or nothing for the files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub chosen: Vec<Planned>,
    /// Fixes that were not chosen, and why.
    pub left: Vec<(Planned, Choice)>,
    /// Every file that changes: path, text before (`None`: new), text after.
    pub files: Vec<FileChange>,
}

/// One fix of one finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub rule: &'static str,
    pub message: String,
    pub fix: Fix,
}

/// Why a fix is not in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Its safety is below what was asked for.
    NotAsked(Safety),
    /// It touches the same bytes as an earlier one; the next round takes it.
    Overlaps,
    /// It broke the contract (parse, words, silence); said so that it can be reported.
    Refused(String),
}

/// The whole change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub path: PathBuf,
    pub before: Option<Vec<u8>>,
    pub after: Vec<u8>,
    pub executable: bool,
}
