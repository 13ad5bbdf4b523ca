//! The answers of `careen debug ignore-walk`: a small tree made in a temporary folder and walked.

use std::os::unix::fs::symlink;
use std::path::{Component, Path};
use std::{fs, io};

use crate::walk::{Means, View, WalkError, WalkRequest, follow_links, open_root, walk};

/// A recorded case: patterns and COPY sources for a tree that exists below `root`.
#[derive(Debug, Clone, Default)]
pub struct Case {
    pub exclude: Vec<String>,
    pub include: Vec<String>,
    pub follow: Option<Vec<String>>,
    pub means: Means,
}

/// Makes the tree of a case below the empty folder `root`: `folder/`, `file`, `link -> target`.
/// Folders above are made as needed; every file holds one byte. Nothing is made outside of `root`.
pub fn plant(root: &Path, tree: &[String]) -> io::Result<()> {
    for line in tree {
        let (path, target) = match line.split_once(" -> ") {
            Some((path, target)) => (path, Some(target)),
            None => (line.as_str(), None),
        };
        let full = root.join(path);
        if !stays_below(root, &full)? {
            let why = format!("{path} leads out of the tree");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
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

/// True when making `full` cannot touch anything outside of `root`, whatever links there are.
fn stays_below(root: &Path, full: &Path) -> io::Result<bool> {
    let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    let Ok(inside) = full.strip_prefix(root) else { return Ok(false) };
    if !inside.components().all(is_plain) || full.is_symlink() {
        return Ok(false);
    }
    let existing = full.ancestors().skip(1).find(|folder| fs::symlink_metadata(folder).is_ok());
    let existing = existing.unwrap_or(root).canonicalize()?;
    Ok(existing.starts_with(root.canonicalize()?))
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
        means: case.means,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_planted_outside() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        let check = |tree: &[&str], expected: bool| {
            let tree: Vec<String> = tree.iter().map(|&line| line.to_owned()).collect();
            assert_eq!(plant(&root, &tree).is_ok(), expected, "{tree:?}");
        };
        check(&["a/", "a/b", "link -> a", "link/c", "out -> ../../x"], true);
        let absolute = folder.path().join("x").display().to_string();
        for hostile in [&["../x"][..], &[&absolute], &["up -> ..", "up/x"], &["l -> ../x", "l"]] {
            check(hostile, false);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
