//! A file that appears under its name when it is complete, and not before.
//!
//! While it is written it has no name at all where the file system can do that, so that even a
//! killed careen leaves nothing; elsewhere it has a hidden one beside the target.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

/// Through which a file without a name gets one (`open(2)`, on `O_TMPFILE`).
const OPEN_FILES: &str = "/proc/self/fd";

/// Where the bytes are until [`WholeFile::finish`].
#[derive(Debug)]
enum Place {
    /// A file without a name.
    Nameless,
    /// A hidden name beside the target.
    Hidden(PathBuf),
    /// A pipe or a device: nothing can be put in place, bytes go there as they come.
    Direct,
}

/// An output file on its way.
#[derive(Debug)]
pub struct WholeFile {
    file: File,
    target: PathBuf,
    place: Place,
}

impl WholeFile {
    /// Opens a place for the bytes of `path`. A pipe or a device is written directly; behind a
    /// symbolic link the file that it leads to is the target.
    pub fn create(path: &Path) -> io::Result<WholeFile> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&target) {
            Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(meta) if !meta.is_file() => {
                let file = OpenOptions::new().write(true).open(&target)?;
                return Ok(WholeFile { file, target, place: Place::Direct });
            }
            _ => {}
        }
        let folder = folder_of(&target);
        let mode = Mode::from_raw_mode(0o666);
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        if Path::new(OPEN_FILES).exists()
            && let Ok(file) = open(folder, flags, mode)
        {
            return Ok(WholeFile { file: file.into(), target, place: Place::Nameless });
        }
        // Older kernels and some file systems have no such files: their errors differ, and what
        // is really wrong with the folder shows here again.
        let hidden = hidden_name(&target)?;
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&hidden)?;
        Ok(WholeFile { file, target, place: Place::Hidden(hidden) })
    }

    /// Tells beforehand what would make [`WholeFile::create`] fail; leaves nothing and changes
    /// nothing.
    pub fn probe(path: &Path) -> io::Result<()> {
        match fs::metadata(path) {
            // Opening a pipe would wait for its reader, and closing it again would tell it the end.
            Ok(meta) if !meta.is_file() && !meta.is_dir() => Ok(()),
            _ => WholeFile::create(path).map(drop),
        }
    }

    /// Writes it all and puts it in place.
    pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = WholeFile::create(path)?;
        file.write_all(bytes)?;
        file.finish()
    }

    /// Gives the file its name; one that was there before is replaced.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        if matches!(self.place, Place::Direct) {
            return Ok(());
        }
        if let (Place::Nameless, Ok(old)) = (&self.place, fs::metadata(&self.target)) {
            // Replacing a file changes its content, not who may read it.
            self.file.set_permissions(old.permissions())?;
        }
        if matches!(self.place, Place::Nameless) {
            let hidden = hidden_name(&self.target)?;
            let own = format!("{OPEN_FILES}/{}", self.file.as_raw_fd());
            // What a careen of the same process number left, killed between these two lines.
            let _ = fs::remove_file(&hidden);
            linkat(CWD, own, CWD, &hidden, AtFlags::SYMLINK_FOLLOW)?;
            self.place = Place::Hidden(hidden);
        }
        let Place::Hidden(hidden) = &self.place else { return Ok(()) };
        fs::rename(hidden, &self.target)?;
        self.place = Place::Direct;
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // Half a file is worse than none.
        if let Place::Hidden(hidden) = &self.place {
            let _ = fs::remove_file(hidden);
        }
    }
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `.NAME.careen-PROCESS` beside the target.
fn hidden_name(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".careen-{}", std::process::id()));
    Ok(folder_of(target).join(hidden))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_and_a_dropped_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
        WholeFile::write(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(folder.path()), ["a.tar"]);
    }

    #[test]
    fn a_neighbour_of_a_similar_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.partial"), "mine").unwrap();
        WholeFile::write(&folder.path().join("a.tar"), b"x").unwrap();
        assert_eq!(fs::read(folder.path().join("a.partial")).unwrap(), b"mine");
        assert_eq!(names(folder.path()), ["a.partial", "a.tar"]);
    }

    #[test]
    fn what_is_replaced_keeps_its_mode_and_its_links() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink("real", &link).unwrap();
        WholeFile::write(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_device_is_written_and_never_replaced() {
        let device = Path::new("/dev/null");
        WholeFile::write(device, b"x").unwrap();
        assert!(fs::metadata(device).unwrap().file_type().is_char_device());
        assert!(WholeFile::create(Path::new("/")).is_err());
    }

    #[test]
    fn a_folder_that_is_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let err = WholeFile::create(&folder.path().join("nowhere/a.tar")).unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::NotFound);
        assert!(WholeFile::probe(&folder.path().join("nowhere/a.tar")).is_err());
        assert!(WholeFile::probe(folder.path()).is_err());
        WholeFile::probe(&folder.path().join("a.tar")).unwrap();
        assert!(names(folder.path()).is_empty());
    }
}
