//! The border of the world: everything probes may ask the machine, and the real answers.
//!
//! Nothing here writes, runs a program or uses the network.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use careen_model::Why;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};

/// Files that probes read are small; a larger one is not what we think it is.
const LARGEST_FILE: u64 = 4 << 20;

/// The parts of the outside world that probes may touch. Tests give a fake one.
pub trait System: Debug {
    /// Content of a small regular file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Why>;
    fn read_link(&self, path: &Path) -> Result<PathBuf, Why>;
    /// Names in a folder, in no order.
    fn list(&self, path: &Path) -> Result<Vec<OsString>, Why>;
    /// Absolute path without links.
    fn canonical(&self, path: &Path) -> Result<PathBuf, Why>;
    /// What `statx` says of a path, links followed.
    fn status(&self, path: &Path) -> Result<Status, Why>;
    /// What `statfs` says of a path; needs no permission on the last folder itself.
    fn room(&self, path: &Path) -> Result<RoomStatus, Why>;
    /// A handle on a folder, so that a measurement pays for no parent folders.
    fn folder(&self, path: &Path) -> Result<Box<dyn Folder>, Why>;
    /// A variable of this process; not UTF-8 is replaced, empty is as good as not set.
    fn variable(&self, name: &str) -> Option<String>;
    fn machine(&self) -> Machine;
    /// Time since some fixed moment.
    fn clock(&self) -> Duration;
    fn random(&self) -> u64;
    /// A second handle on the same world for a thread that is left behind when a file system
    /// hangs. `None`: nothing here can hang.
    fn for_thread(&self) -> Option<Box<dyn System + Send>>;
}

/// An open folder.
pub trait Folder: Debug {
    /// Whether an entry of this name exists, asked from the file system.
    fn has(&self, name: &str) -> Result<bool, Why>;
    fn status(&self, freshness: Freshness) -> Result<Status, Why>;
}

/// Whether attributes may come from a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Cached,
    /// `AT_STATX_FORCE_SYNC`: network file systems ask their server.
    Synchronised,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// `STATX_MNT_ID`: since Linux 5.8.
    pub mount_id: Option<u64>,
    /// Major number in the upper, minor in the lower half.
    pub device: u64,
    /// Type and permission bits.
    pub mode: u32,
}

impl Status {
    /// A regular file that somebody may execute.
    pub fn is_program(self) -> bool {
        self.mode & 0o170_000 == 0o100_000 && self.mode & 0o111 != 0
    }
}

/// The fields of `statfs` that matter, sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomStatus {
    /// Magic number of the file system, as in `linux/magic.h`.
    pub magic: u64,
    pub total_bytes: u64,
    pub free_bytes: u64,
    pub total_inodes: u64,
    pub free_inodes: u64,
}

/// What `uname` and friends say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    pub os: String,
    pub kernel: String,
    pub architecture: String,
    pub cpus: usize,
    pub user_id: u32,
}

/// This machine.
#[derive(Debug, Clone, Copy)]
pub struct RealSystem {
    start: Instant,
}

impl RealSystem {
    #[expect(clippy::new_without_default, reason = "reads the clock, so two are never equal")]
    pub fn new() -> RealSystem {
        RealSystem { start: Instant::now() }
    }
}

impl System for RealSystem {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Why> {
        read_small(path)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, Why> {
        std::fs::read_link(path).map_err(|err| why(path, &err))
    }

    fn list(&self, path: &Path) -> Result<Vec<OsString>, Why> {
        let entries = std::fs::read_dir(path).map_err(|err| why(path, &err))?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        names.collect::<io::Result<_>>().map_err(|err| why(path, &err))
    }

    fn canonical(&self, path: &Path) -> Result<PathBuf, Why> {
        path.canonicalize().map_err(|err| why(path, &err))
    }

    fn status(&self, path: &Path) -> Result<Status, Why> {
        match rustix::fs::statx(CWD, path, AtFlags::empty(), WANTED) {
            Ok(found) => Ok(status_of(&found)),
            Err(rustix::io::Errno::NOSYS) => {
                let found = rustix::fs::stat(path).map_err(|err| why(path, &err.into()))?;
                Ok(old_status_of(&found))
            }
            Err(err) => Err(why(path, &err.into())),
        }
    }

    fn room(&self, path: &Path) -> Result<RoomStatus, Why> {
        let found = rustix::fs::statfs(path).map_err(|err| why(path, &err.into()))?;
        let block = u64::try_from(found.f_frsize).unwrap_or(0);
        let block = if block == 0 { u64::try_from(found.f_bsize).unwrap_or(0) } else { block };
        Ok(RoomStatus {
            // The kernel's type is a signed word; magic numbers are 32 bits wide.
            magic: u64::try_from(i128::from(found.f_type) & 0xffff_ffff).unwrap_or(0),
            total_bytes: found.f_blocks.saturating_mul(block),
            free_bytes: found.f_bavail.saturating_mul(block),
            total_inodes: found.f_files,
            free_inodes: found.f_ffree,
        })
    }

    fn folder(&self, path: &Path) -> Result<Box<dyn Folder>, Why> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd =
            rustix::fs::open(path, flags, Mode::empty()).map_err(|err| why(path, &err.into()))?;
        Ok(Box::new(RealFolder { fd, path: path.to_owned() }))
    }

    fn variable(&self, name: &str) -> Option<String> {
        let value = std::env::var_os(name)?;
        Some(value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
    }

    fn machine(&self) -> Machine {
        let name = rustix::system::uname();
        Machine {
            os: name.sysname().to_string_lossy().to_lowercase(),
            kernel: name.release().to_string_lossy().into_owned(),
            architecture: name.machine().to_string_lossy().into_owned(),
            cpus: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            user_id: rustix::process::getuid().as_raw(),
        }
    }

    fn clock(&self) -> Duration {
        self.start.elapsed()
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        // Every RandomState has other keys; enough for a file name that nobody else uses.
        let mut hasher = std::hash::RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        hasher.finish()
    }

    fn for_thread(&self) -> Option<Box<dyn System + Send>> {
        Some(Box::new(*self))
    }
}

#[derive(Debug)]
struct RealFolder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder for RealFolder {
    fn has(&self, name: &str) -> Result<bool, Why> {
        let found = match rustix::fs::statx(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW, WANTED) {
            Err(rustix::io::Errno::NOSYS) => {
                rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).map(drop)
            }
            other => other.map(drop),
        };
        match found {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(err) => Err(why(&self.path.join(name), &err.into())),
        }
    }

    fn status(&self, freshness: Freshness) -> Result<Status, Why> {
        let flags = match freshness {
            Freshness::Cached => AtFlags::EMPTY_PATH,
            Freshness::Synchronised => AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC,
        };
        match rustix::fs::statx(&self.fd, "", flags, WANTED) {
            Ok(found) => Ok(status_of(&found)),
            Err(rustix::io::Errno::NOSYS) => {
                let found =
                    rustix::fs::fstat(&self.fd).map_err(|err| why(&self.path, &err.into()))?;
                Ok(old_status_of(&found))
            }
            Err(err) => Err(why(&self.path, &err.into())),
        }
    }
}

const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::MNT_ID);

fn status_of(found: &rustix::fs::Statx) -> Status {
    let has_mount_id = found.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    Status {
        mount_id: has_mount_id.then_some(found.stx_mnt_id),
        device: device(found.stx_dev_major, found.stx_dev_minor),
        mode: u32::from(found.stx_mode),
    }
}

fn old_status_of(found: &rustix::fs::Stat) -> Status {
    let number = found.st_dev;
    Status {
        mount_id: None,
        device: device(rustix::fs::major(number), rustix::fs::minor(number)),
        mode: found.st_mode,
    }
}

fn device(major: u32, minor: u32) -> u64 {
    u64::from(major) << 32 | u64::from(minor)
}

/// Content of a small regular file; never waits for a pipe or a device.
pub fn read_small(path: &Path) -> Result<Vec<u8>, Why> {
    let unreadable = |error: String| Why::Unreadable { what: path.display().to_string(), error };
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).expect("a flag is one bit");
    let file = File::options().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|err| why(path, &err))?;
    let meta = file.metadata().map_err(|err| why(path, &err))?;
    let kind = meta.file_type();
    if kind.is_dir() || kind.is_fifo() || kind.is_socket() || kind.is_char_device() {
        return Err(unreadable("is not a regular file".into()));
    }
    // Room for the end as well, so that one read finds all and the next one the end.
    let room = usize::try_from(meta.len().min(LARGEST_FILE)).unwrap_or(0) + 1;
    let mut bytes = Vec::with_capacity(room);
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|err| why(path, &err))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(unreadable("is larger than 4 MiB".into()));
    }
    Ok(bytes)
}

/// The reason in the words of the model.
pub(crate) fn why(path: &Path, err: &io::Error) -> Why {
    let what = path.display().to_string();
    match err.kind() {
        io::ErrorKind::NotFound => Why::Absent { what },
        io::ErrorKind::PermissionDenied => Why::Denied { what },
        _ => Why::Unreadable { what, error: err.to_string() },
    }
}
