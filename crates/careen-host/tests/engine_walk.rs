//! What a real engine finds in an image after `COPY . /`, compared with our listing.
//!
//! Runs against every socket in `CAREEN_ENGINES` with the `docker` client in `PATH`, which must
//! have buildx, because the client's walker is the one that is compared.

#![expect(clippy::unwrap_used, reason = "a test that cannot build should stop")]
#![expect(clippy::print_stdout, reason = "a test says what it ran")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use careen_host::walk::{WalkRequest, walk};

/// `folder/`, `file`, `link -> target`; each file holds its own path.
const TREE: &[&str] = &[
    ".env",
    ".git/HEAD",
    ".git/objects/ab/cd",
    ".venv/lib/site/x.py",
    ".venv/lib/site/x.so",
    "README.md",
    "a b/c d.txt",
    "a.b/x",
    "data/raw/1.bin",
    "dangling -> nowhere",
    "deep/1/2/3/4/5/6/7/8/leaf.py",
    "empty/",
    "foo/bar/keep.txt",
    "foo/bar/other.txt",
    "foobar",
    "link -> src",
    "node_modules/m/index.js",
    "p/node_modules/m/index.js",
    "src/__pycache__/a.pyc",
    "src/a.py",
    "src/sub/c.py",
    "src/[x].txt",
    "src/{a,b}.js",
    "tests/t.py",
    "ünï/ö.txt",
];

const IGNORE: &[&str] = &[
    "",
    "*\n!**/*.py\n.venv\n",
    "*\n!src\n",
    "*\n!foo/bar/keep.txt\n",
    "foo\n!foo/bar\nfoo/bar/other.txt\n",
    "**/node_modules\n**/__pycache__\n",
    "node_modules/\n*.md\n.git\n",
    "src/[x].txt\n",
    "src/*.{a,b}\nsrc/{a,b}.js\n",
    "foo|bar*\n",
    "**.py\n!src/a.py\n",
    "a\\sb\n",
    "**/*.py\n!**/c.py\ndeep\n",
    "*\n!*/\n",
    "/foo/\n\u{a0}data\n",
    "*\n!link\n!dangling\n",
    "ünï\n",
    "**\n!deep/**/leaf.py\n",
    "src\n!src/sub/../a.py\n",
    "f*\n!foo*\n",
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

/// The listing as `path kind-or-size`, in order of path.
fn ours(root: &Path, patterns: Vec<String>) -> Vec<String> {
    let request =
        WalkRequest { root: root.to_owned(), exclude: patterns, ..WalkRequest::default() };
    let mut lines = Vec::new();
    walk(&request).unwrap().for_each(|path, view| {
        let what = match view.link {
            Some(target) => format!("-> {}", String::from_utf8_lossy(target)),
            None if view.is_folder() => "folder".to_owned(),
            None if view.zero_byte => "0".to_owned(),
            None => view.size.to_string(),
        };
        lines.push(format!("{} {what}", String::from_utf8_lossy(path)));
    });
    lines.sort();
    lines
}

/// The same for a folder that the engine wrote.
fn theirs(root: &Path, below: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let what = if metadata.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if metadata.is_dir() {
            theirs(root, &path, lines);
            "folder".to_owned()
        } else {
            metadata.len().to_string()
        };
        lines.push(format!("{} {what}", path.strip_prefix(root).unwrap().display()));
    }
}

fn docker(socket: &str) -> Command {
    let mut command = Command::new("docker");
    command.env("DOCKER_HOST", format!("unix://{socket}")).env("DOCKER_BUILDKIT", "1");
    command
}

fn has_buildx(socket: &str) -> bool {
    let mut command = docker(socket);
    let status = command.args(["buildx", "version"]).stdout(Stdio::null()).stderr(Stdio::null());
    status.status().is_ok_and(|status| status.success())
}

fn build(socket: &str, context: &Path, dockerfile: &Path) -> Vec<String> {
    let out = tempfile::tempdir().unwrap();
    let output = docker(socket)
        .args(["build", "--quiet", "--output"])
        .arg(format!("type=local,dest={}", out.path().display()))
        .arg("--file")
        .arg(dockerfile)
        .arg(context)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut lines = Vec::new();
    theirs(out.path(), out.path(), &mut lines);
    lines.sort();
    lines
}

#[test]
fn the_engine_finds_exactly_our_listing() {
    let Some(engines) = std::env::var_os("CAREEN_ENGINES") else {
        println!("skipped: CAREEN_ENGINES is not set");
        return;
    };
    let engines = engines.into_string().unwrap();
    for socket in engines.split(':').filter(|socket| !socket.is_empty()) {
        if !has_buildx(socket) {
            println!("skipped {socket}: the docker client in PATH has no buildx");
            continue;
        }
        let mut built = 0;
        for text in IGNORE {
            let context = tempfile::Builder::new().prefix("careen-ignore-").tempdir().unwrap();
            let beside = tempfile::tempdir().unwrap();
            plant(context.path());
            let dockerfile = beside.path().join("Dockerfile");
            fs::write(&dockerfile, "FROM scratch\nCOPY . /\n").unwrap();
            fs::write(beside.path().join("Dockerfile.dockerignore"), text).unwrap();
            let patterns = careen_syntax::ignore::read(text.as_bytes()).patterns;
            let expected = ours(context.path(), patterns);
            if expected.is_empty() {
                continue;
            }
            let found = build(socket, context.path(), &dockerfile);
            assert_eq!(expected, found, "{socket} {text:?}");
            built += 1;
        }
        println!("{socket}: {built} cases ran");
    }
}

/// The client gives up the second source through a link; this is today's answer, and it is wrong.
#[test]
fn the_engine_misses_the_second_source_through_a_link() {
    let Some(engines) = std::env::var_os("CAREEN_ENGINES") else {
        println!("skipped: CAREEN_ENGINES is not set");
        return;
    };
    let engines = engines.into_string().unwrap();
    let context = tempfile::Builder::new().prefix("careen-ignore-").tempdir().unwrap();
    fs::create_dir(context.path().join("dir")).unwrap();
    fs::write(context.path().join("dir/a"), "a").unwrap();
    fs::write(context.path().join("dir/b"), "b").unwrap();
    symlink("dir", context.path().join("link")).unwrap();
    let dockerfile = "FROM scratch\nCOPY link/a /a\nCOPY link/b /b\n";
    fs::write(context.path().join("Dockerfile"), dockerfile).unwrap();
    for socket in engines.split(':').filter(|socket| !socket.is_empty()) {
        if !has_buildx(socket) {
            println!("skipped {socket}: the docker client in PATH has no buildx");
            continue;
        }
        let output = docker(socket)
            .args(["build", "--quiet", "--output", "type=cacheonly"])
            .arg(context.path())
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        let is_missed = message.contains("\"/link/b\"") && message.contains("not found");
        assert!(!output.status.success() && is_missed, "{socket}: {message}");
    }
}
