//! The least that a scan with sizes can do: names, and one `fstatat` for each, in one thread.
//!
//! `cargo xtask bench context` measures the walk beside it; both are release builds.

use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::path::PathBuf;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, open, openat, statat};

fn main() -> io::Result<()> {
    let root = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut open_folders = vec![open(&root, flags, Mode::empty())?];
    let mut buffer = vec![MaybeUninit::uninit(); 64 << 10];
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    while let Some(folder) = open_folders.pop() {
        let below = scan(&folder, &mut buffer, &mut |size| {
            entries += 1;
            bytes += size;
        });
        open_folders.extend(below?);
    }
    writeln!(io::stdout(), "{entries} entries, {bytes} bytes")
}

fn scan(
    folder: &OwnedFd,
    buffer: &mut [MaybeUninit<u8>],
    each: &mut impl FnMut(u64),
) -> rustix::io::Result<Vec<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut below = Vec::new();
    let mut names = RawDir::new(folder.as_fd(), buffer);
    while let Some(entry) = names.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        each(u64::try_from(found.st_size).unwrap_or(0));
        if entry.file_type() == FileType::Directory {
            below.push(openat(folder, name, flags, Mode::empty())?);
        }
    }
    Ok(below)
}
