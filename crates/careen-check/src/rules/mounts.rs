//! Kinds of slow file systems in words, and what helps against each.

use careen_model::host::{Mount, MountClass};

/// The file system of a mount, as a reader would call it.
pub(super) fn called(mount: &Mount) -> String {
    let kind = match mount.class {
        MountClass::DrvFs => "a Windows drive under WSL1",
        MountClass::WindowsNineP => "a Windows drive (9p)",
        MountClass::WindowsVirtioNineP => "a Windows drive (9p on virtio)",
        MountClass::WindowsVirtioFs => "a Windows drive (virtiofs)",
        MountClass::NineP => "a 9p share of the virtual machine's host",
        MountClass::VirtioFs => "a virtiofs share of the virtual machine's host",
        MountClass::DesktopShare => "a folder that the desktop product shares",
        MountClass::SshFs => "a folder mounted over SSH",
        MountClass::Nfs => "a network drive (NFS)",
        MountClass::Smb => "a network drive (SMB)",
        MountClass::Encrypted => "an encrypted folder",
        MountClass::Fuse => "a FUSE file system",
        MountClass::Overlay => "an overlay file system",
        MountClass::Memory => "memory",
        MountClass::LocalDisk => "a local disk",
        MountClass::Other => return format!("a file system of type {}", mount.fs_type),
    };
    match &mount.windows_path {
        Some(path) => format!("{kind}, {path}"),
        None => kind.to_owned(),
    }
}

/// What to do, and the commands for it.
pub(super) fn remedy(class: MountClass) -> (&'static str, &'static [&'static str]) {
    match class {
        c if c.is_windows() => (
            "Keep the project in the Linux file system and open it there",
            &["careen move --to ~/project", "cd ~/project"],
        ),
        MountClass::NineP | MountClass::VirtioFs | MountClass::DesktopShare => (
            "Build from a folder inside the virtual machine, or from the host itself",
            &["careen move --to ~/project"],
        ),
        MountClass::Nfs | MountClass::Smb | MountClass::SshFs => (
            "Build on the machine that holds the files, or from a local copy",
            &["careen move --to ~/project"],
        ),
        MountClass::Encrypted | MountClass::Fuse => {
            ("Build from a copy on a plain local disk", &["careen move --to ~/project"])
        }
        _ => ("Find out what slows this disk down", &["iostat -x 1 3"]),
    }
}
