//! One folder read: a decision for each name, metadata for what is listed, all in order of names.
//!
//! `getdents64` and `fstatat` relative to the open folder are the floor: 0.5 µs a name and 1 µs
//! more for its metadata were measured on ext4, and neither `io_uring` nor larger buffers help.
//! So nothing is done twice: names are asked about where the kernel wrote them and sorted
//! afterwards, and a folder is asked about when it has been opened, which saves looking it up
//! again.

use std::{
    ffi::CStr,
    mem::MaybeUninit,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use careen_syntax::ignore::{DirState, Filter, FilterError, FilterScratch, Judged};
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, FileType, RawDir, Stat},
    io::Errno,
};

use crate::walk::{
    ahead::{Later, is_slow},
    assemble::{Part, Place},
    ends::{Ends, LAST},
    error::WalkError,
    listing::{
        BLANK, Done, Entry, Fault, FaultKind, LATENT, MOST_ENTRIES, NONE, Own, TYPE_BITS, ZERO_BYTE,
    },
    opening::{Opener, described, identity, stat},
    sorting::Sorter,
};

/// What all threads of a walk share while they read.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) root: &'a OwnedFd,
    pub(super) filter: &'a Filter,
    /// One large folder at a time is asked about by many threads.
    pub(super) asking: AtomicBool,
}

/// A folder to read.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: u32,
    /// Relative to the root, without a slash at the end; empty for the root.
    pub(super) path: Vec<u8>,
    pub(super) state: DirState,
    /// It is entered only for exceptions.
    pub(super) latent: bool,
    /// Its own entry; `None` for the root.
    pub(super) entry: Option<Place>,
}

/// One thread's memory and results.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Which of the walk's readers it is.
    number: u32,
    pub(super) part: Part,
    /// Time and number of the metadata requests that were timed.
    pub(super) asked: (Duration, u32),
    /// All metadata requests.
    requests: u32,
    /// The file system of the folder that is being read, where it was asked about.
    device: Option<u64>,
    ends: Ends,
    opener: Opener,
    scratch: FilterScratch,
    /// The entries of one folder as they come.
    unsorted: Vec<Entry>,
    sorter: Sorter,
    buffer: Vec<MaybeUninit<u8>>,
    path: Vec<u8>,
}

/// The folder that is being read.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) ground: &'a Ground<'a>,
    pub(super) task: &'a Task,
    pub(super) fd: BorrowedFd<'a>,
    /// Bytes of its path, with the slash at the end.
    prefix: usize,
}

/// A name, and its metadata if that was asked for ahead.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) name: &'a CStr,
    pub(super) kind: FileType,
    pub(super) stat: Option<&'a Stat>,
}

/// The child folders of a task, in order.
#[derive(Debug)]
pub(super) struct Children {
    pub(super) folder: Option<OwnedFd>,
    pub(super) tasks: Vec<Task>,
}

/// Why a folder was not read to its end.
enum Stopped {
    Folder(Errno),
    Walk(WalkError),
}

impl From<WalkError> for Stopped {
    fn from(err: WalkError) -> Stopped {
        Stopped::Walk(err)
    }
}

/// How many metadata requests are timed before the number of threads is settled.
pub(super) const TIMED: u32 = 64;

impl Reader {
    pub(super) fn new(number: u32) -> Reader {
        Reader { number, ..Reader::default() }
    }

    /// Reads the folder of `task`. `parent` is the folder above, unless too many are open.
    /// Children get their number from `number`.
    pub(super) fn read(
        &mut self,
        ground: &Ground<'_>,
        task: &Task,
        parent: Option<&OwnedFd>,
        mut number: impl FnMut() -> u32,
    ) -> Result<Children, WalkError> {
        let start = self.index()?;
        let mut children = Children { folder: None, tasks: Vec::new() };
        let clock = self.clock();
        self.device = None;
        let opened = self.opener.open(ground.root.as_fd(), parent, &task.path);
        let fd = match opened {
            Ok(fd) => fd,
            Err(errno) => {
                let kind = folder_fault(errno, task.latent);
                self.fault(task.path.clone(), kind, errno);
                if kind == FaultKind::UnreadableFolder {
                    self.describe_folder(ground, task, None);
                }
                self.part.done.push(Done { id: task.id, start, end: start, child: 0 });
                return Ok(children);
            }
        };
        self.describe_folder(ground, task, Some(&fd));
        self.note_time(clock);
        self.path.clear();
        self.path.extend_from_slice(&task.path);
        if !task.path.is_empty() {
            self.path.push(b'/');
        }
        let here = Here { ground, task, fd: fd.as_fd(), prefix: self.path.len() };
        let (shared, bytes) = (self.part.shared.len(), self.part.bytes);
        let child = u32::try_from(self.part.children.len()).map_err(|_| WalkError::TooLarge)?;
        self.unsorted.clear();
        let mut buffer = std::mem::take(&mut self.buffer);
        // 32 KiB holds about a thousand names.
        buffer.resize(32 * 1024, MaybeUninit::uninit());
        let listed = self.list(here, &mut buffer, &mut number, &mut children.tasks);
        self.buffer = buffer;
        match listed {
            Ok(()) => {
                let shared = &mut self.part.shared[shared..];
                let block = &mut self.part.block;
                self.sorter.sort(&self.unsorted, block, start, shared);
                children.tasks.sort_unstable_by(|a, b| a.path.cmp(&b.path));
                if !children.tasks.is_empty() {
                    let entries = (start..).zip(&block.entries[start as usize..]);
                    let folders = entries.filter(|(_, entry)| entry.child != NONE);
                    for (task, (index, _)) in children.tasks.iter_mut().zip(folders) {
                        task.entry = Some(Place { reader: self.number, index });
                        self.part.children.push(index);
                    }
                }
            }
            Err(Stopped::Folder(errno)) => {
                self.fault(task.path.clone(), folder_fault(errno, task.latent), errno);
                self.part.shared.truncate(shared);
                self.part.bytes = bytes;
                children.tasks.clear();
            }
            Err(Stopped::Walk(err)) => return Err(err),
        }
        self.part.done.push(Done { id: task.id, start, end: self.index()?, child });
        if !children.tasks.is_empty() {
            children.folder = Some(fd);
        }
        Ok(children)
    }

    /// Visits all names of an open folder, in whatever order they come.
    fn list(
        &mut self,
        here: Here<'_>,
        buffer: &mut [MaybeUninit<u8>],
        number: &mut impl FnMut() -> u32,
        tasks: &mut Vec<Task>,
    ) -> Result<(), Stopped> {
        let mut clock = self.clock();
        let mut later = Later::default();
        let mut is_later = clock.is_none() && is_slow(self.asked);
        let mut entries = RawDir::new(here.fd, buffer);
        let tells_its_end = self.ends.tells(here.fd, self.device);
        let mut is_end = false;
        while !is_end && let Some(entry) = entries.next() {
            let entry = entry.map_err(Stopped::Folder)?;
            is_end = tells_its_end && entry.next_entry_cookie() == LAST;
            let (name, kind) = (entry.file_name(), entry.file_type());
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if is_later {
                later.push(name, kind)?;
                continue;
            }
            self.visit(here, Seen { name, kind, stat: None }, number, tasks)?;
            if let Some((since, before)) = clock
                && self.asked.1 + (self.requests - before) >= TIMED
            {
                self.note_time(Some((since, before)));
                clock = None;
                is_later = is_slow(self.asked);
            }
        }
        self.note_time(clock);
        if !later.is_empty() {
            let known = later.ask(here, |name, is_folder| {
                Ok(!is_folder && self.judge(here, name, is_folder)?.listed)
            })?;
            for seen in later.seen(&known) {
                self.visit(here, seen, number, tasks)?;
            }
        }
        Ok(())
    }

    /// Decides about one name, and keeps it when it is listed. Folders to enter go to `tasks`.
    fn visit(
        &mut self,
        here: Here<'_>,
        seen: Seen<'_>,
        number: &mut impl FnMut() -> u32,
        tasks: &mut Vec<Task>,
    ) -> Result<(), WalkError> {
        let Seen { name, kind, stat } = seen;
        if kind == FileType::Unknown {
            return self.visit_unknown(here, seen, number, tasks);
        }
        let is_folder = kind == FileType::Directory;
        let mut enter = None;
        let (mut is_listed, mut opens) = (true, true);
        if !here.ground.filter.is_open() {
            let judged = self.judge(here, name, is_folder)?;
            (is_listed, opens, enter) = (judged.listed, judged.opens, judged.enter);
            if !is_listed && enter.is_none() {
                return Ok(());
            }
        } else if is_folder {
            enter = Some(DirState::default());
        }
        let mut entry = match stat {
            _ if !is_listed => Entry { flags: LATENT, ..BLANK },
            // It is asked about where it is opened.
            _ if enter.is_some() => BLANK,
            Some(stat) => self.describe(stat)?,
            None => {
                self.requests = self.requests.wrapping_add(1);
                match rustix::fs::statat(here.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => self.describe(&stat)?,
                    Err(errno) => {
                        self.fault(self.path_of(here, name), entry_fault(errno), errno);
                        return Ok(());
                    }
                }
            }
        };
        entry.folder = here.task.id;
        entry.name = self.keep(name.to_bytes())?;
        entry.name_length =
            u16::try_from(name.to_bytes().len()).map_err(|_| WalkError::TooLarge)?;
        if is_listed && !opens && entry.mode & TYPE_BITS == 0o100_000 {
            entry.flags |= ZERO_BYTE;
        }
        self.part.bytes = self.part.bytes.saturating_add(entry.file_bytes());
        if kind == FileType::Symlink && is_listed {
            self.follow(here, name, &mut entry)?;
        }
        if let Some(state) = enter {
            entry.child = number();
            let path = self.path_of(here, name);
            let latent = !is_listed;
            tasks.push(Task { id: entry.child, path, state, latent, entry: None });
        }
        self.unsorted.push(entry);
        Ok(())
    }

    /// For file systems that do not tell with the name what it is.
    #[cold]
    fn visit_unknown(
        &mut self,
        here: Here<'_>,
        seen: Seen<'_>,
        number: &mut impl FnMut() -> u32,
        tasks: &mut Vec<Task>,
    ) -> Result<(), WalkError> {
        self.requests = self.requests.wrapping_add(1);
        let ask = || rustix::fs::statat(here.fd, seen.name, AtFlags::SYMLINK_NOFOLLOW);
        let stat = match seen.stat.map_or_else(ask, |stat| Ok(*stat)) {
            Ok(stat) => stat,
            Err(errno) => {
                self.fault(self.path_of(here, seen.name), entry_fault(errno), errno);
                return Ok(());
            }
        };
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Unknown => FileType::RegularFile,
            kind => kind,
        };
        self.visit(here, Seen { kind, stat: Some(&stat), ..seen }, number, tasks)
    }

    /// The entry that is about to be kept.
    #[inline]
    fn describe(&mut self, stat: &Stat) -> Result<Entry, WalkError> {
        self.part.devices.see(stat.st_dev);
        if stat.st_nlink > 1 && stat.st_mode & TYPE_BITS != 0o040_000 {
            let index = u32::try_from(self.unsorted.len()).map_err(|_| WalkError::TooLarge)?;
            self.part.shared.push((index, identity(stat)));
        }
        Ok(described(stat))
    }

    /// Asks what a listed folder is, through its descriptor or, when it cannot be opened, by its
    /// path, and puts that into its entry.
    fn describe_folder(&mut self, ground: &Ground<'_>, task: &Task, fd: Option<&OwnedFd>) {
        let Some(place) = task.entry else { return };
        if task.latent {
            return;
        }
        self.requests = self.requests.wrapping_add(1);
        let found = match fd {
            Some(fd) => rustix::fs::fstat(fd),
            None => stat(ground.root.as_fd(), &task.path),
        };
        match found {
            Ok(found) => {
                self.part.devices.see(found.st_dev);
                self.device = Some(found.st_dev);
                let own = Own::of(&described(&found));
                if place.reader == self.number {
                    own.put_into(&mut self.part.block.entries[place.index as usize]);
                } else {
                    self.part.foreign.push((place, own));
                }
            }
            Err(errno) => self.fault(task.path.clone(), entry_fault(errno), errno),
        }
    }

    /// Starts a measurement while there are too few.
    fn clock(&self) -> Option<(Instant, u32)> {
        (self.asked.1 < TIMED).then(|| (Instant::now(), self.requests))
    }

    fn note_time(&mut self, clock: Option<(Instant, u32)>) {
        let Some((since, before)) = clock else { return };
        self.asked.0 += since.elapsed();
        self.asked.1 += self.requests.wrapping_sub(before);
    }

    fn judge(
        &mut self,
        here: Here<'_>,
        name: &CStr,
        is_folder: bool,
    ) -> Result<Judged, FilterError> {
        let filter = here.ground.filter;
        self.path.truncate(here.prefix);
        self.path.extend_from_slice(name.to_bytes());
        if is_folder {
            filter.judge_folder(&self.path, &here.task.state, &mut self.scratch)
        } else {
            filter.judge(&self.path, &here.task.state, &mut self.scratch)
        }
    }

    fn follow(&mut self, here: Here<'_>, name: &CStr, entry: &mut Entry) -> Result<(), WalkError> {
        match rustix::fs::readlinkat(here.fd, name, Vec::new()) {
            Ok(target) => {
                let target = target.as_bytes();
                self.keep(target)?;
                entry.link_length = u16::try_from(target.len()).map_err(|_| WalkError::TooLarge)?;
            }
            Err(errno) => {
                let is_gone = matches!(errno, Errno::NOENT | Errno::INVAL);
                let kind = if is_gone { FaultKind::Vanished } else { FaultKind::Unreadable };
                self.fault(self.path_of(here, name), kind, errno);
            }
        }
        Ok(())
    }

    fn path_of(&self, here: Here<'_>, name: &CStr) -> Vec<u8> {
        [&self.path[..here.prefix], name.to_bytes()].concat()
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<u32, WalkError> {
        let at = u32::try_from(self.part.block.names.len()).map_err(|_| WalkError::TooLarge)?;
        self.part.block.names.extend_from_slice(bytes);
        Ok(at)
    }

    fn index(&self) -> Result<u32, WalkError> {
        let length = self.part.block.entries.len();
        if length >= MOST_ENTRIES {
            return Err(WalkError::TooLarge);
        }
        u32::try_from(length).map_err(|_| WalkError::TooLarge)
    }

    fn fault(&mut self, path: Vec<u8>, kind: FaultKind, errno: Errno) {
        let error = std::io::Error::from(errno).to_string();
        self.part.faults.push(Fault { path, kind, error });
    }
}

fn entry_fault(errno: Errno) -> FaultKind {
    match errno {
        Errno::NOENT | Errno::NOTDIR => FaultKind::Vanished,
        _ => FaultKind::Unreadable,
    }
}

fn folder_fault(errno: Errno, latent: bool) -> FaultKind {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => FaultKind::Vanished,
        Errno::ACCESS | Errno::PERM if latent => FaultKind::UnreadableExcluded,
        _ => FaultKind::UnreadableFolder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::opening::FOLDER;

    #[test]
    fn asking_ahead_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        for i in 0..400 {
            std::fs::write(root.path().join(format!("{i}.txt")), format!("{i}")).unwrap();
            std::fs::write(root.path().join(format!("{i}.log")), "").unwrap();
        }
        std::fs::create_dir(root.path().join("folder")).unwrap();
        let fd = rustix::fs::open(root.path(), FOLDER, rustix::fs::Mode::empty()).unwrap();
        let filter = Filter::new(&["*.log".to_owned()], &[]).unwrap();
        let ground = Ground { root: &fd, filter: &filter, asking: AtomicBool::new(false) };
        let read = |asked: (Duration, u32)| {
            let mut reader = Reader { asked, ..Reader::default() };
            let (path, state) = (Vec::new(), DirState::default());
            let task = Task { id: 0, path, state, latent: false, entry: None };
            let children = reader.read(&ground, &task, None, || 7).unwrap();
            assert_eq!(children.tasks.len(), 1);
            assert_eq!(children.tasks[0].path, b"folder");
            let block = &reader.part.block;
            let known = |entry: &Entry| (block.name(entry).to_owned(), entry.size, entry.mode);
            block.entries.iter().map(known).collect::<Vec<_>>()
        };
        let fast = read((Duration::ZERO, TIMED));
        let slow = read((Duration::from_secs(1), TIMED));
        assert_eq!(fast.len(), 401);
        assert!(fast.is_sorted());
        assert_eq!(slow, fast);
    }
}
