//! File sync: tells the builder what files there are and sends the ones it asks for.
//!
//! The builder keeps a copy of the context and asks only for what changed. A file that cannot be
//! read ends the build with a sentence; the Docker client would send it empty, and the image would
//! hold an empty file (verified; fsutil `send.go` drops the error).

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::FileSync;
use careen_model::Transfer;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, values};

/// Files are read by this many threads at once, as fsutil's sender does.
const READERS: usize = 4;
/// Size of the pieces in which a file is sent. One file of 300 MB took 2.2 s in pieces of 32 KiB,
/// 0.85 s of 128 KiB and 1.9 s of 1 MiB (measured on 28.5, medians of 3, machine under load).
const PIECE: usize = 128 << 10;
/// Packets that may wait for the connection: with `PIECE` a bound of 8 MiB.
const WAITING: usize = 64;

/// What the builder wants to know of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRequest {
    /// `context`, `dockerfile`, or the name of a named context.
    pub name: String,
    /// Patterns of what is wanted; empty means everything.
    pub include: Vec<String>,
    /// Patterns of what is not wanted, in the syntax of `.dockerignore`.
    pub exclude: Vec<String>,
    /// Paths that are wanted together with what their symbolic links point to.
    pub follow: Vec<String>,
}

/// One file, folder or link, as `lstat` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncEntry {
    /// Relative to the folder, with `/`.
    pub path: Vec<u8>,
    /// `st_mode`, with the type of the file. Owners are not sent: the builder uses root.
    pub mode: u32,
    /// Bytes; of regular files only.
    pub size: u64,
    /// Nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Target of a symbolic link, or the earlier path of a hard link.
    pub link: Vec<u8>,
    pub device_major: u32,
    pub device_minor: u32,
    /// Extended attributes that belong into the image, such as `security.capability`.
    pub attributes: Vec<(String, Vec<u8>)>,
}

/// The files of a build. Calls come from several threads.
pub trait FileSource: Send + Sync {
    /// The entries of a folder that the request wants, sorted by path component, a folder before
    /// what is in it. An error is a sentence that ends the build.
    fn list(&self, request: &SyncRequest) -> Result<Vec<SyncEntry>, String>;

    /// The content of a regular file that `list` told of.
    fn open(&self, name: &str, path: &[u8]) -> io::Result<Box<dyn Read + Send>>;
}

/// Accounts of all transfers of a session, and why one was refused.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    rows: Mutex<BTreeMap<String, Transfer>>,
    refused: Mutex<Option<String>>,
    changed: AtomicBool,
}

impl Ledger {
    fn change(&self, name: &str, change: impl FnOnce(&mut Transfer)) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows
            .entry(name.to_owned())
            .or_insert_with(|| Transfer { name: name.to_owned(), ..Transfer::default() });
        change(row);
        self.changed.store(true, Ordering::Release);
    }

    fn refuse(&self, reason: String) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get_or_insert(reason);
    }

    /// The first reason why the context could not be sent.
    pub(crate) fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All rows, if one changed since the last call.
    pub(crate) fn news(&self) -> Vec<Transfer> {
        if !self.changed.swap(false, Ordering::AcqRel) {
            return vec![];
        }
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.values().cloned().collect()
    }
}

#[derive(Clone)]
pub(super) struct Files {
    pub(super) source: Arc<dyn FileSource>,
    pub(super) ledger: Arc<Ledger>,
    /// What the builder says before the names of folders.
    pub(super) mark: String,
}

type Sender = mpsc::Sender<Result<Packet, Status>>;

#[tonic::async_trait]
impl FileSync for Files {
    type DiffCopyStream = Answers<Packet>;
    type TarStreamStream = Answers<Packet>;

    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("tar stream"))
    }

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let metadata = request.metadata();
        let name = values(metadata, "dir-name").pop().unwrap_or_default();
        let wanted = SyncRequest {
            name: name.strip_prefix(&self.mark).unwrap_or(&name).to_owned(),
            include: values(metadata, "include-patterns"),
            exclude: values(metadata, "exclude-patterns"),
            follow: values(metadata, "followpaths"),
        };
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(self.clone().answer(wanted, request.into_inner(), sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// What the readers share for one folder.
struct Folder {
    files: Files,
    /// Name for `FileSource`.
    name: String,
    /// Name in the accounts.
    row: String,
    entries: Vec<SyncEntry>,
}

impl Files {
    async fn answer(self, wanted: SyncRequest, mut asked: Streaming<Packet>, sender: Sender) {
        let source = self.source.clone();
        let request = wanted.clone();
        let listed = tokio::task::spawn_blocking(move || {
            let entries = source.list(&request)?;
            check(&entries)?;
            Ok(entries)
        });
        let listed = listed.await.unwrap_or_else(|err| Err(format!("the walk stopped: {err}")));
        let entries = match listed {
            Ok(entries) => entries,
            Err(reason) => return self.refuse(reason, &sender).await,
        };
        let row = row_of(&wanted);
        self.ledger.change(&row, |row| row.entries += entries.len() as u64);
        let folder = Arc::new(Folder { files: self, name: wanted.name, row, entries });
        tokio::spawn(tell(folder.clone(), sender.clone()));

        let (queue, waiting) = std::sync::mpsc::channel::<u32>();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = 0;
        while let Ok(Some(packet)) = asked.message().await {
            match PacketType::try_from(packet.r#type) {
                Ok(PacketType::PacketReq) => {
                    if readers < READERS {
                        readers += 1;
                        let (folder, waiting) = (folder.clone(), waiting.clone());
                        let sender = sender.clone();
                        tokio::task::spawn_blocking(move || read(&folder, &waiting, &sender));
                    }
                    // Fails only when every reader has gone, which a refusal explains.
                    let _ = queue.send(packet.id);
                }
                Ok(PacketType::PacketFin) => {
                    let _ = sender.send(Ok(plain(PacketType::PacketFin))).await;
                    return;
                }
                Ok(PacketType::PacketErr) => return,
                _ => {}
            }
        }
    }

    async fn refuse(&self, reason: String, sender: &Sender) {
        self.ledger.refuse(reason.clone());
        let _ = sender.send(Ok(refusal(reason))).await;
    }
}

/// The `.dockerignore` is fetched by a sync of its own under the name of the context; it would
/// hide what the context itself sends.
fn row_of(wanted: &SyncRequest) -> String {
    let only_ignore =
        |list: &[String]| !list.is_empty() && list.iter().all(|p| p == ".dockerignore");
    if only_ignore(&wanted.include) || (wanted.include.is_empty() && only_ignore(&wanted.follow)) {
        return "dockerignore".to_owned();
    }
    wanted.name.clone()
}

/// The wire carries names as UTF-8 only; the engine would stop with "invalid UTF-8" and no name.
fn check(entries: &[SyncEntry]) -> Result<(), String> {
    let odd = entries.iter().find(|entry| {
        std::str::from_utf8(&entry.path).is_err() || std::str::from_utf8(&entry.link).is_err()
    });
    match odd {
        None => Ok(()),
        Some(entry) => Err(format!(
            "the name of {} is not UTF-8, which BuildKit cannot take",
            entry.path.escape_ascii()
        )),
    }
}

/// Tells every entry, then that this was all.
async fn tell(folder: Arc<Folder>, sender: Sender) {
    for entry in &folder.entries {
        let packet = Packet { stat: Some(stat(entry)), ..plain(PacketType::PacketStat) };
        if sender.send(Ok(packet)).await.is_err() {
            return;
        }
    }
    let _ = sender.send(Ok(plain(PacketType::PacketStat))).await;
}

/// Serves requests until there are no more, or one cannot be served.
fn read(folder: &Folder, waiting: &Mutex<std::sync::mpsc::Receiver<u32>>, sender: &Sender) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(id) = next else { return };
        let Some(entry) = folder.entries.get(id as usize) else { continue };
        match send_file(folder, id, entry, sender) {
            Ok(()) => {}
            Err(Stopped::Gone) => return,
            Err(Stopped::Unreadable(err)) => {
                let path = String::from_utf8_lossy(&entry.path);
                let reason = format!("{path}: {err}");
                folder.files.ledger.change(&folder.row, |row| row.faults.push(reason.clone()));
                folder.files.ledger.refuse(reason.clone());
                let _ = sender.blocking_send(Ok(refusal(reason)));
                return;
            }
        }
    }
}

enum Stopped {
    /// The builder wants no more.
    Gone,
    Unreadable(io::Error),
}

fn send_file(folder: &Folder, id: u32, entry: &SyncEntry, sender: &Sender) -> Result<(), Stopped> {
    let mut file =
        folder.files.source.open(&folder.name, &entry.path).map_err(Stopped::Unreadable)?;
    let mut sent = 0_u64;
    loop {
        // One byte more than expected notices a file that grew, without a second read.
        let left = entry.size.saturating_sub(sent).saturating_add(1);
        let room = usize::try_from(left).unwrap_or(PIECE).clamp(512, PIECE);
        let data = read_piece(&mut file, room).map_err(Stopped::Unreadable)?;
        let n = data.len() as u64;
        // A short piece is the last one; an empty packet then says that the file is complete.
        let is_last = data.len() < room;
        for data in [Some(data).filter(|data| !data.is_empty()), is_last.then(Vec::new)] {
            let Some(data) = data else { continue };
            let packet = Packet { id, data, ..plain(PacketType::PacketData) };
            sender.blocking_send(Ok(packet)).map_err(|_| Stopped::Gone)?;
        }
        sent += n;
        folder.files.ledger.change(&folder.row, |row| row.bytes += n);
        if is_last {
            break;
        }
    }
    folder.files.ledger.change(&folder.row, |row| {
        row.files += 1;
        if sent != entry.size {
            let path = String::from_utf8_lossy(&entry.path);
            row.faults.push(format!(
                "{path} changed while it was sent: {} bytes listed, {sent} sent",
                entry.size
            ));
        }
    });
    Ok(())
}

/// Up to `room` bytes; fewer only at the end of the file, none after it.
fn read_piece(file: &mut Box<dyn Read + Send>, room: usize) -> io::Result<Vec<u8>> {
    let mut data = vec![0; room];
    let mut filled = 0;
    while filled < room {
        match file.read(&mut data[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    data.truncate(filled);
    Ok(data)
}

fn plain(kind: PacketType) -> Packet {
    Packet { r#type: kind as i32, ..Packet::default() }
}

fn refusal(reason: String) -> Packet {
    Packet { data: reason.into_bytes(), ..plain(PacketType::PacketErr) }
}

fn stat(entry: &SyncEntry) -> Stat {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Stat {
        path: text(&entry.path),
        mode: go_mode(entry.mode),
        uid: 0,
        gid: 0,
        size: i64::try_from(entry.size).unwrap_or(i64::MAX),
        mod_time: entry.mtime_ns,
        linkname: text(&entry.link),
        devmajor: i64::from(entry.device_major),
        devminor: i64::from(entry.device_minor),
        xattrs: entry.attributes.iter().cloned().collect(),
    }
}

/// `st_mode` as Go's `os.FileMode`, which is what the wire carries.
fn go_mode(mode: u32) -> u32 {
    const TYPE: u32 = 0o170_000;
    let kind = match mode & TYPE {
        0o040_000 => 1 << 31,
        0o120_000 => 1 << 27,
        0o060_000 => 1 << 26,
        0o010_000 => 1 << 25,
        0o140_000 => 1 << 24,
        0o020_000 => (1 << 26) | (1 << 21),
        _ => 0,
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let special = special.iter().filter(|(unix, _)| mode & unix != 0).map(|(_, go)| go);
    (mode & 0o777) | kind | special.sum::<u32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_gos() {
        for (unix, go) in [
            (0o100_644, 0o644),
            (0o040_755, (1 << 31) | 0o755),
            (0o120_777, (1 << 27) | 0o777),
            (0o104_755, (1 << 23) | 0o755),
            (0o041_777, (1 << 31) | (1 << 20) | 0o777),
            (0o020_666, (1 << 26) | (1 << 21) | 0o666),
        ] {
            assert_eq!(go_mode(unix), go, "{unix:o}");
        }
    }

    #[test]
    fn names_that_the_wire_cannot_carry_are_refused_by_name() {
        let entry = |path: &[u8]| SyncEntry { path: path.to_vec(), ..SyncEntry::default() };
        assert_eq!(check(&[entry("é".as_bytes())]), Ok(()));
        assert_eq!(
            check(&[entry(b"ok"), entry(b"caf\xe9")]).unwrap_err(),
            "the name of caf\\xe9 is not UTF-8, which BuildKit cannot take"
        );
    }

    #[test]
    fn the_ignore_file_does_not_count_as_the_context() {
        let wanted = |include: &[&str], follow: &[&str]| SyncRequest {
            name: "context".into(),
            include: include.iter().map(|&p| p.into()).collect(),
            exclude: vec![],
            follow: follow.iter().map(|&p| p.into()).collect(),
        };
        assert_eq!(row_of(&wanted(&[".dockerignore"], &[])), "dockerignore");
        assert_eq!(row_of(&wanted(&[], &[".dockerignore"])), "dockerignore");
        assert_eq!(row_of(&wanted(&[], &["src", ".dockerignore"])), "context");
        assert_eq!(row_of(&wanted(&[], &[])), "context");
    }
}
