//! Measures a fully cached build of 12 steps against `docker build` and `docker buildx build`.
//!
//! Usage: `cached_build SOCKET FOLDER [docker-program]` where FOLDER holds a Dockerfile and files.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring tool")]

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use careen_engine::{
    BuildRequest, CancelToken, Connection, EngineHistory, FileSource, SyncEntry, SyncRequest,
    Target, build,
};

struct Folder(PathBuf);

impl Folder {
    fn walk(&self, folder: &Path, wanted: &SyncRequest, entries: &mut Vec<SyncEntry>) {
        let mut names: Vec<_> =
            fs::read_dir(self.0.join(folder)).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        for name in names {
            let path = folder.join(name);
            let patterns = wanted.include.iter().chain(&wanted.follow);
            let mut patterns = patterns.map(|p| Path::new(p.trim_start_matches('/'))).peekable();
            if patterns.peek().is_some()
                && !patterns.any(|p| path.starts_with(p) || p.starts_with(&path))
            {
                continue;
            }
            let found = fs::symlink_metadata(self.0.join(&path)).unwrap();
            entries.push(SyncEntry {
                path: path.to_str().unwrap().as_bytes().to_vec(),
                mode: found.mode(),
                size: if found.is_file() { found.len() } else { 0 },
                mtime_ns: found.mtime() * 1_000_000_000 + found.mtime_nsec(),
                ..SyncEntry::default()
            });
            if found.is_dir() {
                self.walk(&path, wanted, entries);
            }
        }
    }
}

impl FileSource for Folder {
    fn list(&self, wanted: &SyncRequest) -> Result<Vec<SyncEntry>, String> {
        let mut entries = Vec::new();
        self.walk(Path::new(""), wanted, &mut entries);
        Ok(entries)
    }

    fn open(&self, _: &str, path: &[u8]) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.0.join(std::str::from_utf8(path).unwrap()))?))
    }
}

fn median(name: &str, mut once: impl FnMut()) -> Duration {
    once();
    let mut times: Vec<Duration> = (0..7)
        .map(|_| {
            let started = Instant::now();
            once();
            started.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{name:<24} median {:>7.1} ms  ({:.1} to {:.1})",
        times[3].as_secs_f64() * 1e3,
        times[0].as_secs_f64() * 1e3,
        times[6].as_secs_f64() * 1e3
    );
    times[3]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let socket = format!("unix://{}", arguments[0]);
    let folder = PathBuf::from(&arguments[1]);
    let native = |history: EngineHistory| {
        let connection = Connection::open(&Target::engine(&socket)).unwrap();
        let request = BuildRequest {
            tags: vec!["careen-engine-bench:latest".into()],
            shared_key: "careen-engine-bench".into(),
            history,
            ..BuildRequest::default()
        };
        let files = Arc::new(Folder(folder.clone()));
        build(&connection, &request, files, &mut |_| {}, &CancelToken::new())
            .unwrap()
            .image_id
            .unwrap()
    };
    let ours = median("careen", || drop(native(EngineHistory::Keep)));
    median("careen without history", || drop(native(EngineHistory::Skip)));
    println!("image {}", native(EngineHistory::Keep));
    let Some(docker) = arguments.get(2) else { return };
    let cli = |words: &[&str]| {
        let mut command = Command::new(docker);
        command.args(words).args(["-t", "careen-engine-bench-cli:latest"]).arg(&folder);
        let status = command
            .env("DOCKER_HOST", &socket)
            .env("DOCKER_BUILDKIT", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{words:?}");
    };
    let connection = Connection::open(&Target::engine(&socket)).unwrap();
    let kinds: [&[&str]; 3] =
        [&["build"], &["buildx", "build"], &["buildx", "build", "--provenance=false"]];
    for words in kinds {
        let theirs = median(&words.join(" "), || cli(words));
        println!("  ratio {:.2}", theirs.as_secs_f64() / ours.as_secs_f64());
        println!("image {}", connection.image("careen-engine-bench-cli:latest").unwrap().id);
    }
    for name in ["careen-engine-bench:latest", "careen-engine-bench-cli:latest"] {
        let _ = connection.remove_image(name);
    }
}
