//! A project in a folder of its own, and careen run in it with nothing of this machine's set-up.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;

use serde_json::Value;
use tempfile::TempDir;

/// Where no engine ever listens.
pub(crate) const NO_ENGINE: &str = "unix:///run/careen-no-engine/docker.sock";

/// A project with three things to fix, none of which needs an engine.
pub(crate) const SICK: &[(&str, &str)] = &[
    (
        "Dockerfile",
        "FROM python:3.11-slim\n\
         COPY . .\n\
         RUN apt-get update && apt-get install -y git\n\
         RUN pip install requests\n",
    ),
    (
        "pyproject.toml",
        "[project]\nname = \"demo\"\nversion = \"1\"\ndependencies = [\"requests\"]\n",
    ),
    ("src/demo.py", "print('demo')\n"),
    ("notes.txt", "to be kept\n"),
    (".git/HEAD", "ref: refs/heads/main\n"),
    (".venv/pyvenv.cfg", "home = /usr/bin\n"),
    ("node_modules/x/index.js", "1\n"),
];

/// `project/` with `home/` beside it, removed when dropped.
#[derive(Debug)]
pub(crate) struct Sandbox {
    folder: Rc<TempDir>,
    engine: String,
}

/// What a run of careen left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Run {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The code, and every piece of text somewhere in the output or the talk.
    #[track_caller]
    pub(crate) fn check(&self, code: i32, says: &[&str]) {
        for piece in says {
            let found = self.out.contains(piece) || self.err.contains(piece);
            assert!(found, "does not say {piece:?}\n{self}");
        }
        assert_eq!(self.code, Some(code), "{self}");
        assert!(!self.err.contains("panicked"), "{self}");
    }

    /// Standard output as the one JSON document it must be.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.out) {
            Ok(value) => value,
            Err(err) => panic!("standard output is not JSON: {err}\n{self}"),
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "code {:?}\n--- out\n{}\n--- err\n{}", self.code, self.out, self.err)
    }
}

impl Sandbox {
    pub(crate) fn new(files: &[(&str, &str)]) -> Sandbox {
        let folder = tempfile::Builder::new().prefix("careen-e2e-").tempdir();
        let folder = folder.expect("the folder for temporary files is writable");
        // Also another user may be asked to work in it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
            .expect("our own folder");
        let sandbox = Sandbox { folder: Rc::new(folder), engine: NO_ENGINE.to_owned() };
        for name in ["project", "home"] {
            fs::create_dir(sandbox.path(name)).expect("our own folder");
        }
        for (path, text) in files {
            sandbox.write(path, text.as_bytes());
        }
        sandbox
    }

    pub(crate) fn sick() -> Sandbox {
        Sandbox::new(SICK)
    }

    #[must_use]
    pub(crate) fn with_engine(mut self, address: impl Into<String>) -> Sandbox {
        self.engine = address.into();
        self
    }

    /// The same folder once more.
    pub(crate) fn beside(&self) -> Sandbox {
        Sandbox { folder: Rc::clone(&self.folder), engine: self.engine.clone() }
    }

    /// A name that no other test has, in letters that images allow.
    pub(crate) fn name(&self) -> String {
        let name = self.folder.path().file_name().expect("it was made with a name");
        name.to_string_lossy().to_lowercase()
    }

    /// A path beside the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// A file of the project, with the folders above it.
    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let path = self.project().join(path);
        let parent = path.parent().expect("a file lies in the project");
        fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes)).expect("our own folder");
    }

    /// careen in the project, not started yet.
    pub(crate) fn careen(&self, arguments: &[&str]) -> Command {
        self.command(Command::new(env!("CARGO_BIN_EXE_careen")), arguments)
    }

    /// Any program that runs careen with these arguments, in the project and its environment.
    pub(crate) fn command(&self, mut command: Command, arguments: &[&str]) -> Command {
        command
            .args(arguments)
            .current_dir(self.project())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_DATA_HOME", self.path("home/data"))
            .env("DOCKER_HOST", &self.engine)
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        finish(self.careen(arguments))
    }

    /// Everything in the project but careen's own folder.
    pub(crate) fn tree(&self) -> Tree {
        let mut tree = Tree::default();
        list(&self.project(), Path::new(""), &mut tree);
        tree
    }
}

#[track_caller]
pub(crate) fn finish(mut command: Command) -> Run {
    Run::of(&command.output().expect("careen runs"))
}

/// Mode, modification time and bytes of each path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(pub(crate) BTreeMap<PathBuf, (u32, (i64, i64), Vec<u8>)>);

impl Tree {
    /// The same without times.
    pub(crate) fn contents(&self) -> BTreeMap<&Path, (u32, &[u8])> {
        let entries = self.0.iter().filter(|(_, (mode, ..))| mode & 0o170_000 != 0o040_000);
        entries.map(|(path, (mode, _, bytes))| (path.as_path(), (*mode, &bytes[..]))).collect()
    }
}

fn list(root: &Path, folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(root.join(folder)).expect("our own folder") {
        let entry = entry.expect("our own folder");
        let path = folder.join(entry.file_name());
        if path == Path::new(".careen") {
            continue;
        }
        let meta = entry.metadata().expect("our own file");
        let bytes =
            if meta.is_file() { fs::read(entry.path()).expect("our own file") } else { Vec::new() };
        let is_folder = meta.is_dir();
        // A folder's time tells that something was written in it, which undo does as well.
        let time = if is_folder { (0, 0) } else { (meta.mtime(), meta.mtime_nsec()) };
        tree.0.insert(path.clone(), (meta.mode(), time, bytes));
        if is_folder {
            list(root, &path, tree);
        }
    }
}

/// Says why this machine cannot run a test.
pub(crate) fn skip(why: impl std::fmt::Display) {
    tell(format_args!("skipped: {why}"));
}

/// A figure or a reason for whoever reads the log of the tests.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn tell(what: impl std::fmt::Display) {
    eprintln!("{what}");
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a program is there and says so.
pub(crate) fn has(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A doctor's answer without what differs from one moment to the next on a busy machine.
pub(crate) fn settled(mut doctor: Value) -> Value {
    forget(&mut doctor);
    doctor
}

fn forget(value: &mut Value) {
    const MEASURED: &[&str] = &[
        "took_seconds",
        "seconds",
        "lookup_ns",
        "sync_ns",
        "warm_ns",
        "reference_ns",
        "ratio",
        "free_bytes",
        "free_inodes",
        "available_bytes",
        "load",
        "lookup_ms",
        "slower_than_home",
        "root_available_gb",
        "engine_available_gb",
        "walk_seconds",
        "impact",
    ];
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !MEASURED.contains(&key.as_str()));
            map.values_mut().for_each(forget);
        }
        Value::Array(list) => list.iter_mut().for_each(forget),
        _ => (),
    }
}
