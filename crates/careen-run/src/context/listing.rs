//! A listing for other programs: as prerequisites of a rule, and as one hash.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use careen_host::walk::{View, Walk};
use sha2::{Digest, Sha256};

use super::Ground;

/// Changes with every change of the algorithm, so that hashes of two kinds are never equal.
const KIND: &str = "careen-context-1";

/// Why a context has no hash.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("{}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    /// The content changed while it was read.
    #[error("{}: it changed while it was read", path.display())]
    Moved { path: PathBuf },
}

/// A hash of what the listing holds: `careen-context-1:` and 64 hexadecimal digits of SHA-256.
///
/// For each entry, in the builder's order, are hashed: the length of the path (8 bytes, little
/// endian), the path, one letter for the kind (`d`, `f`, `l`, `s` for the rest), the permissions
/// (4 bytes, little endian; 0 for links), and for a link the length and bytes of its target, for a
/// file the length and bytes of its content. Times and owners do not count, as they do not for the
/// builder's cache; a file that the builder cannot open counts as empty, as in the image.
pub fn hash(root: &Path, listing: &Walk) -> Result<String, HashError> {
    let mut hasher = Sha256::new();
    let mut failed = None;
    listing.for_each(|path, view| {
        if failed.is_none() {
            failed = entry(&mut hasher, root, path, &view).err();
        }
    });
    match failed {
        Some(err) => Err(err),
        None => Ok(format!("{KIND}:{}", crate::digest::hex(&hasher.finalize()))),
    }
}

fn entry(hasher: &mut Sha256, root: &Path, path: &[u8], view: &View<'_>) -> Result<(), HashError> {
    let kind = match (view.link, view.is_folder(), view.is_file()) {
        (Some(_), _, _) => b'l',
        (_, true, _) => b'd',
        (_, _, true) => b'f',
        _ => b's',
    };
    let permissions = if kind == b'l' { 0 } else { view.mode & 0o7777 };
    part(hasher, path);
    hasher.update([kind]);
    hasher.update(permissions.to_le_bytes());
    if let Some(target) = view.link {
        part(hasher, target);
    }
    if kind == b'f' {
        let size = if view.zero_byte { 0 } else { view.size };
        hasher.update(size.to_le_bytes());
        if size > 0 {
            content(hasher, &root.join(OsStr::from_bytes(path)), size)?;
        }
    }
    Ok(())
}

fn part(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn content(hasher: &mut Sha256, path: &Path, size: u64) -> Result<(), HashError> {
    let failed = |error| HashError::Read { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(failed)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut read = 0;
    loop {
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        read += n as u64;
    }
    if read != size {
        return Err(HashError::Moved { path: path.to_owned() });
    }
    Ok(())
}

/// The listing as a rule for make: `target: prerequisites`, one on each line.
///
/// Files and links, the Dockerfile and the ignore file; folders are left out, because their times
/// change with every temporary file. Names that make cannot hold come back as the error.
pub fn prerequisites(ground: &Ground, listing: &Walk, target: &str) -> Result<Vec<u8>, PathBuf> {
    let root = &ground.project.context;
    let mut paths = Vec::new();
    // A prerequisite that is not there stops make.
    if ground.dockerfile.is_file() {
        paths.push(ground.dockerfile.clone());
    }
    if ground.force.file.exists {
        paths.push(ground.force.file.path.clone());
    }
    listing.for_each(|path, view| {
        if !view.is_folder() && !view.is_special() {
            paths.push(root.join(OsStr::from_bytes(path)));
        }
    });
    let mut out = Vec::new();
    if target.is_empty() || target.contains('%') {
        // It would be a pattern.
        return Err(PathBuf::from(target));
    }
    escape(OsStr::new(target).as_bytes(), &mut out).ok_or_else(|| PathBuf::from(target))?;
    out.push(b':');
    let mut seen = std::collections::HashSet::new();
    for path in paths {
        // `./` in front would be another file to make.
        let plain: PathBuf = path.components().filter(|part| part.as_os_str() != ".").collect();
        if seen.insert(plain.clone()) {
            out.extend_from_slice(b" \\\n  ");
            escape(plain.as_os_str().as_bytes(), &mut out).ok_or(plain)?;
        }
    }
    out.push(b'\n');
    Ok(out)
}

/// Writes a name as GNU make reads it back, tried with make 4.3; `None` for one that no escape can
/// carry: line feeds, `;` (it begins the recipe), `name(member)` and a backslash at the end.
fn escape(name: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let is_member = name.ends_with(b")") && name.contains(&b'(');
    if is_member || name.ends_with(b"\\") {
        return None;
    }
    if name.starts_with(b"~") {
        out.extend_from_slice(b"./");
    }
    let mut backslashes = 0;
    for &byte in name {
        match byte {
            b'\n' | b';' => return None,
            b'$' => out.push(b'$'),
            // Backslashes before an escaped letter are escapes themselves.
            b' ' | b'\t' | b'#' | b':' | b'*' | b'?' | b'[' | b'|' => {
                out.extend(std::iter::repeat_n(b'\\', backslashes));
                out.push(b'\\');
            }
            _ => (),
        }
        backslashes = if byte == b'\\' { backslashes + 1 } else { 0 };
        out.push(byte);
    }
    Some(())
}
