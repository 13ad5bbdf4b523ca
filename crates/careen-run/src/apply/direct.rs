//! Replacing one file without a journal: whole or not at all, and nothing to undo it with.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use careen_model::FileChange;

use super::disk;
use super::transaction::{Next, next_state};
use crate::Error;

/// Makes the file what the change says, if it still is what the change was made from. Mode, owner
/// and attributes stay; a link stays and what it leads to changes.
pub fn replace_file(change: &FileChange) -> Result<(), Error> {
    let refuse =
        |reason: &str| Error::Refused { path: change.path.clone(), reason: reason.to_owned() };
    let target = match fs::canonicalize(&change.path) {
        Ok(target) => target,
        Err(_) if change.before.is_none() => change.path.clone(),
        Err(err) => return Err(Error::io("reading", &change.path)(err)),
    };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mode = fs::metadata(folder).map_err(Error::io("reading", folder))?.mode();
    match fs::metadata(&target) {
        Ok(meta) if !meta.is_file() => return Err(refuse("it is not a regular file")),
        Ok(meta) if meta.nlink() > 1 => {
            return Err(refuse(
                "it has more than one name (hard links), which replacing would part",
            ));
        }
        _ => (),
    }
    let before = disk::read(&target)?;
    if before.as_ref().map(|(bytes, _)| bytes) != change.before.as_ref() {
        return Err(Error::Changed { path: change.path.clone() });
    }
    let next = Next::Text { bytes: change.after.clone(), executable: change.executable };
    let was = before.as_ref().map(|(_, state)| state);
    let Some(state) = next_state(&next, was, mode) else { return Ok(()) };
    let draft = target.with_file_name(format!(".careen-{}.tmp", std::process::id()));
    let written = disk::write_as(&draft, &change.after, &state)
        .and_then(|()| fs::rename(&draft, &target).map_err(Error::io("replacing", &target)));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = disk::remove(&draft);
    }
    written?;
    disk::sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn change(path: &Path, before: Option<&str>, after: &str) -> FileChange {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let (path, before) = (path.to_owned(), before.map(bytes));
        FileChange { path, before, after: bytes(after), executable: false }
    }

    #[test]
    fn a_file_is_replaced_whole_and_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("Dockerfile", &link).unwrap();
        replace_file(&change(&link, Some("old"), "new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let other = folder.path().join("fresh");
        replace_file(&change(&other, None, "text")).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "text");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_changed_or_has_two_names_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile");
        fs::write(&path, "edited").unwrap();
        let refused = replace_file(&change(&path, Some("old"), "new"));
        assert!(matches!(refused, Err(Error::Changed { .. })));
        fs::hard_link(&path, folder.path().join("other")).unwrap();
        let refused = replace_file(&change(&path, Some("edited"), "new"));
        assert!(matches!(refused, Err(Error::Refused { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "edited");
    }
}
