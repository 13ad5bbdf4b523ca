//! A private copy of a context: what its ignore file leaves, with permissions and times.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use careen_host::walk::{View, WalkRequest, walk};

use crate::{Error, apply};

/// Copies what the patterns leave of `from` into the folder `to`; gives what could not be copied.
///
/// `to` must not lie in `from`. The copy of a file shares its blocks where the file system can.
pub(super) fn copy(from: &Path, to: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, Error> {
    let mut exclude = patterns.to_vec();
    exclude.push(format!("**/{}", apply::FOLDER));
    let root = from.to_owned();
    let asked = WalkRequest { root, exclude, ..WalkRequest::default() };
    let listing = walk(&asked).map_err(|err| Error::Prove {
        doing: format!("copy {}", from.display()),
        error: err.to_string(),
    })?;
    let mut left = Vec::new();
    let mut failed = None;
    // Folders get their permissions last, so that read-only ones can be filled.
    let mut folders = Vec::new();
    listing.for_each(|path, view| {
        if failed.is_some() {
            return;
        }
        let relative = Path::new(OsStr::from_bytes(path));
        let (source, target) = (from.join(relative), to.join(relative));
        let copied = one(&source, &target, &view);
        match copied {
            Ok(true) if view.is_folder() => folders.push((target, view.mode)),
            Ok(true) => (),
            Ok(false) => left.push(relative.to_owned()),
            Err(err) => failed = Some(Error::io("copying", &source)(err)),
        }
    });
    if let Some(err) = failed {
        return Err(err);
    }
    for (folder, mode) in folders.into_iter().rev() {
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode & 0o7777 | 0o700))
            .map_err(Error::io("writing", &folder))?;
    }
    left.extend(listing.faults.iter().map(|fault| OsStr::from_bytes(&fault.path).into()));
    Ok(left)
}

/// False for what has no content to copy: sockets, pipes, devices.
fn one(source: &Path, target: &Path, view: &View<'_>) -> std::io::Result<bool> {
    if view.is_folder() {
        fs::create_dir_all(target)?;
        return Ok(true);
    }
    if let Some(parent) = target.parent() {
        // An excluded folder is listed only when something in it is.
        fs::create_dir_all(parent)?;
    }
    if let Some(link) = view.link {
        symlink(OsStr::from_bytes(link), target)?;
        return Ok(true);
    }
    if !view.is_file() {
        return Ok(false);
    }
    fs::copy(source, target)?;
    let nanoseconds = u64::try_from(view.mtime_ns).unwrap_or(0);
    let time = UNIX_EPOCH + Duration::from_nanos(nanoseconds);
    // A file that nobody may write can still be opened by its owner for reading, which is enough.
    File::open(target)?.set_times(FileTimes::new().set_modified(time))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_what_the_ignore_file_leaves() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in ["src/deep", ".git", ".careen/journal"] {
            fs::create_dir_all(from.path().join(folder)).unwrap();
        }
        for file in ["src/a", "src/deep/b", ".git/HEAD", ".careen/journal/x"] {
            fs::write(from.path().join(file), file).unwrap();
        }
        symlink("src/a", from.path().join("link")).unwrap();
        fs::set_permissions(from.path().join("src/a"), fs::Permissions::from_mode(0o444)).unwrap();
        let old = UNIX_EPOCH + Duration::from_secs(1000);
        File::open(from.path().join("src/a"))
            .unwrap()
            .set_times(FileTimes::new().set_modified(old))
            .unwrap();

        let left = copy(from.path(), to.path(), &[".git".to_owned()]).unwrap();
        assert_eq!(left, Vec::<PathBuf>::new());
        let meta = fs::metadata(to.path().join("src/a")).unwrap();
        assert_eq!((meta.permissions().mode() & 0o7777, meta.modified().unwrap()), (0o444, old));
        assert_eq!(fs::read(to.path().join("src/deep/b")).unwrap(), b"src/deep/b");
        assert_eq!(fs::read_link(to.path().join("link")).unwrap(), Path::new("src/a"));
        assert!(!to.path().join(".git").exists() && !to.path().join(".careen").exists());
    }
}
