//! A file tree read from one tar stream: what each path is, without times.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use tar::{Archive, EntryType};

use crate::Packages;

/// Files that name the files of a package are read whole up to this size.
const LONGEST_LIST: u64 = 64 << 20;

/// Every path of a tree, without a slash in front.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    pub entries: BTreeMap<Vec<u8>, Entry>,
    /// Which package owns which path.
    pub packages: Packages,
}

/// What a path is. Times do not count: they are the moment of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    /// Permissions, with set-user-id, set-group-id and sticky bits.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// Extended attributes, names and values, in order.
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Folder,
    /// Also a hard link: it is a file with the content of the path it names.
    File {
        bytes: u64,
        sha256: [u8; 32],
    },
    Link {
        target: Vec<u8>,
    },
    /// Device, FIFO or socket: type flag and device numbers.
    Special {
        flag: u8,
        major: u32,
        minor: u32,
    },
}

/// Reads a tree from an uncompressed tar archive, in memory proportional to its names.
///
/// A later entry of a path replaces an earlier one, as unpacking does.
pub fn read(archive: impl Read) -> io::Result<Tree> {
    let mut tree = Tree::default();
    let mut archive = Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = clean(&entry.path_bytes());
        if path.is_empty() {
            continue;
        }
        let attributes = attributes(&mut entry)?;
        let header = entry.header();
        let (mode, uid, gid) = (header.mode()? & 0o7777, header.uid()?, header.gid()?);
        let kind = match header.entry_type() {
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => {
                Kind::Link { target: entry.link_name_bytes().unwrap_or_default().into_owned() }
            }
            EntryType::Link => {
                let target = clean(&entry.link_name_bytes().unwrap_or_default());
                match tree.entries.get(&target) {
                    Some(first) => first.kind.clone(),
                    None => return Err(dangling(&path, &target)),
                }
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                content(&mut entry, &path, &mut tree.packages)?
            }
            other => Kind::Special {
                flag: other.as_byte(),
                major: header.device_major()?.unwrap_or(0),
                minor: header.device_minor()?.unwrap_or(0),
            },
        };
        tree.entries.insert(path, Entry { kind, mode, uid, gid, attributes });
    }
    Ok(tree)
}

fn dangling(path: &[u8], target: &[u8]) -> io::Error {
    let (path, target) = (String::from_utf8_lossy(path), String::from_utf8_lossy(target));
    let text = format!("{path} is a hard link to {target}, which did not come before it");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// `./usr//bin/` → `usr/bin`.
fn clean(path: &[u8]) -> Vec<u8> {
    let parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}

fn attributes(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut found = Vec::new();
    if let Some(extensions) = entry.pax_extensions()? {
        for extension in extensions {
            let extension = extension?;
            if let Some(name) = extension.key_bytes().strip_prefix(b"SCHILY.xattr.") {
                found.push((name.to_vec(), extension.value_bytes().to_vec()));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn content(entry: &mut impl Read, path: &[u8], packages: &mut Packages) -> io::Result<Kind> {
    let is_list = Packages::is_list(path);
    let mut list = Vec::new();
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 15];
    let mut bytes = 0;
    loop {
        let n = entry.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
        if is_list && bytes <= LONGEST_LIST {
            list.extend_from_slice(&buffer[..n]);
        }
    }
    if is_list {
        packages.learn(path, &list);
    }
    Ok(Kind::File { bytes, sha256: hasher.finalize().into() })
}
