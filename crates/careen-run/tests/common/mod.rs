//! A small project and a plan that changes it in every way a plan can, for the crash tests.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use careen_model::{FileChange, Fix, Plan, Planned, Step};

/// Mode, modification time and content of every file, link and folder but `.careen`.
pub(crate) type Tree = BTreeMap<PathBuf, (u32, Option<SystemTime>, Vec<u8>)>;

/// What a changed file becomes: mode and content. Its time is the time of the change.
pub(crate) type Content = BTreeMap<PathBuf, (u32, Vec<u8>)>;

pub(crate) fn make(root: &Path) {
    fs::create_dir_all(root.join("docker")).unwrap();
    write(root, "docker/Dockerfile", b"FROM a\r\nRUN b", 0o640);
    write(root, ".dockerignore", b"", 0o600);
    write(root, "run.sh", b"#!/bin/sh\n", 0o644);
    write(root, "real.txt", &[0, 159, 146, 150, 10], 0o755);
    write(root, "other.txt", b"stays\n", 0o444);
    symlink("real.txt", root.join("link.txt")).unwrap();
}

fn write(root: &Path, name: &str, bytes: &[u8], mode: u32) {
    let path = root.join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_007, 123_456_789);
    fs::File::open(&path).unwrap().set_modified(time).unwrap();
}

/// Edits, makes a mode change only, follows a link, creates files in folders that do not exist.
pub(crate) fn plan(root: &Path) -> Plan {
    let file = |path: &str, after: &[u8], executable: bool| FileChange {
        path: path.into(),
        before: fs::read(root.join(path)).ok(),
        after: after.to_vec(),
        executable,
    };
    let step = Step::Show { command: "true".into() };
    Plan {
        chosen: vec![Planned {
            rule: "early-copy",
            message: "copies too early".into(),
            fix: Fix::safe("Copy later", step),
        }],
        left: vec![],
        files: vec![
            file("docker/Dockerfile", b"FROM a\r\nRUN c\r\n", false),
            file(".dockerignore", b".git\n", false),
            file("run.sh", b"#!/bin/sh\n", true),
            file("link.txt", b"text\n", false),
            file("new/deep/build.sh", b"#!/bin/sh\ntrue\n", true),
            file("new/notes", b"", false),
        ],
    }
}

pub(crate) fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    look(root, Path::new(""), &mut tree);
    tree
}

fn look(root: &Path, inside: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(root.join(inside)).unwrap() {
        let name = inside.join(entry.unwrap().file_name());
        if name == Path::new(".careen") {
            continue;
        }
        let path = root.join(&name);
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            tree.insert(name.clone(), (meta.mode(), None, vec![]));
            look(root, &name, tree);
            continue;
        }
        let bytes = if meta.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        tree.insert(name, (meta.mode(), meta.modified().ok(), bytes));
    }
}

pub(crate) fn content(tree: &Tree) -> Content {
    tree.iter().map(|(path, (mode, _, bytes))| (path.clone(), (*mode, bytes.clone()))).collect()
}
