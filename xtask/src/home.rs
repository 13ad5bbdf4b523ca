//! Where chores keep things: the workspace, its target folder, and names derived from them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Longest path of an engine's folder: `containerd.sock.ttrpc` lies 35 bytes deeper, and a socket
/// path holds 107 bytes (`sun_path` in `unix(7)`).
const LONGEST_ENGINE_FOLDER: usize = 70;

/// The root of this workspace.
pub(crate) fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("xtask lies in the workspace").to_path_buf()
}

/// The target folder, also when `CARGO_TARGET_DIR` moves it.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) if !folder.is_empty() => workspace().join(folder),
        _ => workspace().join("target"),
    }
}

/// The folder of a private engine, short enough for its sockets.
pub(crate) fn engine(name: &str) -> Result<PathBuf, Failure> {
    let preferred = target().join("engines").join(name);
    if preferred.as_os_str().len() <= LONGEST_ENGINE_FOLDER {
        return Ok(preferred);
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .unwrap_or_else(env::temp_dir);
    let short =
        cache.join("careen").join(hash(preferred.as_os_str().as_encoded_bytes())).join(name);
    if short.as_os_str().len() <= LONGEST_ENGINE_FOLDER {
        return Ok(short);
    }
    Err(Failure::PathTooLong { path: short })
}

/// FNV-1a in eight hexadecimal digits: stable names for folders, bridges and cached files.
pub(crate) fn hash(bytes: &[u8]) -> String {
    format!("{:08x}", number(bytes))
}

/// FNV-1a, 32 bits.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Creates a folder and its parents.
pub(crate) fn create(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Failure::file("create", folder))
}

/// Removes a folder with everything in it; one that does not exist is fine.
pub(crate) fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::file("remove", folder)(err))
        }
        _ => Ok(()),
    }
}

/// Writes a small file.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(Failure::file("write", path))
}

/// Renames within one file system, the last step of everything that must not be seen half done.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::rename(from, to).map_err(Failure::file("put in place", to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_fnv_1a() {
        // The reference values of the FNV draft (draft-eastlake-fnv).
        assert_eq!(hash(b""), "811c9dc5");
        assert_eq!(hash(b"foobar"), "bf9cf968");
    }
}
