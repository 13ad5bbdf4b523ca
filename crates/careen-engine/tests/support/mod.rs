//! What engine tests share: the engines to run against, files in memory, an image with a shell.

#![allow(dead_code, reason = "every test binary uses its own part of this module")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use careen_engine::{
    BuildRequest, Built, CancelToken, Connection, EngineError, FileSource, SyncEntry, SyncRequest,
    Target, build,
};
use careen_model::{BuildEvent, BuildRecord};

/// Runs `check` against every socket of `CAREEN_ENGINES` (paths, separated by colons).
pub(crate) fn on_each_engine(check: impl Fn(&Connection, &str)) {
    let Ok(sockets) = std::env::var("CAREEN_ENGINES") else {
        eprintln!("skipped: CAREEN_ENGINES is not set");
        return;
    };
    for socket in sockets.split(':').filter(|socket| !socket.is_empty()) {
        let target = Target::engine(&format!("unix://{socket}"));
        let connection = Connection::open(&target).unwrap_or_else(|err| panic!("{socket}: {err}"));
        check(&connection, socket);
    }
}

/// What a file of a test holds.
#[derive(Clone)]
pub(crate) enum Content {
    Text(Vec<u8>),
    /// A file of this machine.
    Host(PathBuf),
    /// `list` tells of it and `open` fails, as for mode 000.
    Unreadable,
    /// `list` tells another size than `open` gives.
    Changing {
        listed: u64,
        content: Vec<u8>,
    },
}

/// Folders in memory, by the name under which the builder asks for them.
#[derive(Clone, Default)]
pub(crate) struct Files {
    folders: BTreeMap<String, BTreeMap<String, (u32, Content)>>,
    pub(crate) opened: Arc<Mutex<Vec<String>>>,
}

impl Files {
    pub(crate) fn new(dockerfile: &str) -> Files {
        Files::default().with("dockerfile", "Dockerfile", dockerfile)
    }

    pub(crate) fn with(self, folder: &str, path: &str, text: &str) -> Files {
        self.put(folder, path, 0o644, Content::Text(text.as_bytes().to_vec()))
    }

    pub(crate) fn put(mut self, folder: &str, path: &str, mode: u32, content: Content) -> Files {
        let folder = self.folders.entry(folder.to_owned()).or_default();
        folder.insert(path.to_owned(), (mode, content));
        self
    }

    fn all(&self, name: &str) -> Vec<SyncEntry> {
        let Some(folder) = self.folders.get(name) else { return vec![] };
        let mut parents = BTreeSet::new();
        for path in folder.keys() {
            parents.extend(Path::new(path).ancestors().skip(1).map(Path::to_path_buf));
        }
        let folders = parents.iter().filter(|path| !path.as_os_str().is_empty()).map(|path| {
            (path.clone(), SyncEntry { mode: 0o040_755, mtime_ns: BASE_TIME, ..named(path) })
        });
        let files = folder.iter().map(|(path, (mode, content))| {
            let (size, mtime_ns) = match content {
                Content::Text(bytes) => (bytes.len() as u64, BASE_TIME + fingerprint(bytes)),
                Content::Host(path) => (path.metadata().unwrap().len(), BASE_TIME),
                Content::Unreadable => (5, BASE_TIME),
                Content::Changing { listed, content } => {
                    (*listed, BASE_TIME + fingerprint(content))
                }
            };
            let path = PathBuf::from(path);
            (path.clone(), SyncEntry { mode: 0o100_000 | mode, size, mtime_ns, ..named(&path) })
        });
        // Paths sort by component, a folder before what is in it.
        let sorted: BTreeMap<PathBuf, SyncEntry> = folders.chain(files).collect();
        sorted.into_values().collect()
    }
}

const BASE_TIME: i64 = 1_700_000_000_000_000_000;

/// Another content is another time, as on a disk.
fn fingerprint(bytes: &[u8]) -> i64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    i64::from(u32::try_from(hasher.finish() >> 32).unwrap())
}

fn named(path: &Path) -> SyncEntry {
    SyncEntry { path: path.to_str().unwrap().as_bytes().to_vec(), ..SyncEntry::default() }
}

impl FileSource for Files {
    fn list(&self, request: &SyncRequest) -> Result<Vec<SyncEntry>, String> {
        let wanted: Vec<&String> = request.include.iter().chain(&request.follow).collect();
        let wants = |entry: &SyncEntry| {
            let path = Path::new(std::str::from_utf8(&entry.path).unwrap());
            let is_wanted = |pattern: &&String| {
                let pattern = Path::new(pattern.trim_start_matches('/'));
                path.starts_with(pattern) || pattern.starts_with(path)
            };
            wanted.is_empty() || wanted.iter().any(is_wanted)
        };
        Ok(self.all(&request.name).into_iter().filter(wants).collect())
    }

    fn open(&self, name: &str, path: &[u8]) -> io::Result<Box<dyn Read + Send>> {
        let path = std::str::from_utf8(path).unwrap();
        self.opened.lock().unwrap().push(path.to_owned());
        let found = self.folders.get(name).and_then(|folder| folder.get(path));
        match found.map(|(_, content)| content) {
            Some(Content::Text(content) | Content::Changing { content, .. }) => {
                Ok(Box::new(Cursor::new(content.clone())))
            }
            Some(Content::Host(path)) => Ok(Box::new(fs::File::open(path)?)),
            Some(Content::Unreadable) => Err(io::ErrorKind::PermissionDenied.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Text that no build has seen, so that nothing of it is cached.
pub(crate) fn unique() -> String {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    format!("{}-{name}", std::process::id())
}

/// A build with everything it told.
pub(crate) struct Run {
    pub(crate) result: Result<Built, EngineError>,
    pub(crate) events: Vec<BuildEvent>,
    pub(crate) record: BuildRecord,
}

impl Run {
    pub(crate) fn image(&self) -> &str {
        let built = self.result.as_ref().unwrap_or_else(|err| panic!("{err}: {err:?}"));
        built.image_id.as_deref().unwrap_or_else(|| panic!("{built:?}"))
    }

    /// Whether every step of the Dockerfile came from the cache.
    pub(crate) fn steps(&self) -> (usize, usize) {
        self.record.run_and_cached()
    }
}

pub(crate) fn run(connection: &Connection, request: &BuildRequest, files: &Files) -> Run {
    run_with(connection, request, files, &CancelToken::new(), |_| {})
}

pub(crate) fn run_with(
    connection: &Connection,
    request: &BuildRequest,
    files: &Files,
    cancel: &CancelToken,
    mut also: impl FnMut(&BuildEvent),
) -> Run {
    let mut events = Vec::new();
    let mut record = BuildRecord::default();
    let mut on_event = |event: &BuildEvent| {
        also(event);
        record.apply(event);
        events.push(event.clone());
    };
    let result = build(connection, request, Arc::new(files.clone()), &mut on_event, cancel);
    Run { result, events, record }
}

/// A request with a name that no other test and no other person uses.
pub(crate) fn request(name: &str) -> BuildRequest {
    BuildRequest {
        tags: vec![format!("careen-engine-test/{name}:latest")],
        shared_key: format!("careen-engine-test-{name}"),
        ..BuildRequest::default()
    }
}

/// An image with a shell; its name goes when this is dropped.
pub(crate) struct ShellImage {
    connection: Connection,
    name: String,
}

impl std::fmt::Display for ShellImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Drop for ShellImage {
    fn drop(&mut self) {
        let _ = self.connection.remove_image(&self.name);
    }
}

/// An image for one test with `sh`, `cat`, `id`, `sleep` and `head` of this machine and the
/// libraries they need: nothing has to be pulled.
pub(crate) fn shell_image(connection: &Connection, test: &str) -> ShellImage {
    let mut files = Files::new("FROM scratch\nCOPY . /\nENV PATH=/bin GREETING=hello\n");
    files =
        files.with("context", "etc/passwd", "root:x:0:0::/:/bin/sh\nme:x:1000:1000::/:/bin/sh\n");
    // 20.10 needs it to run as a named user.
    files = files.with("context", "etc/group", "root:x:0:\nme:x:1000:\n");
    files = files.with("context", "tmp/.keep", "");
    for tool in ["sh", "cat", "id", "sleep", "head"] {
        let path = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(tool));
        let path = path.iter().find(|path| path.exists()).unwrap().canonicalize().unwrap();
        let listed = Command::new("ldd").arg(&path).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        files = files.put("context", &format!("bin/{tool}"), 0o755, Content::Host(path));
        for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
            let real = Path::new(library).canonicalize().unwrap();
            let inside = library.trim_start_matches('/');
            files = files.put("context", inside, 0o755, Content::Host(real));
        }
    }
    let mut request = request(&format!("shell-{test}"));
    "careen-engine-test-shell".clone_into(&mut request.shared_key);
    run(connection, &request, &files).image();
    ShellImage { connection: connection.clone(), name: request.tags.remove(0) }
}
