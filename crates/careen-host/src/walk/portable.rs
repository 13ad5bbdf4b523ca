//! The same walk with the standard library alone: one thread, paths instead of open folders.
//!
//! For systems without `getdents64`; on Linux the tests run through it too.

use std::{
    ffi::OsStr,
    fs::{self, Metadata},
    io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::Path,
};

use careen_syntax::ignore::{DirState, Filter, FilterScratch, Judged};

use crate::walk::{
    assemble::{Gathered, Part},
    error::WalkError,
    hard_links::Identity,
    listing::{
        BLANK, Done, Entry, Fault, FaultKind, LATENT, MOST_ENTRIES, NONE, SPARSE, TYPE_BITS,
        ZERO_BYTE, is_sparse,
    },
};

struct Task {
    id: u32,
    path: Vec<u8>,
    state: DirState,
    latent: bool,
}

struct Name {
    name: Vec<u8>,
    is_folder: bool,
}

/// Reads the whole tree below `root`.
pub(super) fn gather(root: &Path, filter: &Filter) -> Result<Gathered, WalkError> {
    let mut reader =
        Reader { root, filter, part: Part::default(), scratch: FilterScratch::default() };
    let mut folders = 1;
    let first = Task { id: 0, path: Vec::new(), state: DirState::default(), latent: false };
    let mut waiting = vec![first];
    while let Some(task) = waiting.pop() {
        let start = reader.index()?;
        let child = reader.children()?;
        match reader.names(&task.path) {
            Ok(names) => {
                let mut children = Vec::new();
                for name in names {
                    children.extend(reader.visit(&task, name, &mut folders)?);
                }
                waiting.extend(children.into_iter().rev());
            }
            Err(err) => {
                let kind = match err.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FaultKind::Vanished,
                    io::ErrorKind::PermissionDenied if task.latent => FaultKind::UnreadableExcluded,
                    _ => FaultKind::UnreadableFolder,
                };
                reader.fault(&task.path, kind, &err);
            }
        }
        let end = reader.index()?;
        reader.part.done.push(Done { id: task.id, start, end, child });
    }
    Ok(Gathered { parts: vec![reader.part], folders })
}

/// What is known of an entry that is asked for alone.
pub(super) fn described(root: &Path, path: &[u8]) -> io::Result<(Entry, Identity)> {
    let found = fs::symlink_metadata(root.join(OsStr::from_bytes(path)))?;
    Ok((entry_of(&found), identity_of(&found)))
}

fn identity_of(found: &Metadata) -> Identity {
    Identity { device: found.dev(), inode: found.ino(), is_shared: found.nlink() > 1 }
}

fn entry_of(found: &Metadata) -> Entry {
    let mode = found.mode();
    let is_device = matches!(mode & TYPE_BITS, 0o020_000 | 0o060_000);
    let is_holey = is_sparse(mode, found.size(), found.blocks());
    Entry {
        size: if is_device { found.rdev() } else { found.size() },
        mtime_ns: found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec()),
        mode,
        uid: found.uid(),
        gid: found.gid(),
        flags: if is_holey { SPARSE } else { 0 },
        ..BLANK
    }
}

struct Reader<'a> {
    root: &'a Path,
    filter: &'a Filter,
    part: Part,
    scratch: FilterScratch,
}

impl Reader<'_> {
    /// The names of a folder, sorted by bytes.
    fn names(&self, path: &[u8]) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(OsStr::from_bytes(path)))? {
            let entry = entry?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            names.push(Name { name: entry.file_name().into_vec(), is_folder });
        }
        names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(names)
    }

    fn visit(
        &mut self,
        task: &Task,
        name: Name,
        folders: &mut u32,
    ) -> Result<Option<Task>, WalkError> {
        let Name { name, is_folder } = name;
        let path = match task.path.as_slice() {
            [] => name.clone(),
            above => [above, b"/", &name].concat(),
        };
        let judged = self.judge(task, &path, is_folder)?;
        if !judged.listed && judged.enter.is_none() {
            return Ok(None);
        }
        let full = self.root.join(OsStr::from_bytes(&path));
        let mut entry = Entry { flags: LATENT, ..BLANK };
        if judged.listed {
            match fs::symlink_metadata(&full) {
                Ok(found) => {
                    entry = entry_of(&found);
                    self.part.devices.see(found.dev());
                    if found.nlink() > 1 && !is_folder {
                        self.part.shared.push((self.index()?, identity_of(&found)));
                    }
                }
                Err(err) => {
                    self.fault(&path, gone_or(&err), &err);
                    return Ok(None);
                }
            }
        }
        entry.folder = task.id;
        entry.name = self.keep(&name)?;
        entry.name_length = u16::try_from(name.len()).map_err(|_| WalkError::TooLarge)?;
        if judged.listed && !judged.opens && entry.mode & TYPE_BITS == 0o100_000 {
            entry.flags |= ZERO_BYTE;
        }
        if entry.mode & TYPE_BITS == 0o120_000 {
            match fs::read_link(&full) {
                Ok(target) => {
                    let target = target.into_os_string().into_vec();
                    self.keep(&target)?;
                    entry.link_length =
                        u16::try_from(target.len()).map_err(|_| WalkError::TooLarge)?;
                }
                Err(err) => self.fault(&path, gone_or(&err), &err),
            }
        }
        self.part.bytes = self.part.bytes.saturating_add(entry.file_bytes());
        let latent = !judged.listed;
        let child = judged.enter.map(|state| {
            entry.child = *folders;
            *folders += 1;
            Task { id: entry.child, path, state, latent }
        });
        if child.is_some() {
            let index = self.index()?;
            self.part.children.push(index);
        }
        debug_assert!(child.is_some() || entry.child == NONE, "only folders have children");
        self.part.block.entries.push(entry);
        Ok(child)
    }

    fn judge(&mut self, task: &Task, path: &[u8], is_folder: bool) -> Result<Judged, WalkError> {
        if self.filter.is_open() {
            let enter = is_folder.then(DirState::default);
            return Ok(Judged { listed: true, opens: true, enter });
        }
        let judged = if is_folder {
            self.filter.judge_folder(path, &task.state, &mut self.scratch)
        } else {
            self.filter.judge(path, &task.state, &mut self.scratch)
        };
        Ok(judged?)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<u32, WalkError> {
        let at = u32::try_from(self.part.block.names.len()).map_err(|_| WalkError::TooLarge)?;
        self.part.block.names.extend_from_slice(bytes);
        Ok(at)
    }

    fn children(&self) -> Result<u32, WalkError> {
        u32::try_from(self.part.children.len()).map_err(|_| WalkError::TooLarge)
    }

    fn index(&self) -> Result<u32, WalkError> {
        let length = self.part.block.entries.len();
        if length >= MOST_ENTRIES {
            return Err(WalkError::TooLarge);
        }
        u32::try_from(length).map_err(|_| WalkError::TooLarge)
    }

    fn fault(&mut self, path: &[u8], kind: FaultKind, err: &io::Error) {
        self.part.faults.push(Fault { path: path.to_owned(), kind, error: err.to_string() });
    }
}

fn gone_or(err: &io::Error) -> FaultKind {
    match err.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FaultKind::Vanished,
        _ => FaultKind::Unreadable,
    }
}
