//! What real engines put into an image after `COPY . /` and after narrower copies, compared with
//! our listing of the sent set, entry for entry.

#![expect(clippy::unwrap_used, reason = "a test that cannot build should stop")]
#![expect(clippy::print_stdout, reason = "a test says what it ran")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use careen_engine::{BuildRequest, CancelToken, Connection, Target};
use careen_run::ContextFiles;
use careen_run::context::{Ground, Set};
use careen_run::gather::GatherRequest;

/// Name, ignore file, `COPY` lines, further entries: `folder/`, `file`, `link -> target`.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

const ALL: &str = "COPY . /\n";

const CASES: &[Case] = &[
    ("plain", "", ALL, &["a", "b/c", "b/d/e", "empty/"]),
    (
        "names",
        "",
        ALL,
        &["a b/c  d", "ü/ö", "[x]", "{a,b}", "q\"uote", "back\\slash", "-dash", "#h", "!b"],
    ),
    (
        "links",
        "*\n!link\n!dangling\n!loop\n",
        ALL,
        &["dir/a", "link -> dir", "dangling -> no/where", "loop -> loop"],
    ),
    (
        "emptied",
        "*\n!**/*.py\n.venv\n",
        ALL,
        &[".venv/lib/x.py", ".venv/lib/x.so", "src/a.py", "src/a.txt"],
    ),
    (
        "parents",
        "*\n!deep/1/2/3/leaf\n",
        ALL,
        &["deep/1/2/3/leaf", "deep/1/2/other", "deep/1/x", "y"],
    ),
    (
        "reopened",
        "foo\n!foo/bar\nfoo/bar/no\n",
        ALL,
        &["foo/bar/no", "foo/bar/yes", "foo/x", "foobar"],
    ),
    (
        "classes",
        "[!x]\n*.{a,b}\nf|g*\n**.log\n",
        ALL,
        &["!", "x", "y", "f.a", "z.{a,b}", "n/a.log", "gone"],
    ),
    (
        "dotted",
        ".*\n**/.DS_Store\n",
        ALL,
        &[".git/HEAD", ".env", "a/.DS_Store", "a/.keep", "a.b/.c"],
    ),
    (
        "followed",
        "",
        "COPY link/a /l/\nCOPY w*/x /w/\n",
        &["dir/a", "dir/b", "link -> dir", "w1/x", "w1/y", "w2/x"],
    ),
    ("narrow", "src/old\n", "COPY src /\n", &["src/a", "src/old/b", "src/c/d", "other/e", "f"]),
    ("special bits", "", ALL, &["run.sh", "sub/tool", "secret/"]),
];

fn plant(root: &Path, case: &Case) {
    let (name, ignore, copies, entries) = case;
    fs::write(root.join("Dockerfile"), format!("FROM scratch\n{copies}")).unwrap();
    if !ignore.is_empty() {
        fs::write(root.join(".dockerignore"), ignore).unwrap();
    }
    for entry in *entries {
        let (path, target) = entry.split_once(" -> ").map_or((*entry, None), |(p, t)| (p, Some(t)));
        let full = root.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        match target {
            Some(target) => symlink(target, &full).unwrap(),
            None if path.ends_with('/') => fs::create_dir_all(&full).unwrap(),
            // So that no two runs find each other's content in the cache.
            None => fs::write(&full, format!("{path} {}", std::process::id())).unwrap(),
        }
    }
    if *name == "special bits" {
        for (path, mode) in [("run.sh", 0o755), ("sub/tool", 0o4755), ("secret", 0o700)] {
            fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::hard_link(root.join("run.sh"), root.join("sub/again.sh")).unwrap();
    }
}

/// `path kind`, with the size of a file and the target of a link.
fn ours(ground: &Ground) -> Vec<String> {
    let mut lines = Vec::new();
    ground.list(Set::Sent).unwrap().for_each(|path, view| {
        let path = String::from_utf8_lossy(path);
        let what = match (view.link, view.is_folder()) {
            (Some(target), _) => format!("-> {}", String::from_utf8_lossy(target)),
            (None, true) => format!("folder {:o}", view.mode & 0o7777),
            // Docker's own client empties what it lists and may not open (careen-host's
            // tests/engine_walk.rs compares that); this client sends it whole.
            (None, false) => format!("{} bytes {:o}", view.size, view.mode & 0o7777),
        };
        lines.push(format!("{path} {what}"));
    });
    lines.sort();
    lines
}

fn theirs(root: &Path, below: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let mode = meta.permissions().mode() & 0o7777;
        let what = if meta.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if meta.is_dir() {
            theirs(root, &path, lines);
            format!("folder {mode:o}")
        } else {
            format!("{} bytes {mode:o}", meta.len())
        };
        lines.push(format!("{} {what}", path.strip_prefix(root).unwrap().display()));
    }
}

/// The files of the image `tag`, unpacked below `into`.
fn unpack(address: &str, tag: &str, into: &Path) {
    let docker = |words: &[&str]| {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", address).args(words).stderr(Stdio::inherit());
        command
    };
    let created = docker(&["create", tag, "none"]).output().unwrap();
    assert!(created.status.success(), "docker create {tag}");
    let id = String::from_utf8(created.stdout).unwrap();
    let exported = docker(&["export", id.trim()]).output().unwrap();
    assert!(docker(&["rm", id.trim()]).stdout(Stdio::null()).status().unwrap().success());
    assert!(exported.status.success(), "docker export {tag}");
    let archive = into.with_extension("tar");
    fs::write(&archive, exported.stdout).unwrap();
    let status = Command::new("tar").arg("-xpf").arg(&archive).arg("-C").arg(into).status();
    assert!(status.unwrap().success());
}

/// What an export adds to every container (moby `initlayer`).
const ADDED: &[&str] = &[".dockerenv", "dev", "etc", "proc", "sys"];

fn is_added(line: &str) -> bool {
    let first = line.split(['/', ' ']).next().unwrap_or(line);
    ADDED.contains(&first)
}

#[test]
fn an_engine_has_exactly_what_we_list() {
    let Ok(engines) = std::env::var("CAREEN_ENGINES") else {
        println!("skipped: CAREEN_ENGINES is not set");
        return;
    };
    for engine in engines.split(':').filter(|path| !path.is_empty()) {
        let address = format!("unix://{engine}");
        let connection = Connection::open(&Target::engine(&address)).unwrap();
        for case in CASES {
            let folder = tempfile::Builder::new().prefix("careen-context-").tempdir().unwrap();
            plant(folder.path(), case);
            let ground = Ground::of(&GatherRequest {
                root: folder.path().to_owned(),
                ..GatherRequest::default()
            });
            let dockerfile = folder.path().join("Dockerfile");
            let files = Arc::new(ContextFiles::new(folder.path(), &dockerfile));
            let tag = format!("careen-context-test:{}", std::process::id());
            let request = BuildRequest { tags: vec![tag.clone()], ..BuildRequest::default() };
            let mut sent = None;
            let built = careen_engine::build(
                &connection,
                &request,
                files,
                &mut |event| {
                    if let careen_model::What::Sent(transfer) = &event.what
                        && transfer.name == "context"
                    {
                        sent = Some(transfer.clone());
                    }
                },
                &CancelToken::new(),
            );
            built.unwrap_or_else(|err| panic!("{engine} {}: {err}", case.0));
            let expected = ours(&ground);
            let sent = sent.map(|transfer| transfer.entries);
            assert_eq!(sent, Some(expected.len() as u64), "{engine} {}", case.0);
            // Narrower copies put the files elsewhere; there the transfer is what is compared.
            if case.2 == ALL {
                let out = tempfile::tempdir().unwrap();
                let root = out.path().join("root");
                fs::create_dir(&root).unwrap();
                unpack(&address, &tag, &root);
                let mut found = Vec::new();
                theirs(&root, &root, &mut found);
                found.retain(|line| !is_added(line));
                found.sort();
                assert_eq!(found, expected, "{engine} {}", case.0);
            }
            connection.remove_image(&tag).unwrap();
        }
        println!("{engine}: {} cases ran", CASES.len());
    }
}
