//! A slow file system to test with: a read-only view of a folder where every question costs time.
//!
//! It is real (FUSE), so kernel caches, mount ids and `statfs` behave as on a slow share.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEntry,
    ReplyStatfs, Request, SessionACL,
};
use tempfile::TempDir;

/// A file whose name ends so is listed by its folder and gone when it is asked for.
pub const VANISHES: &str = ".vanishes";

/// How slow the mount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowness {
    /// Added to every lookup, attribute query, listing and read.
    pub delay: Duration,
    /// How long the kernel may keep names and attributes; zero asks again each time.
    pub cached: Duration,
}

impl Slowness {
    /// So much for every question, nothing cached.
    pub fn of(delay: Duration) -> Slowness {
        Slowness { delay, cached: Duration::ZERO }
    }
}

/// A mounted slow view of a folder; unmounted when dropped, also by a failing test.
#[derive(Debug)]
pub struct SlowMount {
    session: Option<BackgroundSession>,
    point: TempDir,
}

impl SlowMount {
    /// Mounts a view of `source`. The error is the reason why this machine cannot, for the words
    /// "skipped: …".
    ///
    /// # Panics
    ///
    /// When mounting should be possible and fails: then a test must not pass by skipping.
    pub fn over(source: &Path, slowness: Slowness) -> Result<SlowMount, String> {
        let device = fs::File::options().read(true).write(true).open("/dev/fuse");
        device.map_err(|err| format!("/dev/fuse cannot be opened ({err})"))?;
        let point = tempfile::tempdir().expect("the folder for temporary files is writable");
        let options = [MountOption::FSName("careen-slow".into()), MountOption::RO];
        let mut config = Config::default();
        config.mount_options = options.to_vec();
        // Like a round trip, a delay of one question does not hold up another one.
        config.n_threads = Some(4);
        config.acl = SessionACL::Owner;
        match fuser::spawn_mount(View::new(source, slowness), point.path(), &config) {
            Ok(session) => Ok(SlowMount { session: Some(session), point }),
            Err(err) if err.kind() == io::ErrorKind::PermissionDenied => {
                Err(format!("no permission to mount ({err})"))
            }
            Err(err) => panic!("could not mount {}: {err}", point.path().display()),
        }
    }

    pub fn path(&self) -> &Path {
        self.point.path()
    }
}

impl Drop for SlowMount {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        // Off the tree at once, even if somebody still has a file open or waits for an answer.
        let point = self.point.path();
        let by_root = Command::new("umount").arg("-l").arg(point).status();
        if !by_root.is_ok_and(|status| status.success()) {
            let _ = Command::new("fusermount3").arg("-uz").arg(point).status();
        }
        // The file system must outlive its last user: a process that ends while one of its own
        // threads waits for an answer from another one never ends.
        for _ in 0..1000 {
            if session.guard.is_finished() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Inode numbers by path, as the kernel asks by number.
#[derive(Debug)]
struct View {
    slowness: Slowness,
    paths: Mutex<Numbers>,
}

#[derive(Debug)]
struct Numbers {
    /// The path of inode `i` stands at `i - 1`.
    paths: Vec<PathBuf>,
    numbers: HashMap<PathBuf, u64>,
}

impl Numbers {
    fn number(&mut self, path: PathBuf) -> u64 {
        let next = self.paths.len() as u64 + 1;
        let number = *self.numbers.entry(path.clone()).or_insert(next);
        if number == next {
            self.paths.push(path);
        }
        number
    }
}

impl View {
    fn new(source: &Path, slowness: Slowness) -> View {
        let mut numbers = Numbers { paths: Vec::new(), numbers: HashMap::new() };
        numbers.number(source.to_owned());
        View { slowness, paths: Mutex::new(numbers) }
    }

    fn wait(&self) {
        std::thread::sleep(self.slowness.delay);
    }

    fn number(&self, path: PathBuf) -> u64 {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).number(path)
    }

    fn path(&self, number: INodeNo) -> Result<PathBuf, Errno> {
        let numbers = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let at = usize::try_from(number.0).ok().and_then(|number| number.checked_sub(1));
        at.and_then(|at| numbers.paths.get(at)).cloned().ok_or(Errno::ENOENT)
    }

    fn attributes(&self, path: PathBuf) -> Result<FileAttr, Errno> {
        let meta = fs::symlink_metadata(&path)?;
        Ok(attributes_of(self.number(path), &meta))
    }

    fn list(&self, folder: &Path) -> Result<Vec<(u64, FileType, std::ffi::OsString)>, Errno> {
        let own = self.number(folder.to_owned());
        let mut entries =
            vec![(own, FileType::Directory, ".".into()), (own, FileType::Directory, "..".into())];
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = kind_of(entry.file_type()?);
            entries.push((self.number(entry.path()), kind, entry.file_name()));
        }
        Ok(entries)
    }
}

impl Filesystem for View {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.wait();
        if name.as_encoded_bytes().ends_with(VANISHES.as_bytes()) {
            return reply.error(Errno::ENOENT);
        }
        match self.path(parent).and_then(|parent| self.attributes(parent.join(name))) {
            Ok(attributes) => reply.entry(&self.slowness.cached, &attributes, Generation(0)),
            Err(err) => reply.error(err),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.wait();
        match self.path(ino).and_then(|path| self.attributes(path)) {
            Ok(attributes) => reply.attr(&self.slowness.cached, &attributes),
            Err(err) => reply.error(err),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        self.wait();
        match self.path(ino).and_then(|path| Ok(fs::read_link(path)?)) {
            Ok(target) => reply.data(target.as_os_str().as_encoded_bytes()),
            Err(err) => reply.error(err),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.wait();
        let read = self.path(ino).and_then(|path| {
            let mut buffer = vec![0; size as usize];
            let length = fs::File::open(path)?.read_at(&mut buffer, offset)?;
            buffer.truncate(length);
            Ok(buffer)
        });
        match read {
            Ok(bytes) => reply.data(&bytes),
            Err(err) => reply.error(err),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        self.wait();
        let entries = match self.path(ino).and_then(|path| self.list(&path)) {
            Ok(entries) => entries,
            Err(err) => return reply.error(err),
        };
        // The offset of an entry is where the next call goes on.
        for (next, (number, kind, name)) in (1..).zip(entries) {
            if next > offset && reply.add(INodeNo(number), next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        self.wait();
        // A share of 4 GiB with 1 GiB free and a million inodes of which half are.
        reply.statfs(1 << 20, 1 << 18, 1 << 18, 1 << 20, 1 << 19, 4096, 255, 4096);
    }
}

fn attributes_of(number: u64, meta: &Metadata) -> FileAttr {
    let modified = meta.modified().unwrap_or(std::time::UNIX_EPOCH);
    FileAttr {
        ino: INodeNo(number),
        size: meta.size(),
        blocks: meta.blocks(),
        atime: modified,
        mtime: modified,
        ctime: modified,
        crtime: modified,
        kind: kind_of(meta.file_type()),
        perm: u16::try_from(meta.mode() & 0o7777).unwrap_or(0),
        nlink: u32::try_from(meta.nlink()).unwrap_or(1),
        uid: meta.uid(),
        gid: meta.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

fn kind_of(kind: fs::FileType) -> FileType {
    match kind {
        kind if kind.is_dir() => FileType::Directory,
        kind if kind.is_symlink() => FileType::Symlink,
        kind if kind.is_fifo() => FileType::NamedPipe,
        kind if kind.is_socket() => FileType::Socket,
        kind if kind.is_char_device() => FileType::CharDevice,
        kind if kind.is_block_device() => FileType::BlockDevice,
        _ => FileType::RegularFile,
    }
}
