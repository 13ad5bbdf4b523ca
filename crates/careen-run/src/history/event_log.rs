//! The events of one build as compressed lines of JSON, readable up to where the writer was killed.
//!
//! The writer holds a lock on its file, so that others can tell a running build from a dead one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use careen_model::{BuildEvent, What};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::wire::EventLine;
use crate::Error;

/// Version of the lines; the first line of a log tells it.
const VERSION: u32 = 1;

/// What a kill can cost at most of output and progress: this much text, or this much time of the
/// build. When steps begin and end is never held back.
const HELD_BYTES: usize = 64 << 10;
const HELD_TIME: Duration = Duration::from_secs(1);

/// Writes the events of a build while it runs.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    encoder: GzEncoder<File>,
    held: usize,
    flushed_at: Duration,
}

/// How a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Whole,
    /// The writer was killed; everything before is good.
    Cut,
}

#[derive(Serialize, Deserialize)]
struct Header {
    careen_events: u32,
}

impl EventLog {
    /// Starts a new log at `path`; what was there is gone.
    pub fn create(path: &Path) -> Result<EventLog, Error> {
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = file.map_err(Error::io("writing", path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let source = io::Error::from(io::ErrorKind::ResourceBusy);
                return Err(Error::io("writing", path)(source));
            }
            // Without locks a killed build stays "running" in the list; nothing worse.
            Ok(()) | Err(TryLockError::Error(_)) => (),
        }
        file.set_len(0).map_err(Error::io("writing", path))?;
        let encoder = GzEncoder::new(file, Compression::default());
        let path = path.to_owned();
        let mut log = EventLog { path, encoder, held: 0, flushed_at: Duration::ZERO };
        log.line(&Header { careen_events: VERSION })?;
        log.flush()?;
        Ok(log)
    }

    /// Adds one event. Output is on the way to the disk within 64 KiB or a second of the build, all
    /// else at once.
    pub fn write(&mut self, event: &BuildEvent) -> Result<(), Error> {
        self.line(&EventLine::of(event))?;
        let can_wait =
            matches!(event.what, What::Log { .. } | What::Progress { .. } | What::Sent(_));
        if !can_wait
            || self.held >= HELD_BYTES
            || event.at.saturating_sub(self.flushed_at) >= HELD_TIME
        {
            self.flushed_at = event.at;
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the log properly and waits until it is on the disk. The file is locked until dropped.
    pub fn finish(self) -> Result<File, Error> {
        let finished = self.encoder.finish().and_then(|file| file.sync_all().map(|()| file));
        finished.map_err(Error::io("writing", &self.path))
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line).expect("a line is plain data");
        text.push(b'\n');
        self.held += text.len();
        self.encoder.write_all(&text).map_err(Error::io("writing", &self.path))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.held = 0;
        self.encoder.flush().map_err(Error::io("writing", &self.path))
    }
}

/// Hands every event of a log to `each`, in order.
pub fn read_events(path: &Path, each: &mut dyn FnMut(BuildEvent)) -> Result<Ending, Error> {
    let file = File::open(path).map_err(Error::io("reading", path))?;
    read_event_lines(&mut BufReader::new(GzDecoder::new(file)), path, each)
}

/// The same for lines that are unpacked already; `path` names them in errors.
pub fn read_event_lines(
    lines: &mut dyn BufRead,
    path: &Path,
    each: &mut dyn FnMut(BuildEvent),
) -> Result<Ending, Error> {
    let mut line = Vec::new();
    let mut is_first = true;
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(Ending::Whole),
            Ok(_) if line.last() != Some(&b'\n') => return Ok(Ending::Cut),
            Ok(_) => (),
            Err(err) if is_cut(&err) => return Ok(Ending::Cut),
            Err(err) => return Err(Error::io("reading", path)(err)),
        }
        let damaged = |err: serde_json::Error| Error::HistoryUnreadable {
            what: path.display().to_string(),
            error: err.to_string(),
        };
        if std::mem::take(&mut is_first) {
            let header: Header = serde_json::from_slice(&line).map_err(damaged)?;
            if header.careen_events > VERSION {
                let (path, found) = (path.to_owned(), header.careen_events);
                return Err(Error::TooNew { path, found, known: VERSION });
            }
            continue;
        }
        let parsed: EventLine = serde_json::from_slice(&line).map_err(damaged)?;
        each(parsed.into_event());
    }
}

/// True when somebody is still writing the log.
pub(super) fn is_being_written(path: &Path) -> bool {
    match File::open(path).map(|file| file.try_lock()) {
        Ok(Err(TryLockError::WouldBlock)) => true,
        Ok(_) | Err(_) => false,
    }
}

/// A killed writer leaves a stream that ends early; a torn block fails its check.
fn is_cut(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput)
}
