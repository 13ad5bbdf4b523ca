//! Copies of a folder with everything that a copy can lose, stopped everywhere.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;

/// A folder with everything that a copy can lose.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("from");
    let write = |path: &str, bytes: &[u8], mode: u32| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    };
    write("src/main.py", b"print('x')\n", 0o644);
    write("run.sh", b"#!/bin/sh\n", 0o755);
    write("secret", b"key", 0o400);
    write("big.bin", &vec![7; 700_000], 0o640);
    write("empty", b"", 0o644);
    write(".git/HEAD", b"ref: refs/heads/main\n", 0o644);
    write("deep/er/still/file", b"1", 0o644);
    fs::create_dir(root.join("bare")).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"na\xffme")), "odd").unwrap();
    symlink("src/main.py", root.join("link")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink(root.join("src"), root.join("inward")).unwrap();
    fs::hard_link(root.join("big.bin"), root.join("src/same.bin")).unwrap();
    let old = UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    for path in ["src/main.py", "deep/er", "src"] {
        fs::File::open(root.join(path)).unwrap().set_modified(old).unwrap();
    }
    fs::set_permissions(root.join("deep"), Permissions::from_mode(0o555)).unwrap();
    folder
}

/// Everything about a folder that a person could miss.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let what = if meta.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            "folder".to_owned()
        } else if meta.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else {
            format!("{} names, {:?}", meta.nlink(), crate::digest::of(&fs::read(&path).unwrap()))
        };
        let (mode, time) = (meta.mode(), (meta.mtime(), meta.mtime_nsec()));
        let name = path.strip_prefix(root).unwrap().to_owned();
        seen.insert(name, format!("{mode:o} {time:?} {}:{} {what}", meta.uid(), meta.gid()));
    }
    seen
}

fn wanted(folder: &TempDir) -> Move {
    Move { from: folder.path().join("from"), to: folder.path().join("new/to") }
}

fn go(wanted: &Move) -> Result<Moved, Error> {
    let survey = survey(&wanted.from)?;
    wanted.run(&survey, &Progress::default(), &CancelToken::new())
}

/// Names beside the copy.
fn beside(wanted: &Move) -> Vec<String> {
    let folder = wanted.to.parent().unwrap();
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_copy_is_the_same_in_everything_and_the_original_too() {
    let folder = project();
    let wanted = wanted(&folder);
    let before = tree(&wanted.from);
    let moved = go(&wanted).unwrap();
    assert_eq!(tree(&wanted.to), before);
    assert_eq!(tree(&wanted.from), before);
    assert_eq!(moved.entries, before.len() as u64);
    assert_eq!((moved.bytes, moved.found_bytes), (700_049, 0));
    assert_eq!(beside(&wanted), ["to"]);
    // The same again elsewhere has the same digest; another content has not.
    let other = Move { to: folder.path().join("other"), ..wanted.clone() };
    assert_eq!(go(&other).unwrap().digest, moved.digest);
    fs::write(wanted.from.join("empty"), "x").unwrap();
    let third = Move { to: folder.path().join("third"), ..wanted };
    assert_ne!(go(&third).unwrap().digest, moved.digest);
}

#[test]
fn what_needs_a_word_is_told() {
    let folder = project();
    let from = folder.path().join("from");
    let _socket = UnixListener::bind(from.join("app.sock")).unwrap();
    fs::remove_dir_all(from.join(".git")).unwrap();
    fs::write(from.join(".git"), "gitdir: /elsewhere/.git/worktrees/x\n").unwrap();
    let found = survey(&from).unwrap();
    assert_eq!(found.special, [(PathBuf::from("app.sock"), "socket")]);
    assert_eq!(found.inward, [PathBuf::from("inward")]);
    assert_eq!(found.git_elsewhere.as_deref(), Some(Path::new("/elsewhere/.git/worktrees/x")));
    let wanted = wanted(&folder);
    go(&wanted).unwrap();
    assert!(!wanted.to.join("app.sock").exists() && wanted.from.join("app.sock").exists());
}

#[test]
fn stopped_at_any_step_nothing_half_done_has_the_name_and_the_next_run_goes_on() {
    let folder = project();
    let wanted = wanted(&folder);
    let before = tree(&wanted.from);
    let mut limit = 0;
    loop {
        let steps = AtomicUsize::new(0);
        let watcher = |_: Point| {
            if steps.fetch_add(1, Ordering::SeqCst) >= limit { Err(Error::Stopped) } else { Ok(()) }
        };
        let found = survey(&wanted.from).unwrap();
        let (progress, cancel) = (Progress::default(), CancelToken::new());
        let run = wanted.run_watched(&found, &progress, &cancel, &watcher);
        assert_eq!(tree(&wanted.from), before, "stopped at {limit}");
        if wanted.to.exists() {
            assert_eq!(tree(&wanted.to), before, "stopped at {limit}");
        }
        match run {
            Ok(_) => break,
            Err(Error::Stopped) if wanted.to.exists() => {
                // It has its name; the hidden folder is what is left.
                assert!(matches!(go(&wanted), Err(Error::Refused { .. })));
                stage::remove(&wanted.to).unwrap();
            }
            Err(Error::Stopped) => {}
            Err(err) => panic!("stopped at {limit}: {err}"),
        }
        // Every second time the next run has to go on from there.
        if limit % 2 == 0 {
            go(&wanted).unwrap();
            assert_eq!(tree(&wanted.to), before, "went on from {limit}");
            assert_eq!(beside(&wanted), ["to"]);
            stage::remove(&wanted.to).unwrap();
        }
        limit += 1;
    }
    assert!(limit > 10, "{limit}");
    assert_eq!(beside(&wanted), ["to"]);
}

#[test]
fn what_is_there_is_not_copied_again_and_a_damaged_part_is_found() {
    let folder = project();
    let wanted = wanted(&folder);
    let found = survey(&wanted.from).unwrap();
    let stop = |point: Point| if point == Point::Times { Err(Error::Stopped) } else { Ok(()) };
    let (progress, cancel) = (Progress::default(), CancelToken::new());
    let stopped = wanted.run_watched(&found, &progress, &cancel, &stop);
    assert!(matches!(stopped, Err(Error::Stopped)));
    // Damage that size and time do not show: it is compared, not believed.
    let part = wanted.to.with_file_name(".to.careen-move").join("tree/big.bin");
    let time = fs::metadata(&part).unwrap().modified().unwrap();
    let mut bytes = fs::read(&part).unwrap();
    bytes[5] = 0;
    fs::write(&part, bytes).unwrap();
    fs::File::open(&part).unwrap().set_modified(time).unwrap();
    assert!(matches!(go(&wanted), Err(Error::NotTheSame { .. })));
    assert!(!wanted.to.exists());
    assert!(!part.exists(), "the next run copies it anew");
    fs::write(part.with_file_name("not in the original"), "x").unwrap();
    let moved = go(&wanted).unwrap();
    assert_eq!(moved.found_bytes, 49);
    assert_eq!(tree(&wanted.to), tree(&wanted.from));
}

#[test]
fn places_that_cannot_work_are_refused_before_anything_is_written() {
    let folder = project();
    let from = folder.path().join("from");
    let check = |to: PathBuf, expected: &str| {
        let wanted = Move { from: from.clone(), to };
        let text = go(&wanted).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    };
    let before = tree(folder.path());
    check(from.clone(), "exists already");
    check(from.join("inner/copy"), "lies in the project itself");
    check(folder.path().join("from/../from/x"), "lies in the project itself");
    assert_eq!(tree(folder.path()), before);
    fs::create_dir(folder.path().join(".to.careen-move")).unwrap();
    fs::write(folder.path().join(".to.careen-move/mine"), "x").unwrap();
    check(folder.path().join("to"), "careen did not make it");
    let missing = Move { from: folder.path().join("none"), to: folder.path().join("x") };
    assert!(go(&missing).is_err());
}

#[test]
fn a_full_place_is_told_before_the_copy() {
    let room = |needed_bytes, needed_entries, free_bytes, free_entries| Room {
        needed_bytes,
        needed_entries,
        free_bytes,
        free_entries,
    };
    assert!(room(100, 5, 100, Some(5)).fits(0));
    assert!(!room(101, 5, 100, Some(5)).fits(0));
    assert!(room(101, 5, 100, Some(5)).fits(1));
    assert!(!room(100, 6, 100, Some(5)).fits(0));
    assert!(room(100, 6, 100, None).fits(0));
}

#[test]
fn an_original_that_changes_meanwhile_is_no_success() {
    let folder = project();
    let wanted = wanted(&folder);
    let found = survey(&wanted.from).unwrap();
    let change = |point: Point| {
        if point == Point::Links {
            fs::write(wanted.from.join("run.sh"), "#!/bin/sh\necho more\n").unwrap();
        }
        Ok(())
    };
    let (progress, cancel) = (Progress::default(), CancelToken::new());
    let run = wanted.run_watched(&found, &progress, &cancel, &change);
    assert!(matches!(run, Err(Error::ChangedMeanwhile { .. })), "{run:?}");
    assert!(!wanted.to.exists());
    go(&wanted).unwrap();
    assert_eq!(tree(&wanted.to), tree(&wanted.from));
}
