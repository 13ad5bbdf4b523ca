//! Files written so that they survive a power cut, and what a file was before.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::XattrFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::{Error, digest};

/// Everything about a regular file that undo brings back, and the digest of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) sha256: String,
    pub(super) size: u64,
    /// Permission bits, 0o7777 at most.
    pub(super) mode: u32,
    /// `None`: whoever writes it, as with any new file.
    pub(super) owner: Option<Owner>,
    /// `None`: the time of writing.
    pub(super) modified: Option<Modified>,
    /// Extended attributes that belong to the user: `user.*` and access lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attribute {
    name: String,
    value: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// Time of the last change, exactly as the file system told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Modified {
    pub(super) seconds: i64,
    pub(super) nanoseconds: u32,
}

impl Modified {
    fn time(self) -> Option<SystemTime> {
        let whole = Duration::from_secs(self.seconds.unsigned_abs());
        let second = match self.seconds {
            0.. => SystemTime::UNIX_EPOCH.checked_add(whole),
            _ => SystemTime::UNIX_EPOCH.checked_sub(whole),
        };
        second?.checked_add(Duration::from_nanos(u64::from(self.nanoseconds)))
    }
}

/// Content and state of a regular file; `None` when nothing is there.
pub(super) fn read(path: &Path) -> Result<Option<(Vec<u8>, State)>, Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(Error::io("reading", path)(err)),
    };
    let meta = file.metadata().map_err(Error::io("reading", path))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(Error::io("reading", path))?;
    let state = State {
        sha256: digest::of(&bytes),
        size: bytes.len() as u64,
        mode: meta.mode() & 0o7777,
        owner: Some(Owner { user: meta.uid(), group: meta.gid() }),
        modified: Some(Modified {
            seconds: meta.mtime(),
            nanoseconds: u32::try_from(meta.mtime_nsec()).unwrap_or(0),
        }),
        attributes: attributes(&file).map_err(Error::io("reading", path))?,
    };
    Ok(Some((bytes, state)))
}

/// Writes a new private file and waits until it is on the disk.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let mut file = file.map_err(Error::io("writing", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io("writing", path))
}

/// Writes `bytes` with mode, owner and time of `state`, durably.
pub(super) fn write_as(path: &Path, bytes: &[u8], state: &State) -> Result<(), Error> {
    // A leftover may have another owner or be a link; we never write through it.
    remove(path)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(Error::io("writing", path))?;
    file.write_all(bytes).map_err(Error::io("writing", path))?;
    let meta = file.metadata().map_err(Error::io("writing", path))?;
    if let Some(Owner { user, group }) = state.owner
        && (meta.uid(), meta.gid()) != (user, group)
    {
        chown(path, Some(user), Some(group)).map_err(Error::io("changing the owner of", path))?;
    }
    // File systems without modes refuse a change, so we ask only where it would change something.
    if meta.mode() & 0o7777 != state.mode {
        file.set_permissions(Permissions::from_mode(state.mode))
            .map_err(Error::io("changing the mode of", path))?;
    }
    for Attribute { name, value } in &state.attributes {
        rustix::fs::fsetxattr(&file, name.as_str(), value, XattrFlags::empty())
            .map_err(|err| Error::io("setting attributes of", path)(err.into()))?;
    }
    if let Some(time) = state.modified.and_then(Modified::time) {
        file.set_modified(time).map_err(Error::io("changing the time of", path))?;
    }
    file.sync_all().map_err(Error::io("writing", path))
}

/// The attributes that a person or a tool of theirs has set; the kernel's own are not ours to copy.
fn attributes(file: &File) -> io::Result<Vec<Attribute>> {
    let mut names = vec![0; 64 << 10];
    let length = match rustix::fs::flistxattr(file, &mut names[..]) {
        Ok(length) => length,
        // A file system without attributes has none.
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(vec![]),
        Err(err) => return Err(err.into()),
    };
    let mut found = Vec::new();
    for name in names[..length].split(|&byte| byte == 0) {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        if !name.starts_with("user.") && name != "system.posix_acl_access" {
            continue;
        }
        let mut value = vec![0; 64 << 10];
        let length = rustix::fs::fgetxattr(file, name, &mut value[..])?;
        value.truncate(length);
        found.push(Attribute { name: name.to_owned(), value });
    }
    Ok(found)
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(Error::io("removing", path)(err)),
        _ => Ok(()),
    }
}

/// Waits until names in the folder are on the disk. Some network file systems cannot; that is
/// as good as it gets there.
pub(super) fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = File::open(path).map_err(Error::io("reading", path))?;
    match folder.sync_all() {
        Err(err)
            if !matches!(err.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Err(Error::io("writing", path)(err))
        }
        _ => Ok(()),
    }
}

/// Creates one folder unless it exists, durably.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    match fs::create_dir(path) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        other => other.map_err(Error::io("creating", path))?,
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// Where the target of a change really lies, or why we leave it alone.
///
/// Links are followed as long as they stay within `root`, which must be canonical.
pub(super) fn resolve(root: &Path, path: &Path) -> Result<PathBuf, Error> {
    let refuse = |reason: &str| Error::Refused { path: path.to_owned(), reason: reason.to_owned() };
    let full = root.join(path);
    let Some(name) = full.file_name() else { return Err(refuse("it is not a file")) };
    let target = match fs::symlink_metadata(&full) {
        Ok(meta) if meta.is_symlink() => {
            fs::canonicalize(&full).map_err(|_| refuse("it is a link that leads nowhere"))?
        }
        _ => real_parent(&full, path)?.join(name),
    };
    if !target.starts_with(root) {
        return Err(refuse("it lies outside the project"));
    }
    if target.starts_with(root.join(super::FOLDER)) {
        return Err(refuse("it belongs to careen's own journal"));
    }
    match fs::symlink_metadata(&target) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(target),
        Err(err) => Err(Error::io("reading", &target)(err)),
        Ok(meta) if !meta.is_file() => Err(refuse("it is not a regular file")),
        Ok(meta) if meta.nlink() > 1 => {
            Err(refuse("it has more than one name (hard links), which replacing would part"))
        }
        Ok(_) => Ok(target),
    }
}

/// The parent folder without links; the parts of it that do not exist yet stay as they are.
fn real_parent(full: &Path, shown: &Path) -> Result<PathBuf, Error> {
    let mut existing = full.parent().unwrap_or(full);
    let mut missing = Vec::new();
    loop {
        match fs::canonicalize(existing) {
            Ok(real) => {
                missing.reverse();
                return Ok(missing.iter().fold(real, |path, part| path.join(part)));
            }
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                let (Some(name), Some(parent)) = (existing.file_name(), existing.parent()) else {
                    return Err(Error::Refused {
                        path: shown.to_owned(),
                        reason: "its folder cannot be made".to_owned(),
                    });
                };
                missing.push(name.to_owned());
                existing = parent;
            }
            Err(err) => return Err(Error::io("reading", existing)(err)),
        }
    }
}

/// Folders above `target` that do not exist yet, outermost first.
pub(super) fn missing_folders(target: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> = target
        .ancestors()
        .skip(1)
        .take_while(|folder| fs::symlink_metadata(folder).is_err())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    missing
}

/// True when this process may make and replace files in the folder.
pub(super) fn is_writable(folder: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}
