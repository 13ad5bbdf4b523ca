//! Room on every file system that a build writes to.

use std::path::{Path, PathBuf};

use careen_model::Why;
use careen_model::host::{Room, Space, SpaceRole, Wsl, WslVersion};

use crate::{RoomStatus, System};

/// Magic numbers of file systems in memory, from linux/magic.h: tmpfs, ramfs, hugetlbfs.
const IN_MEMORY: [u64; 3] = [0x0102_1994, 0x8584_58f6, 0x9584_58f6];

/// The folders to look at, by role. `drives`: mounted Windows drives (mount point, path).
pub(crate) fn places(
    system: &dyn System,
    context: &Path,
    engine_data: Option<&Path>,
    wsl: Option<&Wsl>,
    drives: &[(PathBuf, Option<String>)],
) -> Vec<(SpaceRole, PathBuf)> {
    let temporary = system.variable("TMPDIR").unwrap_or_else(|| "/tmp".into());
    let mut places = vec![
        (SpaceRole::Root, PathBuf::from("/")),
        (SpaceRole::Context, context.to_owned()),
        (SpaceRole::Temporary, PathBuf::from(temporary)),
    ];
    if let Some(path) = engine_data {
        places.push((SpaceRole::EngineData, path.to_owned()));
    }
    // In WSL2, `/` lies in a virtual disk that claims 1 TB whatever Windows has left.
    let in_virtual_disk = wsl.is_some_and(|wsl| wsl.version == WslVersion::Two);
    if let Some(drive) = virtual_disk_drive(drives).filter(|_| in_virtual_disk) {
        places.push((SpaceRole::VirtualDiskHost, drive));
    }
    places
}

/// WSL puts the disk into the user's profile, by default on drive C.
fn virtual_disk_drive(drives: &[(PathBuf, Option<String>)]) -> Option<PathBuf> {
    let is_whole = |path: &Option<String>, letter: Option<char>| {
        let mut chars = path.as_deref().unwrap_or("").chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        chars.as_str() == ":\\" && letter.is_none_or(|letter| first == Some(letter))
    };
    let on_c = drives.iter().find(|(_, path)| is_whole(path, Some('C')));
    let any = || drives.iter().find(|(_, path)| is_whole(path, None));
    on_c.or_else(any).map(|(point, _)| point.clone())
}

pub(crate) fn probe(system: &dyn System, role: SpaceRole, path: PathBuf) -> Space {
    let found = room(system, &path).into();
    Space { role, path, found }
}

fn room(system: &dyn System, path: &Path) -> Result<Room, Why> {
    let status = system.room(path)?;
    Ok(describe(status, system.status(path)?.device))
}

fn describe(status: RoomStatus, device: u64) -> Room {
    Room {
        total_bytes: status.total_bytes,
        free_bytes: status.free_bytes,
        total_inodes: status.total_inodes,
        free_inodes: status.free_inodes,
        device,
        in_memory: IN_MEMORY.contains(&status.magic),
    }
}

#[cfg(test)]
mod tests {
    use careen_model::Fact;

    use super::*;
    use crate::fake::{FakeFolder, FakeSystem};

    const TMPFS: RoomStatus = RoomStatus {
        magic: 0x0102_1994,
        total_bytes: 10,
        free_bytes: 4,
        total_inodes: 3,
        free_inodes: 2,
    };

    #[test]
    fn what_statfs_says_is_kept_and_memory_is_marked() {
        let disk = RoomStatus { magic: 0xef53, total_inodes: 0, ..TMPFS };
        assert!(describe(TMPFS, 1).in_memory);
        let room = describe(disk, 7);
        assert!(!room.in_memory);
        assert_eq!((room.device, room.free_bytes, room.total_inodes), (7, 4, 0));
    }

    #[test]
    fn a_folder_that_is_missing_or_forbidden_says_so() {
        let folder = FakeFolder { mount_id: 9, costs: [1; 3] };
        let system =
            FakeSystem::default().room("/d", TMPFS).folder("/d", folder).denied("/secret/data");
        let probe = |path: &str| probe(&system, SpaceRole::EngineData, path.into()).found;
        assert_eq!(probe("/d").known().map(|room| room.device), Some(9));
        assert_eq!(probe("/gone"), Fact::Unknown(Why::Absent { what: "/gone".into() }));
        let denied = Why::Denied { what: "/secret/data".into() };
        assert_eq!(probe("/secret/data"), Fact::Unknown(denied));
    }

    #[test]
    fn the_windows_drive_matters_in_wsl2_only() {
        let drive = |point: &str, path: Option<&str>| (point.into(), path.map(str::to_owned));
        let drives = [
            drive("/mnt/bind", Some("C:\\Users\\me")),
            drive("/mnt/d", Some("D:\\")),
            drive("/windir/c", Some("c:\\")),
        ];
        let wsl = |version| Wsl { version, distribution: None, witnesses: Vec::new() };
        let last = |version, drives: &[(PathBuf, Option<String>)]| {
            let wsl = wsl(version);
            let context = Path::new("/p");
            let system = FakeSystem::default();
            places(&system, context, None, Some(&wsl), drives).pop().unwrap()
        };
        assert_eq!(
            last(WslVersion::Two, &drives),
            (SpaceRole::VirtualDiskHost, "/windir/c".into())
        );
        assert_eq!(
            last(WslVersion::Two, &drives[..2]),
            (SpaceRole::VirtualDiskHost, "/mnt/d".into())
        );
        assert_eq!(last(WslVersion::Two, &drives[..1]), (SpaceRole::Temporary, "/tmp".into()));
        assert_eq!(last(WslVersion::One, &drives), (SpaceRole::Temporary, "/tmp".into()));
    }
}
