//! Trees that `bench context` walks; made once and kept, because making them takes a minute.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::home;

/// Files of the plain tree lie ten in a folder, like sources do.
const PER_FOLDER: usize = 10;
/// Folders lie a hundred in a folder.
const PER_GROUP: usize = 100;

/// What is heavy in the tree of a machine learning project: folder, files, name ending, bytes.
const HEAVY: &[(&str, usize, &str, usize)] = &[
    ("data", 20_000, "jpg", 256),
    (".venv", 60_000, "py", 128),
    (".git", 5_000, "obj", 64),
    ("node_modules", 80_000, "js", 128),
];

/// The ignore file that leaves 50 source files and their folder of the heavy tree.
pub(super) const HEAVY_IGNORE: &str = ".git\n.venv\ndata\nnode_modules\nvideos\nmlruns\n";

/// Where all trees lie.
pub(super) fn place() -> PathBuf {
    home::target().join("bench-trees")
}

/// `files` files of 64 to 960 bytes, nothing to be pruned.
pub(super) fn plain(files: usize) -> Result<PathBuf, Failure> {
    grown(&format!("plain-{files}"), |root| scatter(root, files, "dat", |n| 64 + n % 15 * 64))
}

/// About this many entries in all: files without content, which take no room but their names.
pub(super) fn large(entries: usize) -> Result<PathBuf, Failure> {
    let files = entries / (PER_FOLDER + 1) * PER_FOLDER;
    grown(&format!("large-{entries}"), |root| scatter(root, files, "dat", |_| 0))
}

/// A project with 50 source files and the usual weight beside them.
pub(super) fn heavy() -> Result<PathBuf, Failure> {
    grown("heavy", |root| {
        let sources = root.join("src");
        home::create(&sources)?;
        for n in 0..50 {
            home::write(&sources.join(format!("module_{n}.py")), "pass\n")?;
        }
        for &(folder, files, ending, bytes) in HEAVY {
            scatter(&root.join(folder), files, ending, |_| bytes)?;
        }
        Ok(())
    })
}

/// Makes a tree unless it is there; renamed at the end, so that none is half.
fn grown(name: &str, grow: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<PathBuf, Failure> {
    let root = place().join(name);
    if root.exists() {
        return Ok(root);
    }
    eprintln!("making {}", root.display());
    let partial = root.with_extension("partial");
    home::remove(&partial)?;
    home::create(&partial)?;
    grow(&partial)?;
    home::rename(&partial, &root)?;
    Ok(root)
}

fn scatter(
    root: &Path,
    files: usize,
    ending: &str,
    size: impl Fn(usize) -> usize,
) -> Result<(), Failure> {
    let mut folder = PathBuf::new();
    for n in 0..files {
        if n % PER_FOLDER == 0 {
            let number = n / PER_FOLDER;
            let group = format!("group_{:03}", number / PER_GROUP);
            folder = root.join(group).join(format!("folder_{:02}", number % PER_GROUP));
            home::create(&folder)?;
        }
        let path = folder.join(format!("file_{n:06}.{ending}"));
        fs::write(&path, vec![b'x'; size(n)]).map_err(Failure::file("write", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_spread_over_folders() {
        let root = tempfile::tempdir().unwrap();
        scatter(root.path(), 1_015, "dat", |n| n).unwrap();
        let names = |path: &Path| fs::read_dir(path).unwrap().count();
        assert_eq!(names(root.path()), 2);
        assert_eq!(names(&root.path().join("group_000")), 100);
        assert_eq!(names(&root.path().join("group_001")), 2);
        assert_eq!(names(&root.path().join("group_001/folder_01")), 5);
    }
}
