//! Each silent fault of the transfer on real engines: first the wrong image or the wrong transfer,
//! made with the engine's own `docker`, then careen's warning.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use careen_test::slow_mount::{SlowMount, Slowness};

use crate::engine_hazards_lab::{Lab, on_each_engine, rules, sent};
use crate::sandbox::{finish, is_root, skip, tell};

const ALL: &str = "FROM scratch\nCOPY . /\n";

fn bytes(n: usize) -> Vec<u8> {
    // Nothing that compresses or repeats, and never the same in two runs.
    let mut state = u64::from(std::process::id()) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(n).collect()
}

#[track_caller]
fn built(lab: &Lab) {
    let run = lab.build();
    assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
}

fn size_in_image(lab: &Lab, path: &str) -> Option<u64> {
    fs::metadata(lab.out().join(path)).ok().map(|meta| meta.len())
}

#[test]
fn an_engine_gets_files_without_content() {
    let files = [
        ("Dockerfile", ALL),
        (".dockerignore", "*\n!**/*.py\n.venv\n"),
        (".venv/lib/x.py", "print()"),
        ("a.py", "print()"),
    ];
    on_each_engine(&files, |lab| {
        built(lab);
        // Emptied by every client since buildx has fsutil of 2023; 20.10's own leaves it out.
        let expected = lab.has_buildx().then_some(0);
        assert_eq!(size_in_image(lab, ".venv/lib/x.py"), expected, "{}", lab.name);
        assert_eq!(size_in_image(lab, "a.py"), Some(7), "{}", lab.name);
        lab.warns("zero-byte-files");
        lab.sandbox.write(".dockerignore", b"*\n!**/*.py\n.venv/**\n");
        lab.is_silent("zero-byte-files");
    });
}

#[test]
fn an_engine_gets_nothing_of_what_its_client_may_not_read() {
    if !is_root() {
        return skip("only root can become somebody else");
    }
    let files = [("Dockerfile", ALL), ("secret.txt", "content")];
    on_each_engine(&files, |lab| {
        let secret = lab.project().join("secret.txt");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let out = lab.sandbox.path("nobody/out");
        let output = format!("type=local,dest={}", out.display());
        let run = lab.as_nobody(lab.docker(&["build", "--output", &output, "."]));
        assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
        assert_eq!(fs::metadata(out.join("secret.txt")).unwrap().len(), 0, "{}", lab.name);
        let run = lab.as_nobody(lab.careen(&["doctor", "--format", "json"]));
        assert!(rules(&run).contains(&"zero-byte-files".to_owned()), "{run}");

        fs::create_dir(lab.project().join("pgdata")).unwrap();
        let closed = fs::Permissions::from_mode(0o700);
        fs::set_permissions(lab.project().join("pgdata"), closed).unwrap();
        let run = lab.as_nobody(lab.docker(&["build", "--output", &output, "."]));
        assert!(run.err.contains("permission denied"), "{}\n{run}", lab.name);
        assert_ne!(run.code, Some(0), "{}\n{run}", lab.name);
        let run = lab.as_nobody(lab.careen(&["doctor", "--format", "json"]));
        assert!(rules(&run).contains(&"unreadable-folders".to_owned()), "{run}");
    });
}

#[test]
fn an_engine_gets_a_torn_file() {
    on_each_engine(&[("Dockerfile", ALL)], |lab| {
        const SIZE: usize = 96 << 20;
        lab.sandbox.write("app.log", &vec![0; SIZE]);
        let path = lab.project().join("app.log");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut file = File::options().write(true).open(&path).unwrap();
                for round in 1_u8.. {
                    file.seek(SeekFrom::Start(0)).unwrap();
                    for _ in 0..SIZE >> 20 {
                        if is_over.load(Ordering::Relaxed) {
                            return;
                        }
                        file.write_all(&vec![round; 1 << 20]).unwrap();
                    }
                }
            });
            let run = lab.build();
            lab.warns("hot-files");
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
        });
        let mut found = fs::read(lab.out().join("app.log")).unwrap();
        found.dedup();
        assert!(found.len() > 2, "{}: not torn, {} runs of bytes", lab.name, found.len());
        let old = SystemTime::now() - Duration::from_hours(2);
        File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        lab.is_silent("hot-files");
    });
}

#[test]
fn an_engine_runs_again_what_a_log_disturbs() {
    on_each_engine(&[("Dockerfile", ALL), ("main.py", "1"), ("app.log", "1\n")], |lab| {
        let is_cached = |lab: &Lab| {
            let run = lab.build();
            assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
            format!("{}{}", run.out, run.err).contains("CACHED")
        };
        lab.sandbox.write("main.py", lab.sandbox.name().as_bytes());
        is_cached(lab);
        assert!(is_cached(lab), "{}", lab.name);
        lab.sandbox.write("app.log", b"1\n2\n");
        assert!(!is_cached(lab), "{}", lab.name);
        lab.warns("hot-files");
    });
}

#[test]
fn an_engine_loses_what_stands_beside_a_file_that_vanishes() {
    on_each_engine(&[("Dockerfile", ALL)], |lab| {
        for name in ["a.txt", "b.vanishes", "c.txt", "d/e.txt"] {
            lab.sandbox.write(format!("src/{name}"), b"1");
        }
        let mount = SlowMount::over(&lab.project(), Slowness::of(Duration::ZERO));
        let mount = match mount {
            Ok(mount) => mount,
            Err(why) => return skip(why),
        };
        let context = mount.path().to_str().unwrap();
        let output = format!("type=local,dest={}", lab.out().display());
        let run = finish(lab.docker(&["build", "--output", &output, context]));
        assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
        let arrived = |name: &str| lab.out().join("src").join(name).exists();
        assert!(arrived("a.txt"), "{}", lab.name);
        // 20.10's client goes on after the gap; every client with fsutil of 2023 or later does not.
        let is_lost = lab.has_buildx();
        assert_eq!([arrived("c.txt"), arrived("d/e.txt")], [!is_lost; 2], "{}", lab.name);
        let run = finish(lab.careen(&["doctor", context, "--format", "json"]));
        assert!(rules(&run).contains(&"moving-files".to_owned()), "{run}");
    });
}

#[test]
fn an_engine_keeps_old_content_of_the_same_size_and_time() {
    on_each_engine(&[("Dockerfile", ALL)], |lab| {
        lab.sandbox.write("limits.ini", format!("{} old", lab.sandbox.name()).as_bytes());
        let path = lab.project().join("limits.ini");
        let image = format!("{}:hazard", lab.sandbox.name());
        let build = || {
            let run = finish(lab.careen(&["build", "-t", &image]));
            assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
            let id = finish(lab.docker(&["image", "inspect", "-f", "{{.Id}}", &image]));
            assert_eq!(id.code, Some(0), "{id}");
            id.out
        };
        built(lab);
        let first = build();
        lab.is_silent("same-size-and-time");
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        lab.sandbox.write("limits.ini", format!("{} new", lab.sandbox.name()).as_bytes());
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        built(lab);
        let found = fs::read_to_string(lab.out().join("limits.ini")).unwrap();
        assert!(found.ends_with("old"), "{}: {found}", lab.name);
        assert_eq!(build(), first, "{}", lab.name);
        lab.warns("same-size-and-time");
        let screen = || finish(lab.careen(&["context"])).out;
        let warning = "limits.ini changed, but not in size and time";
        assert!(screen().contains(warning), "{}\n{}", lab.name, screen());
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now()).unwrap();
        assert_ne!(build(), first, "{}", lab.name);
        lab.is_silent("same-size-and-time");
        assert!(!screen().contains(warning), "{}\n{}", lab.name, screen());
        finish(lab.docker(&["image", "rm", &image]));
    });
}

#[test]
fn an_engine_gets_the_holes_of_a_sparse_file() {
    on_each_engine(&[("Dockerfile", ALL)], |lab| {
        let file = File::create(lab.project().join("disk.img")).unwrap();
        file.set_len(64 << 20).unwrap();
        assert!(file.metadata().unwrap().blocks() < 1000, "this file system has no holes");
        let bytes = sent(&lab.build());
        assert!(bytes > 60e6, "{}: {bytes}", lab.name);
        lab.warns("sparse-files");
        lab.sandbox.write(".dockerignore", b"*.img\n");
        lab.is_silent("sparse-files");
    });
}

#[test]
fn an_engine_gets_what_copy_excludes() {
    let dockerfile = "FROM scratch\nCOPY --exclude=*.bin . /\n";
    on_each_engine(&[("Dockerfile", dockerfile), ("a.txt", "a")], |lab| {
        lab.sandbox.write("large.bin", &bytes(20_000_000));
        let run = lab.build();
        if run.code != Some(0) {
            // Engines before Docker 27 do not know the flag.
            let says = run.err.to_lowercase();
            assert!(says.contains("unknown flag: exclude"), "{}\n{run}", lab.name);
            return;
        }
        assert!(sent(&run) >= 20e6, "{}\n{run}", lab.name);
        assert_eq!(size_in_image(lab, "large.bin"), None);
        lab.warns("copy-exclude-sends");
        lab.sandbox.write(".dockerignore", b"*.bin\n");
        assert!(sent(&lab.build()) < 1e5);
        lab.is_silent("copy-exclude-sends");
    });
}

#[test]
fn an_engine_gets_all_that_a_wildcard_with_a_link_matches() {
    let dockerfile = "FROM scratch\nCOPY packages/*/package.json /\n";
    let files = [("Dockerfile", dockerfile), ("packages/a/package.json", "{}")];
    on_each_engine(&files, |lab| {
        lab.sandbox.write("packages/a/large.bin", &bytes(10_000_000));
        assert!(sent(&lab.build()) < 1e5, "{}", lab.name);
        lab.is_silent("wide-copy-wildcard");
        symlink("a", lab.project().join("packages/current")).unwrap();
        assert!(sent(&lab.build()) >= 10e6, "{}", lab.name);
        lab.warns("wide-copy-wildcard");
    });
}

#[test]
fn an_engine_misses_the_second_source_behind_a_link() {
    let dockerfile = "FROM scratch\nCOPY link/a /\nCOPY link/b /\n";
    let files = [("Dockerfile", dockerfile), ("dir/a", "a"), ("dir/b", "b")];
    on_each_engine(&files, |lab| {
        symlink("dir", lab.project().join("link")).unwrap();
        let run = lab.build();
        assert_ne!(run.code, Some(0), "{}\n{run}", lab.name);
        assert!(run.err.contains("not found"), "{}\n{run}", lab.name);
        lab.warns("link-used-twice");
        let plain = dockerfile.replace("link/b", "dir/b");
        lab.sandbox.write("Dockerfile", plain.as_bytes());
        built(lab);
        lab.is_silent("link-used-twice");
    });
}

/// Reading a folder moves its access time when that is older than its change.
#[test]
fn an_engine_has_its_client_read_ignored_folders() {
    let files = [("Dockerfile", ALL), ("src/a.py", "1"), ("node_modules/m/index.js", "1")];
    on_each_engine(&files, |lab| {
        for i in 0..2000 {
            lab.sandbox.write(format!("node_modules/m/{i}.js"), b"");
        }
        let folder = lab.project().join("node_modules/m");
        let is_read = |ignore: &str| {
            lab.sandbox.write(".dockerignore", ignore.as_bytes());
            let old = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
            let times = fs::FileTimes::new().set_accessed(old);
            File::open(&folder).unwrap().set_times(times).unwrap();
            built(lab);
            fs::metadata(&folder).unwrap().accessed().unwrap() != old
        };
        // 20.10's client follows only the plain beginning of an exception.
        assert_eq!(is_read("*\n!**/*.py\n"), lab.has_buildx(), "{}", lab.name);
        lab.warns("unpruned-exceptions");
        assert!(!is_read("*\n!src\n"), "{}", lab.name);
        lab.is_silent("unpruned-exceptions");
        if !is_read("") {
            tell(format_args!("{}: this file system keeps no access times", lab.name));
        }
    });
}

#[test]
fn an_engine_sends_two_projects_of_one_name_in_full_each_time() {
    on_each_engine(&[("Dockerfile", ALL)], |lab| {
        let make = |parent: &str, size: usize| {
            let folder = lab.sandbox.path(parent).join("app");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("Dockerfile"), ALL).unwrap();
            fs::write(folder.join("data.bin"), bytes(size)).unwrap();
            folder
        };
        let (large, small) = (make("one", 120_000_000), make("two", 1000));
        let build = |folder: &std::path::Path| {
            // 20.10 keys its copy by the words of the command line, so every `.` is the same.
            let mut command = lab.docker(&["build", "--progress=plain", "."]);
            command.current_dir(folder);
            sent(&finish(command))
        };
        build(&large);
        assert!(build(&large) < 1e6, "{}: unchanged", lab.name);
        build(&small);
        assert!(build(&large) > 100e6, "{}: the copy was still there", lab.name);
        let found = |folder: &std::path::Path| {
            let folder = folder.to_str().unwrap();
            rules(&finish(lab.careen(&["doctor", folder, "--format", "json"])))
        };
        let has = |found: &[String], rule: &str| found.iter().any(|one| one == rule);
        assert!(has(&found(&small), "stale-context-copies"), "{}", lab.name);
        // 20.10's client keeps no record of what it built.
        let is_recorded = lab.has_buildx();
        assert_eq!(has(&found(&large), "shared-context-copy"), is_recorded, "{}", lab.name);
        assert!(!has(&found(&small), "shared-context-copy"), "{}: nothing to send", lab.name);
        fs::remove_dir_all(&small).unwrap();
        assert!(!has(&found(&large), "shared-context-copy"), "{}", lab.name);
    });
}

#[test]
fn an_engine_gets_everything_when_the_ignore_file_does_not_count() {
    let files = [("Dockerfile", ALL), (".dockerignore", "*.key\n"), ("tls.key", "x")];
    on_each_engine(&files, |lab| {
        built(lab);
        assert_eq!(size_in_image(lab, "tls.key"), None, "{}", lab.name);
        lab.is_silent("broken-ignore-file");
        lab.sandbox.write("Dockerfile.dockerignore", b"# nothing yet\n");
        built(lab);
        assert_eq!(size_in_image(lab, "tls.key"), Some(1), "{}", lab.name);
        lab.warns("broken-ignore-file");
    });
}

#[test]
fn an_engine_gets_an_empty_program_for_a_socket() {
    on_each_engine(&[("Dockerfile", ALL)], |lab| {
        let _socket = UnixListener::bind(lab.project().join("app.sock")).unwrap();
        built(lab);
        let meta = fs::symlink_metadata(lab.out().join("app.sock")).unwrap();
        assert_eq!((meta.is_file(), meta.len()), (true, 0), "{}", lab.name);
        lab.warns("special-files");
    });
}
