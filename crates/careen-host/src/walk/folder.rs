//! One folder read: names in order, a decision for each, and metadata for what is listed.
//!
//! `getdents64` and `fstatat` relative to the open folder are the floor: 0.5 µs a name and 1 µs
//! more for its metadata were measured on ext4, and neither `io_uring` nor larger buffers help.

use std::{
    ffi::CStr,
    mem::MaybeUninit,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use careen_syntax::ignore::{DirState, Filter, FilterError, FilterScratch, Judged};
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat},
    io::Errno,
};

use crate::walk::{
    assemble::Part,
    error::WalkError,
    hard_links::Identity,
    listing::{
        BLANK, Done, Entry, Fault, FaultKind, LATENT, MOST_ENTRIES, SPARSE, TYPE_BITS, ZERO_BYTE,
        is_sparse,
    },
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
    /// The folder above, unless too many are open.
    pub(super) parent: Option<Arc<OwnedFd>>,
    /// Relative to the root, without a slash at the end; empty for the root.
    pub(super) path: Vec<u8>,
    pub(super) state: DirState,
    /// It is entered only for exceptions.
    pub(super) latent: bool,
}

/// One thread's memory and results.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) part: Part,
    /// Time and number of metadata requests so far.
    pub(super) asked: (Duration, u32),
    scratch: FilterScratch,
    names: Vec<u8>,
    found: Vec<Found>,
    buffer: Vec<MaybeUninit<u8>>,
    path: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    start: u32,
    length: u16,
    kind: FileType,
}

/// All names of a folder, sorted.
struct Names<'a> {
    found: &'a [Found],
    names: &'a [u8],
}

/// A name, and its metadata if that was asked for ahead.
#[derive(Clone, Copy)]
struct Seen<'a> {
    name: &'a CStr,
    kind: FileType,
    stat: Option<Stat>,
}

impl Found {
    fn name(self, names: &[u8]) -> &CStr {
        let name = &names[self.start as usize..][..=usize::from(self.length)];
        CStr::from_bytes_with_nul(name).expect("the kernel ends names with a zero")
    }
}

/// The child folders of a task, in order, still without a number.
#[derive(Debug)]
pub(super) struct Children {
    pub(super) folder: Option<Arc<OwnedFd>>,
    pub(super) tasks: Vec<Task>,
}

/// How many metadata requests are timed before the number of threads is settled.
const TIMED: u32 = 64;

impl Reader {
    /// Reads the folder of `task`. Children get their number from `number`.
    pub(super) fn read(
        &mut self,
        ground: &Ground<'_>,
        task: &Task,
        mut number: impl FnMut() -> u32,
    ) -> Result<Children, WalkError> {
        let start = self.index()?;
        let mut children = Children { folder: None, tasks: Vec::new() };
        let opened =
            open(ground.root.as_fd(), task).and_then(|fd| self.list(fd.as_fd()).map(|()| fd));
        let fd = match opened {
            Ok(fd) => fd,
            Err(errno) => {
                self.fault(task.path.clone(), folder_fault(errno, task.latent), errno);
                self.part.done.push(Done { id: task.id, start, end: start });
                return Ok(children);
            }
        };
        let found = std::mem::take(&mut self.found);
        let names = std::mem::take(&mut self.names);
        let mut clock = (self.asked.1 < TIMED).then(Instant::now);
        // A new folder is asked ahead once its first answers have been timed.
        let ahead_from = if clock.is_some() { TIMED as usize } else { 0 };
        let mut known = Vec::new();
        self.path.clear();
        self.path.extend_from_slice(&task.path);
        if !task.path.is_empty() {
            self.path.push(b'/');
        }
        let prefix = self.path.len();
        for (i, one) in found.iter().enumerate() {
            self.path.truncate(prefix);
            if i == ahead_from {
                self.note_time(clock.take(), i);
                let rest = Names { found: &found[i..], names: &names };
                known = self.ask_ahead(ground, task, fd.as_fd(), &rest)?;
            }
            let name = one.name(&names);
            self.path.extend_from_slice(name.to_bytes());
            let ahead = i.checked_sub(ahead_from).and_then(|at| known.get_mut(at)?.take());
            let seen = Seen { name, kind: one.kind, stat: ahead };
            let child = self.visit(fd.as_fd(), ground.filter, task, seen, &mut number)?;
            children.tasks.extend(child);
        }
        self.note_time(clock, found.len());
        self.found = found;
        self.names = names;
        self.part.done.push(Done { id: task.id, start, end: self.index()? });
        if !children.tasks.is_empty() {
            children.folder = Some(Arc::new(fd));
        }
        Ok(children)
    }

    /// Fills `found` with the names of an open folder, sorted by bytes.
    fn list(&mut self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        self.names.clear();
        self.found.clear();
        // 32 KiB holds about a thousand names.
        self.buffer.resize(32 * 1024, MaybeUninit::uninit());
        let mut entries = RawDir::new(fd, &mut self.buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes_with_nul();
            if name == b".\0" || name == b"..\0" {
                continue;
            }
            let start = u32::try_from(self.names.len()).map_err(|_| Errno::NOMEM)?;
            let length = u16::try_from(name.len() - 1).map_err(|_| Errno::NAMETOOLONG)?;
            self.names.extend_from_slice(name);
            self.found.push(Found { start, length, kind: entry.file_type() });
        }
        let names = &self.names;
        let name = |one: &Found| &names[one.start as usize..][..usize::from(one.length)];
        self.found.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        Ok(())
    }

    /// Decides about the entry at `self.path`, and keeps it when it is listed.
    fn visit(
        &mut self,
        fd: BorrowedFd<'_>,
        filter: &Filter,
        task: &Task,
        seen: Seen<'_>,
        number: &mut impl FnMut() -> u32,
    ) -> Result<Option<Task>, WalkError> {
        let Seen { name, mut kind, mut stat } = seen;
        if kind == FileType::Unknown {
            let Some(known) = self.stat(fd, name) else { return Ok(None) };
            kind = FileType::from_raw_mode(known.st_mode);
            stat = Some(known);
        }
        let is_folder = kind == FileType::Directory;
        let judged = self.judge(filter, task, is_folder)?;
        if !judged.listed && judged.enter.is_none() {
            return Ok(None);
        }
        let stat = match (judged.listed, stat) {
            (false, _) => None,
            (true, None) => {
                let Some(stat) = self.stat(fd, name) else { return Ok(None) };
                Some(stat)
            }
            (true, known) => known,
        };
        let mut entry = stat.as_ref().map_or(Entry { flags: LATENT, ..BLANK }, described);
        entry.folder = task.id;
        entry.name = self.keep(name.to_bytes())?;
        entry.name_length =
            u16::try_from(name.to_bytes().len()).map_err(|_| WalkError::TooLarge)?;
        if judged.listed && !judged.opens && entry.mode & TYPE_BITS == 0o100_000 {
            entry.flags |= ZERO_BYTE;
        }
        if kind == FileType::Symlink && judged.listed {
            self.follow(fd, name, &mut entry)?;
        }
        let mut child = None;
        if let Some(state) = judged.enter {
            entry.child = number();
            child = Some(Task {
                id: entry.child,
                parent: None,
                path: self.path.clone(),
                state,
                latent: !judged.listed,
            });
        }
        if let Some(stat) = stat {
            self.part.devices.see(stat.st_dev);
            if stat.st_nlink > 1 && !is_folder {
                self.part.shared.push((self.index()?, identity(&stat)));
            }
        }
        self.part.block.entries.push(entry);
        Ok(child)
    }

    fn note_time(&mut self, clock: Option<Instant>, count: usize) {
        let Some(clock) = clock else { return };
        self.asked.0 += clock.elapsed();
        self.asked.1 += u32::try_from(count).unwrap_or(u32::MAX);
    }

    /// On a slow file system, asks for the metadata of a large folder's listed files with many
    /// threads. What could not be had is asked again in order, with its error.
    fn ask_ahead(
        &mut self,
        ground: &Ground<'_>,
        task: &Task,
        fd: BorrowedFd<'_>,
        names: &Names<'_>,
    ) -> Result<Vec<Option<Stat>>, WalkError> {
        let is_worth_it = names.found.len() >= LARGE_FOLDER && self.is_slow();
        if !is_worth_it || ground.asking.swap(true, Ordering::AcqRel) {
            return Ok(Vec::new());
        }
        let prefix = self.path.len();
        let mut wanted = Vec::new();
        for (i, one) in names.found.iter().enumerate() {
            let name = one.name(names.names);
            self.path.truncate(prefix);
            self.path.extend_from_slice(name.to_bytes());
            if one.kind != FileType::Directory && self.judge(ground.filter, task, false)?.listed {
                wanted.push((i, name));
            }
        }
        self.path.truncate(prefix);
        let mut known = vec![None; names.found.len()];
        for (i, stat) in ask_many(fd, &wanted) {
            known[i] = stat;
        }
        ground.asking.store(false, Ordering::Release);
        Ok(known)
    }

    /// The first answers took long, so this is a disk or a network.
    pub(super) fn is_slow(&self) -> bool {
        let (time, count) = self.asked;
        count >= 16 && time / count > SLOW
    }

    fn judge(
        &mut self,
        filter: &Filter,
        task: &Task,
        is_folder: bool,
    ) -> Result<Judged, FilterError> {
        if filter.is_open() {
            let enter = is_folder.then(DirState::default);
            return Ok(Judged { listed: true, opens: true, enter });
        }
        if is_folder {
            filter.judge_folder(&self.path, &task.state, &mut self.scratch)
        } else {
            filter.judge(&self.path, &task.state, &mut self.scratch)
        }
    }

    fn stat(&mut self, fd: BorrowedFd<'_>, name: &CStr) -> Option<Stat> {
        match rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Some(stat),
            Err(errno) => {
                let is_gone = matches!(errno, Errno::NOENT | Errno::NOTDIR);
                let kind = if is_gone { FaultKind::Vanished } else { FaultKind::Unreadable };
                self.fault(self.path.clone(), kind, errno);
                None
            }
        }
    }

    fn follow(
        &mut self,
        fd: BorrowedFd<'_>,
        name: &CStr,
        entry: &mut Entry,
    ) -> Result<(), WalkError> {
        match rustix::fs::readlinkat(fd, name, Vec::new()) {
            Ok(target) => {
                let target = target.as_bytes();
                entry.link = self.keep(target)?;
                entry.link_length = u16::try_from(target.len()).map_err(|_| WalkError::TooLarge)?;
            }
            Err(errno) => {
                let is_gone = matches!(errno, Errno::NOENT | Errno::INVAL);
                let kind = if is_gone { FaultKind::Vanished } else { FaultKind::Unreadable };
                self.fault(self.path.clone(), kind, errno);
            }
        }
        Ok(())
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

/// The parts of an entry that come from its metadata.
fn described(stat: &Stat) -> Entry {
    let is_device = matches!(stat.st_mode & TYPE_BITS, 0o020_000 | 0o060_000);
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let is_holey = is_sparse(stat.st_mode, size, u64::try_from(stat.st_blocks).unwrap_or(0));
    Entry {
        size: if is_device { stat.st_rdev } else { size },
        mtime_ns: stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(nanoseconds),
        mode: stat.st_mode,
        uid: stat.st_uid,
        gid: stat.st_gid,
        flags: if is_holey { SPARSE } else { 0 },
        ..BLANK
    }
}

fn identity(stat: &Stat) -> Identity {
    Identity { device: stat.st_dev, inode: stat.st_ino, is_shared: stat.st_nlink > 1 }
}

/// A first answer slower than this comes from a disk or a network, where more threads wait better.
/// Measured cold on ext4: 16 threads are 2.2 times as fast as 2, and cost nothing when warm.
const SLOW: Duration = Duration::from_micros(20);
pub(super) const THREADS_WHEN_SLOW: usize = 16;
/// A folder in which asking ahead is worth starting threads. Measured where a question takes
/// 300 µs and four are answered at once: 3,000 files in 0.7 to 1.3 s instead of 2.7 s.
const LARGE_FOLDER: usize = 256;

/// The metadata of `wanted`, asked for by as many threads as wait well.
fn ask_many(fd: BorrowedFd<'_>, wanted: &[(usize, &CStr)]) -> Vec<(usize, Option<Stat>)> {
    let ask = |part: &[(usize, &CStr)]| -> Vec<(usize, Option<Stat>)> {
        let ask_one = |name| rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW).ok();
        part.iter().map(|&(i, name)| (i, ask_one(name))).collect()
    };
    let size = wanted.len().div_ceil(THREADS_WHEN_SLOW).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = wanted
            .chunks(size)
            .map(|part| thread::Builder::new().spawn_scoped(scope, move || ask(part)))
            .collect();
        // A part whose thread could not start stays unknown.
        let answers = threads.into_iter().flatten().filter_map(|thread| thread.join().ok());
        answers.flatten().collect()
    })
}

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn open(root: BorrowedFd<'_>, task: &Task) -> Result<OwnedFd, Errno> {
    if task.path.is_empty() {
        return rustix::fs::openat(root, ".", FOLDER, Mode::empty());
    }
    let name = task.path.rsplit(|&b| b == b'/').next().unwrap_or_default();
    match &task.parent {
        Some(parent) => rustix::fs::openat(parent, name, FOLDER, Mode::empty()),
        None => open_below(root, &task.path),
    }
}

/// What is known of one path below `root`.
pub(super) fn ask(root: &OwnedFd, path: &[u8]) -> std::io::Result<(Entry, Identity)> {
    // `PATH_MAX` is 4096 with the zero at the end.
    let stat = match path.len() {
        0..4000 => rustix::fs::statat(root, path, AtFlags::SYMLINK_NOFOLLOW)?,
        _ => rustix::fs::fstat(open_below(root.as_fd(), path)?)?,
    };
    Ok((described(&stat), identity(&stat)))
}

/// Opens a folder by its path, in steps when the path is longer than the kernel takes at once.
fn open_below(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd, Errno> {
    // `PATH_MAX` is 4096 with the zero at the end.
    const LONGEST: usize = 4000;
    let mut at: Option<OwnedFd> = None;
    let mut rest = path;
    loop {
        let mut end = rest.len();
        if end > LONGEST {
            end = rest[..LONGEST].iter().rposition(|&b| b == b'/').ok_or(Errno::NAMETOOLONG)?;
        }
        let from = at.as_ref().map_or(root, AsFd::as_fd);
        let fd = rustix::fs::openat(from, &rest[..end], FOLDER, Mode::empty())?;
        if end == rest.len() {
            return Ok(fd);
        }
        rest = &rest[end + 1..];
        at = Some(fd);
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

    #[test]
    fn asking_ahead_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        for i in 0..400 {
            std::fs::write(root.path().join(format!("{i}.txt")), format!("{i}")).unwrap();
            std::fs::write(root.path().join(format!("{i}.log")), "").unwrap();
        }
        std::fs::create_dir(root.path().join("folder")).unwrap();
        let fd = rustix::fs::open(root.path(), FOLDER, Mode::empty()).unwrap();
        let filter = Filter::new(&["*.log".to_owned()], &[]).unwrap();
        let ground = Ground { root: &fd, filter: &filter, asking: AtomicBool::new(false) };
        let read = |asked: (Duration, u32)| {
            let mut reader = Reader { asked, ..Reader::default() };
            let (path, state) = (Vec::new(), DirState::default());
            let task = Task { id: 0, parent: None, path, state, latent: false };
            let children = reader.read(&ground, &task, || 7).unwrap();
            assert_eq!(children.tasks.len(), 1);
            assert_eq!(children.tasks[0].path, b"folder");
            let sizes =
                reader.part.block.entries.iter().map(|entry| entry.size).collect::<Vec<_>>();
            (sizes, reader.part.block.names)
        };
        let fast = read((Duration::ZERO, TIMED));
        let slow = read((Duration::from_secs(1), TIMED));
        assert_eq!(fast.0.len(), 401);
        assert_eq!(slow, fast);
    }

    #[test]
    fn many_threads_ask_the_same() {
        let root = tempfile::tempdir().unwrap();
        for i in 0..100_usize {
            std::fs::write(root.path().join(format!("{i}")), vec![0; i]).unwrap();
        }
        let fd = rustix::fs::open(root.path(), FOLDER, Mode::empty()).unwrap();
        let names: Vec<std::ffi::CString> =
            (0..101).map(|i| std::ffi::CString::new(format!("{i}")).unwrap()).collect();
        let wanted: Vec<(usize, &CStr)> =
            names.iter().enumerate().map(|(i, name)| (i, name.as_c_str())).collect();
        let mut sizes: Vec<(usize, Option<i64>)> = ask_many(fd.as_fd(), &wanted)
            .into_iter()
            .map(|(i, stat)| (i, stat.map(|stat| stat.st_size)))
            .collect();
        sizes.sort_unstable();
        let expected: Vec<(usize, Option<i64>)> =
            (0..101).map(|i| (i, (i < 100).then(|| i64::try_from(i).unwrap()))).collect();
        assert_eq!(sizes, expected);
        assert!(ask_many(fd.as_fd(), &[]).is_empty());
    }
}
