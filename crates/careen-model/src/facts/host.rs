//! Facts about the machine the client runs on. Times are nanoseconds, sizes bytes.

use std::path::PathBuf;

use crate::Fact;

/// Everything the host probes found out.
#[derive(Debug, Clone, PartialEq)]
pub struct HostFacts {
    pub system: System,
    pub wsl: Fact<Option<Wsl>>,
    /// The file system under the build context.
    pub context_mount: Fact<Mount>,
    /// The file system under the Dockerfile's folder.
    pub dockerfile_mount: Fact<Mount>,
    /// What one file lookup costs in the context.
    pub context_latency: Fact<Latency>,
    /// Room on every file system that a build writes to, by role.
    pub space: Vec<Space>,
    pub tools: Vec<Tool>,
    /// Proxy variables of this process, credentials removed.
    pub proxy: Vec<ProxyVariable>,
    /// Vendor name when this is a CI job.
    pub ci: Option<&'static str>,
    /// Name of the coding agent that runs us, if one says so in the environment.
    pub agent: Option<&'static str>,
    /// MTU of the interface of the default route.
    pub default_mtu: Fact<u32>,
    /// Bridge interfaces that exist, with their MTU.
    pub bridges: Fact<Vec<Link>>,
    /// Seconds that this clock is ahead of the Windows clock, under WSL2 on a Windows mount only.
    pub windows_clock_ahead: Fact<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// `uname -s`, in lower case: `linux`, `macos`, `windows`.
    pub os: String,
    pub kernel: String,
    pub architecture: String,
    pub cpus: usize,
    pub memory_bytes: Fact<u64>,
    /// The cgroup's memory limit, when there is one below the machine's memory.
    pub memory_limit_bytes: Fact<Option<u64>>,
    /// True when this process itself runs in a container.
    pub in_container: bool,
    pub user_id: u32,
    /// Distribution id of `/etc/os-release`, such as `debian`.
    pub distribution: Fact<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wsl {
    pub version: WslVersion,
    /// `WSL_DISTRO_NAME`, when set.
    pub distribution: Option<String>,
    /// What told us, so that a reader can check: paths and variables.
    pub witnesses: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WslVersion {
    One,
    Two,
}

/// One row of `/proc/self/mountinfo`, found by mount id and not by path prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub point: PathBuf,
    pub fs_type: String,
    pub source: String,
    /// Super block options, comma separated, as the kernel prints them.
    pub options: String,
    pub class: MountClass,
    /// Windows path behind the mount (`C:\`), when the options tell it.
    pub windows_path: Option<String>,
    pub found_by: MountFoundBy,
}

/// How the row of a folder was found: how sure we are that it is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountFoundBy {
    /// By the mount id of `statx`: exact.
    Id,
    /// By the longest mount point above the folder, because this kernel (before 5.8) or its filter
    /// of system calls gives no mount id. A mount hidden under another one can be mistaken.
    LongestPrefix,
}

/// What kind of file system this is, for the words and the remedy. The verdict is `Latency`'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountClass {
    LocalDisk,
    Memory,
    Overlay,
    /// Windows drive under WSL1.
    DrvFs,
    /// Windows drive under WSL2 over 9p on a hypervisor socket.
    WindowsNineP,
    /// Windows drive under WSL2 over 9p on virtio.
    WindowsVirtioNineP,
    /// Windows drive under WSL2 over virtiofs.
    WindowsVirtioFs,
    /// 9p that has nothing to do with Windows: QEMU, lima.
    NineP,
    VirtioFs,
    /// A bind of a desktop product: gRPC FUSE, fakeowner.
    DesktopShare,
    SshFs,
    Fuse,
    Nfs,
    Smb,
    Encrypted,
    Other,
}

impl MountClass {
    /// True when every access crosses to Windows.
    pub fn is_windows(self) -> bool {
        matches!(
            self,
            MountClass::DrvFs
                | MountClass::WindowsNineP
                | MountClass::WindowsVirtioNineP
                | MountClass::WindowsVirtioFs
        )
    }
}

/// Median cost of one lookup, measured by `statx` of random names that do not exist.
///
/// Such lookups defeat every dentry and attribute cache and need no write permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Lookup of a name that does not exist: the true round trip.
    pub lookup_ns: u64,
    /// `statx` with `AT_STATX_FORCE_SYNC`.
    pub sync_ns: u64,
    /// Plain `statx` of a known path; far below `lookup_ns` means attributes are cached.
    pub warm_ns: u64,
    /// The same lookup on the user's own disk, to compare with.
    pub reference_ns: u64,
    pub samples: u32,
}

impl Latency {
    /// How many times slower a lookup here is than on the user's own disk.
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a lookup fit in 53 bits")]
    pub fn ratio(self) -> f64 {
        self.lookup_ns as f64 / self.reference_ns.max(1) as f64
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    pub role: SpaceRole,
    pub path: PathBuf,
    pub found: Fact<Room>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub total_bytes: u64,
    /// Free for an unprivileged user.
    pub free_bytes: u64,
    /// 0 when the file system makes inodes as it goes (btrfs, 9p): then `free_inodes` says nothing.
    pub total_inodes: u64,
    pub free_inodes: u64,
    /// Identifies the file system, so that two roles on one disk are told once.
    pub device: u64,
    /// True when the file system lives in memory.
    pub in_memory: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpaceRole {
    Root,
    Context,
    EngineData,
    Temporary,
    /// The Windows drive that holds the WSL2 virtual disk: drive C if mounted, where WSL puts it
    /// by default, else the first mounted drive. Where a moved disk lies only Windows knows.
    VirtualDiskHost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub name: &'static str,
    /// Where it was found. Under WSL, `PATH` folders on Windows drives are not searched.
    pub path: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyVariable {
    pub name: String,
    /// Credentials replaced by `***`.
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub mtu: u32,
    /// Switched on (`IFF_UP`). A bridge without containers has no carrier and still is up.
    pub up: bool,
}
