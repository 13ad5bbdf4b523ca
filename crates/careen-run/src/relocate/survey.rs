//! Everything in a folder, with what a copy has to keep of it.

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::Error;

/// One entry, by its path below the folder; the folder itself has the empty path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    pub kind: Kind,
    pub mode: u32,
    pub owner: (u32, u32),
    /// Seconds and nanoseconds.
    pub modified: (i64, i64),
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Folder,
    File,
    /// One more name of the file at this earlier path.
    SameAs(PathBuf),
    Link {
        target: PathBuf,
    },
}

/// What a folder holds, parents before children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    pub entries: Vec<Entry>,
    /// Of all files, each counted once.
    pub bytes: u64,
    /// Sockets, pipes and devices with the word for each: no copy of them would work.
    pub special: Vec<(PathBuf, &'static str)>,
    /// Symbolic links that lead back into the folder by its absolute path.
    pub inward: Vec<PathBuf>,
    /// A `.git` file that names a repository elsewhere: a linked worktree or a submodule.
    pub git_elsewhere: Option<PathBuf>,
}

impl Survey {
    /// Bytes on a file system with blocks of this size; each folder and long link takes one.
    pub(crate) fn needed_bytes(&self, block: u64) -> u64 {
        let blocks = self.entries.iter().map(|entry| match entry.kind {
            Kind::File => entry.size.div_ceil(block),
            Kind::Folder => 1,
            Kind::Link { .. } | Kind::SameAs(_) => 0,
        });
        blocks.sum::<u64>().saturating_mul(block)
    }
}

/// Lists a folder. Whatever cannot be read is an error: a copy without it would be a lie.
pub fn survey(root: &Path) -> Result<Survey, Error> {
    let mut found = Survey::default();
    let absolute = root.canonicalize().map_err(Error::io("reading", root))?;
    let mut names = std::collections::HashMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(path) = open.pop() {
        let full = root.join(&path);
        let meta = fs::symlink_metadata(&full).map_err(Error::io("reading", &full))?;
        let kind = if meta.is_dir() {
            let listed = fs::read_dir(&full).map_err(Error::io("reading", &full))?;
            let mut children = Vec::new();
            for child in listed {
                let child = child.map_err(Error::io("reading", &full))?;
                children.push(path.join(child.file_name()));
            }
            // The stack gives the last one first.
            children.sort_unstable_by(|a, b| b.cmp(a));
            open.extend(children);
            Kind::Folder
        } else if meta.is_symlink() {
            let target = fs::read_link(&full).map_err(Error::io("reading", &full))?;
            if target.starts_with(&absolute) || target.starts_with(root) && root.is_absolute() {
                found.inward.push(path.clone());
            }
            Kind::Link { target }
        } else if meta.is_file() && meta.nlink() < 2 {
            found.bytes += meta.len();
            Kind::File
        } else if meta.is_file() {
            let first = names.entry((meta.dev(), meta.ino())).or_insert_with(|| path.clone());
            if *first == path {
                found.bytes += meta.len();
                Kind::File
            } else {
                Kind::SameAs(first.clone())
            }
        } else {
            found.special.push((path, word(&meta)));
            continue;
        };
        if path == Path::new(".git") && kind == Kind::File {
            found.git_elsewhere = git_folder(&full);
        }
        found.entries.push(entry(path, kind, &meta));
    }
    Ok(found)
}

fn entry(path: PathBuf, kind: Kind, meta: &Metadata) -> Entry {
    Entry {
        path,
        kind,
        mode: meta.mode() & 0o7777,
        owner: (meta.uid(), meta.gid()),
        modified: (meta.mtime(), meta.mtime_nsec()),
        size: meta.len(),
    }
}

fn word(meta: &Metadata) -> &'static str {
    let kind = meta.file_type();
    match () {
        () if kind.is_socket() => "socket",
        () if kind.is_fifo() => "pipe",
        () if kind.is_block_device() || kind.is_char_device() => "device",
        () => "special file",
    }
}

/// What `gitdir:` of a `.git` file says.
fn git_folder(path: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix("gitdir:")).map(|path| path.trim().into())
}
