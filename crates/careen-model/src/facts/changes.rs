//! What the newest commits changed below the context, and which files are there now.

use std::collections::{BTreeMap, BTreeSet};

/// The newest commits of a project, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFacts {
    pub commits: Vec<Commit>,
    /// Of the paths that somebody asked for, those that are files now; relative to the context.
    pub files: BTreeSet<String>,
}

/// One commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// It has no parent, or none that this repository knows: it made its files, it changed none.
    pub is_first: bool,
    /// Paths that it changed, relative to the context.
    pub paths: Vec<Vec<u8>>,
}

impl ChangeFacts {
    /// In how many commits each group was changed; `group` names that of a path, if it has one.
    pub fn count(&self, group: impl Fn(&[u8]) -> Option<Vec<u8>>) -> BTreeMap<Vec<u8>, u64> {
        let mut counts = BTreeMap::new();
        for commit in &self.commits {
            let groups: BTreeSet<Vec<u8>> =
                commit.paths.iter().filter_map(|path| group(path)).collect();
            for group in groups {
                *counts.entry(group).or_insert(0) += 1;
            }
        }
        counts
    }

    /// The commits after which somebody had reason to build again.
    pub fn rebuilds(&self) -> impl Iterator<Item = &Commit> {
        self.commits.iter().filter(|commit| !commit.is_first && !commit.paths.is_empty())
    }
}
