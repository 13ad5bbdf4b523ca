//! The answers of `careen debug ignore-walk`: a small tree made in a temporary folder and walked.

use std::{fs, io, os::unix::fs::symlink, path::Path};

use crate::walk::{View, WalkError, WalkRequest, follow_links, open_root, walk};

/// A recorded case: patterns and COPY sources for a tree that exists below `root`.
#[derive(Debug, Clone, Default)]
pub struct Case {
    pub exclude: Vec<String>,
    pub include: Vec<String>,
    pub follow: Option<Vec<String>>,
}

/// Makes the tree of a case below the empty folder `root`: `folder/`, `file`, `link -> target`.
/// Folders above are made as needed; every file holds one byte.
pub fn plant(root: &Path, tree: &[String]) -> io::Result<()> {
    for line in tree {
        let (path, target) = match line.split_once(" -> ") {
            Some((path, target)) => (path, Some(target)),
            None => (line.as_str(), None),
        };
        let full = root.join(path);
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent)?;
        }
        match target {
            Some(target) => symlink(target, &full)?,
            None if path.ends_with('/') => fs::create_dir_all(&full)?,
            None => fs::write(&full, "x")?,
        }
    }
    Ok(())
}

/// What the builder would list, in its notation: `folder/`, `file`, `link -> target`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    pub expect: Vec<String>,
    /// The resolved COPY sources; empty without a filter.
    pub follow_links_result: Vec<String>,
    /// Listed files that may not be opened.
    pub open_fails: Vec<String>,
}

/// Walks the tree at `root` for one case.
pub fn ignore_walk(root: &Path, case: &Case) -> Result<Listed, WalkError> {
    let request = WalkRequest {
        root: root.to_owned(),
        exclude: case.exclude.clone(),
        include: case.include.clone(),
        follow: case.follow.clone(),
        threads: None,
    };
    let mut listed = Listed::default();
    if let Some(paths) = &case.follow {
        listed.follow_links_result = follow_links(&open_root(root)?, paths)?.unwrap_or_default();
    }
    walk(&request)?.for_each(|path, view| {
        let path = String::from_utf8_lossy(path);
        if view.zero_byte {
            listed.open_fails.push(path.to_string());
        }
        listed.expect.push(notation(&path, &view));
    });
    Ok(listed)
}

fn notation(path: &str, view: &View<'_>) -> String {
    match view.link {
        Some(target) => format!("{path} -> {}", String::from_utf8_lossy(target)),
        None if view.is_folder() => format!("{path}/"),
        None => path.to_owned(),
    }
}
