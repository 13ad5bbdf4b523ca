//! What kind of file system a mount is, from its type, source and options.
//!
//! Sources of the Windows rows: microsoft/WSL src/linux/init (drvfs.cpp, config.cpp); of the
//! others: each file system's mount helper and linux/fs.

use std::path::PathBuf;

use careen_model::host::MountClass;

use crate::mount::{Row, unescape_text};

/// Whose kernel this is: a tag that could be anybody's means Windows only on a WSL kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    Microsoft,
    Other,
}

/// The class, and the Windows path behind the mount where the row or the link tells it.
///
/// `link` is what [`virtiofs_link`] points to.
pub(crate) fn classify(
    row: &Row,
    kernel: Kernel,
    link: Option<&str>,
) -> (MountClass, Option<String>) {
    let class = class_of(row, kernel, link);
    let path = match class {
        MountClass::WindowsNineP | MountClass::WindowsVirtioNineP => {
            option(row, "path").or_else(|| drive_of(&row.source)).map(|path| {
                // The mounted folder of a bind lies below the path of the options.
                below(&windows(&path), &row.root.to_string_lossy())
            })
        }
        MountClass::DrvFs => {
            drive_of(&row.source).map(|path| below(&windows(&path), &row.root.to_string_lossy()))
        }
        MountClass::WindowsVirtioFs => link.map(|target| {
            let root = row.root.to_string_lossy();
            let inner = match guid_of_root(row) {
                Some(guid) => root.trim_start_matches('/').trim_start_matches(guid.as_str()),
                None => &root,
            };
            below(&windows(target), inner)
        }),
        _ => None,
    };
    (class, path)
}

/// Where WSL keeps the Windows path of a virtiofs share, for the caller to read.
pub(crate) fn virtiofs_link(row: &Row) -> Option<PathBuf> {
    if row.fs_type != "virtiofs" {
        return None;
    }
    let guid = guid_of_root(row).or_else(|| is_guid(&row.source).then(|| row.source.clone()))?;
    Some(PathBuf::from("/run/wsl/virtiofs").join(guid))
}

fn class_of(row: &Row, kernel: Kernel, link: Option<&str>) -> MountClass {
    let is_drvfs = matches!(row.source.as_str(), "drvfs" | "drvfsa");
    match row.fs_type.as_str() {
        "drvfs" => MountClass::DrvFs,
        // WSL's own mounts (drivers, /usr/lib/wsl), lima and QEMU have no such `aname`.
        "9p" if is_drvfs || option(row, "aname").is_some_and(|name| name == "drvfs") => {
            match option(row, "trans").as_deref() {
                Some("virtio") => MountClass::WindowsVirtioNineP,
                _ => MountClass::WindowsNineP,
            }
        }
        "9p" => MountClass::NineP,
        "virtiofs" => {
            let has_guid = is_guid(&row.source) || guid_of_root(row).is_some();
            let is_windows = is_drvfs || link.is_some() || has_guid;
            match kernel {
                Kernel::Microsoft if is_windows => MountClass::WindowsVirtioFs,
                _ => MountClass::VirtioFs,
            }
        }
        "fuse.grpcfuse" | "grpcfuse" | "fakeowner" | "fuse.fakeowner" | "fuse.osxfs" | "osxfs"
        | "prl_fs" | "fuse.prl_fs" | "vboxsf" | "vmhgfs" | "fuse.vmhgfs-fuse" => {
            MountClass::DesktopShare
        }
        "fuse.sshfs" => MountClass::SshFs,
        "ecryptfs" | "fuse.gocryptfs" | "fuse.encfs" | "fuse.cryfs" | "fuse.securefs" => {
            MountClass::Encrypted
        }
        "nfs" | "nfs4" => MountClass::Nfs,
        "cifs" | "smb3" | "smb2" | "smbfs" => MountClass::Smb,
        "overlay" | "aufs" | "fuse.fuse-overlayfs" => MountClass::Overlay,
        "tmpfs" | "ramfs" | "devtmpfs" | "rootfs" => MountClass::Memory,
        // `lxfs` and `wslfs` are the root of WSL1.
        "ext2" | "ext3" | "ext4" | "xfs" | "btrfs" | "zfs" | "f2fs" | "bcachefs" | "jfs"
        | "nilfs2" | "reiserfs" | "ntfs" | "ntfs3" | "vfat" | "exfat" | "hfsplus" | "apfs"
        | "squashfs" | "erofs" | "iso9660" | "udf" | "ufs" | "lxfs" | "wslfs" => {
            MountClass::LocalDisk
        }
        "fuse" | "fuseblk" => MountClass::Fuse,
        other if other.starts_with("fuse.") => MountClass::Fuse,
        _ => MountClass::Other,
    }
}

/// The value of an option; 9p of WSL puts several behind one, apart by semicolons.
fn option(row: &Row, name: &str) -> Option<String> {
    let pairs = row.options.split([',', ';']).map(unescape_text);
    for pair in pairs {
        // Unescaped first: some kernels print even the `=` inside of `aname` as octal.
        match pair.split_once('=') {
            Some((key, value)) if key == name => return Some(value.to_owned()),
            _ => (),
        }
    }
    None
}

/// `C:\` of the sources `C:\`, `C:` and `C`.
fn drive_of(source: &str) -> Option<String> {
    let letter = source.trim_end_matches('\\').trim_end_matches(':');
    let is_drive = letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_drive || source.starts_with("\\\\") || source.starts_with("UNC\\"))
        .then(|| source.to_owned())
}

/// The path as Windows writes it: `C:\`, `C:\Users\me`, `\\server\share`.
fn windows(path: &str) -> String {
    let path = path.replace('/', "\\");
    let share = path.strip_prefix("UNC\\").or_else(|| path.strip_prefix("\\\\?\\UNC\\"));
    if let Some(share) =
        share.or_else(|| path.strip_prefix("\\\\").filter(|rest| !rest.starts_with('?')))
    {
        return format!("\\\\{}", share.trim_matches('\\'));
    }
    let path = path.strip_prefix("\\\\?\\").unwrap_or(&path).trim_end_matches('\\');
    match path.strip_suffix(':') {
        Some(drive) => format!("{drive}:\\"),
        None if path.len() == 1 => format!("{path}:\\"),
        None => path.to_owned(),
    }
}

/// `C:\` and `/Users/me` is `C:\Users\me`.
fn below(path: &str, root: &str) -> String {
    match root.trim_matches('/') {
        "" => path.to_owned(),
        inner => format!("{}\\{}", path.trim_end_matches('\\'), inner.replace('/', "\\")),
    }
}

/// The share's id when many shares come over one device: the first folder of the mount's root.
fn guid_of_root(row: &Row) -> Option<String> {
    let first = row.root.components().nth(1)?;
    let name = first.as_os_str().to_str()?;
    is_guid(name).then(|| name.to_owned())
}

fn is_guid(text: &str) -> bool {
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::rows_of;

    const GUID: &str = "0f9b0a5e-1c2d-4e3f-8a9b-0123456789ab";

    /// `tail` is what follows the `-` of a mountinfo row; the root is `/`.
    #[track_caller]
    fn check(kernel: Kernel, tail: &str, class: MountClass, windows: Option<&str>) {
        check_root(kernel, "/", tail, None, class, windows);
    }

    #[track_caller]
    fn check_root(
        kernel: Kernel,
        root: &str,
        tail: &str,
        link: Option<&str>,
        class: MountClass,
        windows: Option<&str>,
    ) {
        let row = rows_of(&format!("1 2 0:1 {root} /p rw - {tail}")).remove(0);
        assert_eq!(classify(&row, kernel, link), (class, windows.map(str::to_owned)), "{tail}");
    }

    #[test]
    fn windows_drives_are_told_by_what_carries_them() {
        use Kernel::Microsoft as M;
        check(M, "drvfs C: rw,noatime,uid=1000", MountClass::DrvFs, Some("C:\\"));
        for path in ["C:\\", "C:\\\\", "C:\\134", "C:"] {
            let tail = format!(
                "9p C:\\134 rw,dirsync,aname=drvfs;path={path};uid=1000;symlinkroot=/mnt/,mmap,\
                 access=client,msize=65536,trans=fd,rfd=8,wfd=8"
            );
            check(M, &tail, MountClass::WindowsNineP, Some("C:\\"));
        }
        check(
            M,
            "9p drvfs rw,aname\\075drvfs;path\\075D:\\134,trans\\075fd",
            MountClass::WindowsNineP,
            Some("D:\\"),
        );
        check(
            M,
            "9p drvfs rw,aname=drvfs;path=UNC\\nas\\home;uid=0,trans=fd",
            MountClass::WindowsNineP,
            Some("\\\\nas\\home"),
        );
        check(
            M,
            "9p drvfsa rw,aname=drvfs;path=E:\\;uid=0,msize=262144,trans=virtio",
            MountClass::WindowsVirtioNineP,
            Some("E:\\"),
        );
        check(M, "9p drvfs rw,trans=virtio", MountClass::WindowsVirtioNineP, None);
    }

    #[test]
    fn binds_of_a_windows_drive_know_their_folder() {
        check_root(
            Kernel::Microsoft,
            "/Users/me/my\\040app",
            "9p C:\\134 rw,aname=drvfs;path=C:\\;uid=0,trans=fd",
            None,
            MountClass::WindowsNineP,
            Some("C:\\Users\\me\\my app"),
        );
    }

    #[test]
    fn virtiofs_is_windows_only_on_its_kernel() {
        let own = format!("virtiofs {GUID} rw");
        check(Kernel::Microsoft, &own, MountClass::WindowsVirtioFs, None);
        check(Kernel::Other, &own, MountClass::VirtioFs, None);
        check(Kernel::Microsoft, "virtiofs wslg rw", MountClass::VirtioFs, None);
        check(Kernel::Other, "virtiofs mount0 rw", MountClass::VirtioFs, None);
        check_root(
            Kernel::Microsoft,
            "/",
            &own,
            Some("C:\\"),
            MountClass::WindowsVirtioFs,
            Some("C:\\"),
        );
        let aggregate = format!("/{GUID}/Users/me");
        check_root(
            Kernel::Microsoft,
            &aggregate,
            "virtiofs drvfs rw",
            Some("D:\\"),
            MountClass::WindowsVirtioFs,
            Some("D:\\Users\\me"),
        );
        let row = rows_of(&format!("1 2 0:1 {aggregate} /p rw - virtiofs drvfs rw")).remove(0);
        assert_eq!(virtiofs_link(&row), Some(PathBuf::from(format!("/run/wsl/virtiofs/{GUID}"))));
    }

    #[test]
    fn the_rest_goes_by_type() {
        use MountClass as C;
        for (tail, class) in [
            ("9p drivers rw,aname=drivers;fmask=222,trans=fd", C::NineP),
            ("9p mount0 rw,trans=virtio", C::NineP),
            ("9p C:\\134 rw,aname=drvfsx,trans=fd", C::NineP),
            ("fuse.grpcfuse grpcfuse rw", C::DesktopShare),
            ("fakeowner /run/host_mark/Users rw", C::DesktopShare),
            ("fuse.sshfs me@host:/x rw", C::SshFs),
            ("fuse.rclone remote: rw", C::Fuse),
            ("fuseblk /dev/sdb1 rw", C::Fuse),
            ("fuse slow rw", C::Fuse),
            ("fusectl fusectl rw", C::Other),
            ("nfs4 nas:/x rw,vers=4.2", C::Nfs),
            ("cifs //nas/x rw", C::Smb),
            ("overlay overlay rw,lowerdir=/a", C::Overlay),
            ("tmpfs  rw", C::Memory),
            ("ecryptfs /home/.me rw", C::Encrypted),
            ("fuse.gocryptfs /c rw", C::Encrypted),
            ("ext4 /dev/sda1 rw", C::LocalDisk),
            ("zfs pool/x rw", C::LocalDisk),
            ("ceph 10.0.0.1:/ rw", C::Other),
        ] {
            check(Kernel::Microsoft, tail, class, None);
        }
    }
}
