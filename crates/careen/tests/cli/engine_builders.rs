//! What other builders are sent, against the real ones: the classic builder of both generations and
//! BuildKit with the client of Docker 20.10, entry for entry and byte for byte.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::engine_hazards_lab::{Lab, on_each_engine, sent};
use crate::sandbox::{Run, finish, tell};

/// `folder/`, `file`, `link -> target`; each file holds its own path.
const TREE: &[&str] = &[
    ".env",
    ".git/HEAD",
    ".venv/lib/x.py",
    ".venv/lib/x.so",
    "README.md",
    "a b/c d.txt",
    "a.b/x",
    "c++/main.c++",
    "dangling -> nowhere",
    "deep/1/2/3/leaf.py",
    "empty/",
    "foo/bar/keep.txt",
    "foo/bar/other.txt",
    "foobar",
    "g/.py",
    "link -> src",
    "node_modules/m/index.js",
    "p/node_modules/m/index.js",
    "src/__pycache__/a.pyc",
    "src/a.py",
    "src/sub/c.py",
    "src/[x].txt",
    "src/{a,b}.js",
    "tests/t.py",
    "x(1).txt",
    "ünï/ö.txt",
];

const IGNORE: &[&str] = &[
    "",
    "*\n!**/*.py\n.venv\n",
    "*\n!src\n",
    "*\n!src/\n!foo/bar/keep.txt\n",
    "*\n!foo/bar/keep.txt\n",
    "foo\n!foo/bar\nfoo/bar/other.txt\n",
    "**/node_modules\n**/__pycache__\n",
    "node_modules/\n*.md\n.git\n",
    "src/[x].txt\n",
    "foo|bar*\n",
    "**.py\n!src/a.py\n",
    "a\\sb\n",
    "**/*.py\n!**/c.py\ndeep\n",
    "*\n!*/\n",
    "*\n!link\n!dangling\n",
    "ünï\n",
    "**\n!deep/**/leaf.py\n",
    "f*\n!foo*\n",
    "x(1).txt\n",
    "src/*.{a,b}\nsrc/{a,b}.js\n",
    "*/*/*\n!deep/1/2\n",
    "deep/1\n!deep/1/2/3\n",
    "**/bar\n!foo/bar/keep.txt\n",
    "Dockerfile\n.dockerignore\n",
];

fn plant(root: &Path) {
    for line in TREE {
        let (path, target) = line.split_once(" -> ").map_or((*line, None), |(p, t)| (p, Some(t)));
        let full = root.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        match target {
            Some(target) => symlink(target, &full).unwrap(),
            None if path.ends_with('/') => fs::create_dir_all(&full).unwrap(),
            None => fs::write(&full, path).unwrap(),
        }
    }
    fs::hard_link(root.join("src/a.py"), root.join("src/again.py")).unwrap();
}

fn paths(root: &Path, below: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        if path.is_dir() && !path.is_symlink() {
            paths(root, &path, found);
        }
    }
}

/// The image of a build with the classic builder, unpacked; `None` when the build was refused.
fn classic(lab: &Lab) -> Option<BTreeSet<String>> {
    let image = format!("{}:classic", lab.sandbox.name());
    let mut build = lab.docker(&["build", "-q", "-t", &image, "."]);
    build.env("DOCKER_BUILDKIT", "0");
    let run = finish(build);
    if run.code != Some(0) {
        return None;
    }
    let made = finish(lab.docker(&["create", &image, "none"]));
    assert_eq!(made.code, Some(0), "{made}");
    let id = made.out.trim();
    let out = lab.out();
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).unwrap();
    let mut export = lab.docker(&["export", id]).stdout(Stdio::piped()).spawn().unwrap();
    let archive = export.stdout.take().unwrap();
    let mut tar = Command::new("tar");
    assert!(tar.arg("-x").arg("-C").arg(&out).stdin(archive).status().unwrap().success());
    assert!(export.wait().unwrap().success());
    finish(lab.docker(&["rm", id]));
    finish(lab.docker(&["image", "rm", &image]));
    let mut found = BTreeSet::new();
    paths(&out, &out, &mut found);
    // What an export adds to every container (moby `initlayer`).
    let is_added = |path: &String| {
        let first = path.split('/').next().unwrap_or(path);
        [".dockerenv", "dev", "etc", "proc", "sys"].contains(&first)
    };
    found.retain(|path| !is_added(path));
    Some(found)
}

fn buildkit(lab: &Lab) -> Option<BTreeSet<String>> {
    let run = lab.build();
    if run.code != Some(0) {
        return None;
    }
    let mut found = BTreeSet::new();
    paths(&lab.out(), &lab.out(), &mut found);
    Some(found)
}

fn listed(lab: &Lab, builder: &str) -> Run {
    finish(lab.careen(&["context", "--list", "--all", "--builder", builder]))
}

/// Compares one case; the image may hold folders that were made only to hold others.
fn check(lab: &Lab, builder: &str, text: &str, found: Option<&BTreeSet<String>>) {
    let run = listed(lab, builder);
    let expected: BTreeSet<String> = run.out.lines().map(str::to_owned).collect();
    let Some(found) = found else {
        let document = finish(lab.careen(&["context", "--builder", builder, "--format", "json"]));
        let problems = &document.json()["context"]["ignore_file"]["problems"];
        let says = problems.as_array().unwrap().iter().any(|problem| problem["fatal"] == true);
        // An empty context is refused too: there is nothing to copy.
        assert!(says || expected.is_empty(), "{builder} {text:?}: refused\n{run}");
        return;
    };
    let is_above = |path: &str| {
        let below = format!("{path}/");
        expected.iter().any(|other| other.starts_with(&below))
    };
    let extra: Vec<_> = found.difference(&expected).filter(|path| !is_above(path)).collect();
    // The classic builder takes its own files away again where the ignore file has them.
    let is_own = |path: &&String| {
        builder.starts_with("classic") && ["Dockerfile", ".dockerignore"].contains(&path.as_str())
    };
    let missing: Vec<_> = expected.difference(found).filter(|path| !is_own(path)).collect();
    assert!(
        extra.is_empty() && missing.is_empty(),
        "{} {builder} {text:?}: only theirs {extra:?}, only ours {missing:?}",
        lab.name
    );
}

#[test]
fn an_engine_gets_from_other_clients_what_is_listed_for_them() {
    on_each_engine(&[("Dockerfile", "FROM scratch\nCOPY . /\n")], |lab| {
        plant(&lab.project());
        let is_old = !lab.has_buildx();
        let mut compared = 0;
        for text in IGNORE {
            lab.sandbox.write(".dockerignore", text.as_bytes());
            let name = if is_old { "classic-20.10" } else { "classic" };
            let found = classic(lab);
            compared += usize::from(found.is_some());
            check(lab, name, text, found.as_ref());
            let name = if is_old { "buildkit-20.10" } else { "buildkit" };
            let found = buildkit(lab);
            compared += usize::from(found.is_some());
            check(lab, name, text, found.as_ref());
        }
        tell(format_args!("{}: {compared} images compared", lab.name));
        assert!(compared > IGNORE.len(), "{}: {compared}", lab.name);
    });
}

/// Files of 1, 2, 4, … MB: the sum tells which of them were sent.
#[test]
fn an_engine_gets_from_other_clients_the_bytes_that_are_told() {
    let copies: &[(&str, &str)] = &[
        ("", "a/1"),
        ("", "a/1 b/2"),
        ("", "*/2"),
        ("", "link/3"),
        ("", "a"),
        ("", "a*/1"),
        ("b\n", "a/1 c/3"),
        ("*\n!a/1\n", "a/1"),
        ("*\n!b\n", "b*"),
        ("", "."),
    ];
    on_each_engine(&[], |lab| {
        let files = ["a/1", "b/2", "c/3", "ab/1", "a/2"];
        for (i, path) in files.iter().enumerate() {
            lab.sandbox.write(path, b"");
            let file = File::options().write(true).open(lab.project().join(path)).unwrap();
            file.set_len(1_000_000 << i).unwrap();
        }
        symlink("c", lab.project().join("link")).unwrap();
        let name = if lab.has_buildx() { "buildkit" } else { "buildkit-20.10" };
        for (round, (ignore, sources)) in copies.iter().enumerate() {
            lab.sandbox.write(".dockerignore", ignore.as_bytes());
            let dockerfile = format!("FROM scratch\nCOPY {sources} /\n");
            lab.sandbox.write("Dockerfile", dockerfile.as_bytes());
            // New times, so that everything is sent again.
            for path in files {
                let file = File::options().write(true).open(lab.project().join(path)).unwrap();
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(round as u64);
                file.set_modified(time).unwrap();
            }
            let told = finish(lab.careen(&["context", "--builder", name, "--format", "json"]));
            let told = told.json()["context"]["sent"]["bytes"].as_f64().unwrap();
            let sent = sent(&lab.build());
            // Three digits are told, and each entry adds some bytes.
            let is_equal = (sent - told).abs() <= 2e3 + told * 5e-3;
            assert!(is_equal, "{} {ignore:?} {sources}: told {told}, sent {sent}", lab.name);
        }
    });
}

#[test]
fn an_engine_teaches_what_its_transfers_take() {
    on_each_engine(&[("Dockerfile", "FROM scratch\nCOPY . /\n")], |lab| {
        for i in 0..3000 {
            lab.sandbox.write(format!("src/{}/{i}.txt", i % 30), format!("{i}").as_bytes());
        }
        let answer = || finish(lab.careen(&["context", "--format", "json"])).json();
        assert!(answer()["calibration"].is_null());
        let image = format!("{}:calibration", lab.sandbox.name());
        let build = || {
            let run = finish(lab.careen(&["build", "-t", &image]));
            assert_eq!(run.code, Some(0), "{}\n{run}", lab.name);
        };
        build();
        build();
        let told = answer();
        let found = &told["calibration"];
        let engine = found["engine"].as_str().unwrap();
        assert!(lab.name.contains(engine.trim_start_matches("unix://")), "{found}");
        assert_eq!(found["transfers"], 2);
        assert!(found["first_factor"].as_f64().unwrap() > 0.0, "{found}");
        assert!(found["repeated_factor"].as_f64().unwrap() > 0.0, "{found}");
        let text = finish(lab.careen(&["context"])).out;
        assert!(text.contains("(from 2 transfers to this engine"), "{text}");
        // Only told: a busy machine is no measure.
        build();
        let history = lab.sandbox.path("home/data/careen/history.db");
        let history = careen_run::history::History::open_for_reading(&history).unwrap();
        let measured = history.transfers(None).unwrap();
        tell(format_args!(
            "{}: unchanged {:.2} s after a prediction of {}; factors {} and {}",
            lab.name,
            measured[0].seconds,
            told["repeated_transfer"]["seconds"],
            found["first_factor"],
            found["repeated_factor"],
        ));
        finish(lab.docker(&["image", "rm", &image]));
    });
}
