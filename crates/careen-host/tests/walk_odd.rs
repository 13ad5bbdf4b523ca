//! Trees that break ordinary walkers: very deep, linked, odd in type, and walked by many threads.

use std::{
    fs,
    num::NonZeroUsize,
    os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use careen_host::walk::{FaultKind, Means, Walk, WalkError, WalkRequest, normalize_sources, walk};
use rustix::fs::{Mode, OFlags};

fn paths(listing: &Walk) -> Vec<String> {
    let mut paths = Vec::new();
    listing.for_each(|path, _| paths.push(String::from_utf8_lossy(path).into_owned()));
    paths
}

fn request(root: &Path) -> WalkRequest {
    WalkRequest { root: root.to_owned(), ..WalkRequest::default() }
}

#[test]
fn paths_longer_than_the_kernel_takes_are_listed() {
    const DEPTH: usize = 900;
    let root = tempfile::tempdir().unwrap();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut at = rustix::fs::open(root.path(), flags, Mode::empty()).unwrap();
    for _ in 0..DEPTH {
        // Two folders on each level keep every folder open until its second child is read.
        rustix::fs::mkdirat(&at, "nested", Mode::RWXU).unwrap();
        rustix::fs::mkdirat(&at, "side", Mode::RWXU).unwrap();
        at = rustix::fs::openat(&at, "nested", flags, Mode::empty()).unwrap();
    }
    let listing = walk(&request(root.path())).unwrap();
    assert_eq!(listing.len(), 2 * DEPTH);
    assert_eq!(listing.faults, []);
    assert_eq!(listing.path(DEPTH - 1).len(), DEPTH * 7 - 1);

    // The deepest folder is excluded but listed for what is in it, so it is asked for by path.
    rustix::fs::mkdirat(&at, "kept", Mode::RWXU).unwrap();
    let exclude = vec!["*".to_owned(), "!**/kept".to_owned()];
    let listing = walk(&WalkRequest { exclude, ..request(root.path()) }).unwrap();
    assert_eq!(listing.len(), DEPTH + 1);
    assert_eq!(listing.faults, []);
}

#[test]
fn any_number_of_threads_gives_the_same_listing() {
    let root = tempfile::tempdir().unwrap();
    for a in 0..20 {
        for b in 0..20 {
            let folder = root.path().join(format!("{a}/{b}/x"));
            fs::create_dir_all(&folder).unwrap();
            for c in 0..5 {
                fs::write(folder.join(format!("{c}.py")), "x").unwrap();
            }
            let file = root.path().join(format!("{a}/0/x/2.py"));
            fs::hard_link(file, folder.join(format!("again-{a}-{b}"))).unwrap();
        }
    }
    let with = |threads: usize| {
        let exclude = vec!["1*".to_owned(), "!1*/*/x/3.py".to_owned()];
        let threads = NonZeroUsize::new(threads);
        whole(&walk(&WalkRequest { exclude, threads, ..request(root.path()) }).unwrap())
    };
    let one = with(1);
    assert_eq!(one.len(), 9 * (1 + 20 * 8) + 11 * (1 + 20 * 3));
    for threads in [2, 3, 16, 100] {
        assert_eq!(with(threads), one, "{threads} threads");
    }
    assert!(one.iter().all(|line| !line.contains("mode: 0,")), "something without metadata");
}

#[test]
fn a_tree_that_changes_is_listed_without_what_is_gone() {
    let root = tempfile::tempdir().unwrap();
    for a in 0..100 {
        fs::create_dir(root.path().join(format!("stays-{a}"))).unwrap();
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for a in 0..100 {
                    let folder = root.path().join(format!("goes-{a}"));
                    fs::create_dir(&folder).unwrap();
                    fs::write(folder.join("file"), "").unwrap();
                }
                for a in 0..100 {
                    fs::remove_dir_all(root.path().join(format!("goes-{a}"))).unwrap();
                }
            }
        });
        let mut seen = 0;
        for _ in 0..200 {
            let listing = walk(&request(root.path())).unwrap();
            let all = paths(&listing);
            assert!(all.is_sorted(), "{all:?}");
            assert_eq!(all.iter().filter(|path| path.starts_with("stays")).count(), 100);
            listing.for_each(|path, view| assert_ne!(view.mode, 0, "{path:?} has no metadata"));
            assert!(listing.faults.iter().all(|fault| fault.kind == FaultKind::Vanished));
            seen += listing.len() - 100;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(seen > 0, "nothing that changes was ever seen");
    });
}

/// All that there is to know of a listing, its faults included.
fn whole(listing: &Walk) -> Vec<String> {
    let mut lines = Vec::new();
    listing
        .for_each(|path, view| lines.push(format!("{} {view:?}", String::from_utf8_lossy(path))));
    let mut bytes = 0;
    listing.for_each(|_, view| bytes += if view.is_file() { view.size } else { 0 });
    assert_eq!(listing.bytes(), bytes);
    lines.extend(listing.faults.iter().map(|fault| format!("{fault:?}")));
    lines
}

#[test]
fn the_portable_walk_finds_the_same() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let full = root.path().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    };
    for path in ["a/b/c.py", "a/b.txt", "a.b/x", "a b/\u{fc}", ".venv/lib/x.py", "z", "tests/t.py"]
    {
        write(path, path);
    }
    fs::hard_link(root.path().join("a/b.txt"), root.path().join("a/again")).unwrap();
    symlink("a", root.path().join("link")).unwrap();
    symlink("nowhere", root.path().join("dangling")).unwrap();
    fs::create_dir(root.path().join("empty")).unwrap();
    fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"odd\xff")), "1").unwrap();
    fs::File::create(root.path().join("holes")).unwrap().set_len(8 << 20).unwrap();
    let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
    for exclude in [&[][..], &["*", "!**/*.py", ".venv"], &["a", "!a/b"], &["**/*.txt", "empty"]] {
        let exclude: Vec<String> = exclude.iter().map(|&text| text.to_owned()).collect();
        for follow in [None, Some(vec!["link/b".to_owned(), "te*".to_owned()])] {
            let with = |means| {
                let (exclude, follow) = (exclude.clone(), follow.clone());
                walk(&WalkRequest { exclude, follow, means, ..request(root.path()) }).unwrap()
            };
            let (fast, portable) = (with(Means::Fast), with(Means::Portable));
            assert_eq!(whole(&portable), whole(&fast), "{exclude:?} {follow:?}");
        }
    }
    let with = |means| walk(&WalkRequest { means, ..request(root.path()) }).unwrap();
    assert_eq!(with(Means::Portable).len(), 21);
}

#[test]
fn metadata_is_that_of_the_file_system() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "12345").unwrap();
    fs::hard_link(root.path().join("a"), root.path().join("b")).unwrap();
    symlink("a", root.path().join("c")).unwrap();
    let _socket = UnixListener::bind(root.path().join("d")).unwrap();
    let listing = walk(&request(root.path())).unwrap();
    assert_eq!(paths(&listing), ["a", "b", "c", "d"]);
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| listing.entry(i));
    assert_eq!((a.size, a.is_file(), a.hard_link), (5, true, None));
    assert_eq!((b.size, b.hard_link), (5, Some(0)));
    assert_eq!(c.link, Some(&b"a"[..]));
    assert!(d.is_special());
    let modified = fs::metadata(root.path().join("a")).unwrap().modified().unwrap();
    let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    assert_eq!(u128::try_from(a.mtime_ns).unwrap(), modified);
}

#[test]
fn what_the_builder_refuses_is_refused_in_its_words() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a"), "").unwrap();
    let with = |pattern: &str| {
        walk(&WalkRequest { exclude: vec![pattern.to_owned()], ..request(root.path()) })
    };
    let cases = [
        ("!", "invalid excludepatterns: [!]: illegal exclusion pattern: \"!\""),
        ("[a", "invalid excludepatterns: [[a]: syntax error in pattern"),
        ("[b-a]", "failed to match excludepatterns: syntax error in pattern"),
    ];
    for (pattern, message) in cases {
        assert_eq!(with(pattern).unwrap_err().to_string(), message);
    }
    // A bad exception is not reached while nothing is excluded.
    assert_eq!(with("![b-a]").unwrap().len(), 1);
    let missing = walk(&request(Path::new("/nonexistent/context")));
    assert!(matches!(missing, Err(WalkError::Root { .. })));
}

#[test]
fn sources_become_what_the_frontend_sends() {
    let of = |sources: &[&str]| {
        normalize_sources(&sources.iter().map(|&s| s.to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(of(&["./b/", "/a", "b", "c/../d"]).unwrap(), ["a", "b", "d"]);
    assert_eq!(of(&["a", "."]), None);
    assert_eq!(of(&["/"]), None);
    assert_eq!(of(&[]).unwrap(), [""; 0]);
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn files_of_two_file_systems_with_one_number_are_told_apart() {
    for names in [1, 2] {
        let root = tempfile::tempdir().unwrap();
        let _mounts = match careen_test::memory_mount::MemoryMount::twins(root.path(), names) {
            Ok(mounts) => mounts,
            Err(why) => {
                eprintln!("skipped: {why}");
                return;
            }
        };
        for means in [Means::Fast, Means::Portable] {
            let listing = walk(&WalkRequest { means, ..request(root.path()) }).unwrap();
            let all = paths(&listing);
            let told = |place: usize| {
                let view = listing.entry(place);
                (
                    all[place].as_str(),
                    view.hard_link.map(|first| all[first].as_str()),
                    view.mistaken,
                )
            };
            let found: Vec<_> = (0..all.len()).map(told).filter(|one| one.1.is_some()).collect();
            let mut expected =
                vec![("two/y", Some("one/x"), true), ("two/y again", Some("one/x"), true)];
            if names > 1 {
                expected.insert(0, ("one/x again", Some("one/x"), false));
            }
            assert_eq!(found, expected, "{names} {means:?}");
            let place = |path: &str| all.iter().position(|known| known == path).unwrap();
            let without = listing.mistaken(|place| !all[place].starts_with("one"));
            assert_eq!(without, []);
            let half = listing.mistaken(|place| all[place] != "two/y");
            assert_eq!(half, [(place("two/y again"), place("one/x"))]);
        }
    }
}
