//! Builds that others ran, read from a log into the history.
//!
//! One pass, in pieces: a log of any size is read with little memory. Secrets are taken out before
//! anything is written, also those that the log itself gives away by a name beside them.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use careen_engine::{LogReader, LogSummary, read_dockerbuild};
use careen_model::{BuildEvent, BuildRecord, Imported, LogClock, LogFormat, What, redact};
use flate2::read::GzDecoder;

use crate::history::{Ending, History, Project, read_event_lines};
use crate::{About, Error, Recorded, Recorder, Redaction};

/// The largest `.dockerbuild` that is read, unpacked: it is read whole.
const LARGEST_EXPORT: u64 = 256 << 20;

const PIECE: usize = 64 << 10;

/// What the first line of careen's own event logs begins with.
const EVENTS: &[u8] = b"{\"careen_events\"";

/// What is read, and where it goes.
#[derive(Debug)]
pub struct Import<'a> {
    /// For messages: a file, or standard input.
    pub name: &'a Path,
    pub history: &'a History,
    pub project: &'a Project,
    /// When the log tells no date. Seconds since the Unix epoch.
    pub now: i64,
    /// Values known to be secret.
    pub redaction: Redaction,
}

/// Reads a log of any known form and stores it. A log without a build is an error.
pub fn import(job: Import<'_>, input: &mut dyn Read) -> Result<Recorded, Error> {
    let mut input = BufReader::with_capacity(PIECE, input);
    let is_packed = peek(&mut input, job.name)?.starts_with(&[0x1f, 0x8b]);
    if is_packed {
        read(job, &mut BufReader::with_capacity(PIECE, GzDecoder::new(input)))
    } else {
        read(job, &mut input)
    }
}

fn peek<'a>(input: &'a mut dyn BufRead, name: &Path) -> Result<&'a [u8], Error> {
    input.fill_buf().map_err(Error::io("reading", name))
}

fn read(job: Import<'_>, input: &mut dyn BufRead) -> Result<Recorded, Error> {
    let name = job.name;
    let start = peek(input, name)?;
    let is_events = start.starts_with(EVENTS);
    let is_tar = start.get(257..262) == Some(b"ustar");
    let mut sink = Sink { job, format: LogFormat::Plain, recorder: None, failed: None };
    if is_events {
        sink.format = LogFormat::Events;
        let ending = read_event_lines(input, name, &mut |event| sink.event(&event))?;
        // Interrupted, as a build whose careen was killed.
        let _: Ending = ending;
        let summary =
            LogSummary { format: Some(LogFormat::Events), clock: LogClock::Engine, began: None };
        return sink.finish(summary);
    }
    if is_tar {
        sink.format = LogFormat::DockerBuild;
        let mut tar = Vec::new();
        input.take(LARGEST_EXPORT).read_to_end(&mut tar).map_err(Error::io("reading", name))?;
        let summary = read_dockerbuild(&tar, &mut |event| sink.event(event));
        let unreadable = |err: careen_engine::EngineError| Error::HistoryUnreadable {
            what: name.display().to_string(),
            error: err.to_string(),
        };
        return sink.finish(summary.map_err(unreadable)?);
    }
    let mut reader = LogReader::new();
    loop {
        let length = match input.fill_buf() {
            Ok([]) => break,
            Ok(piece) => {
                reader.read(piece, &mut |event| sink.event(event));
                piece.len()
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            // A packed log that was cut is read up to the cut.
            Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(err) => return Err(Error::io("reading", name)(err)),
        };
        input.consume(length);
        if let Some(format) = reader.format() {
            sink.format = format;
        }
    }
    let summary = reader.finish(&mut |event| sink.event(event));
    sink.finish(summary)
}

/// Records events; begins with the first one, so that a text without a build leaves nothing.
struct Sink<'a> {
    job: Import<'a>,
    format: LogFormat,
    recorder: Option<Recorder>,
    failed: Option<Error>,
}

impl Sink<'_> {
    fn event(&mut self, event: &BuildEvent) {
        if self.failed.is_some() {
            return;
        }
        if self.recorder.is_none() {
            let about = About {
                started_at: self.job.now,
                redaction: std::mem::take(&mut self.job.redaction),
                ..About::default()
            };
            match Recorder::begin_import(self.job.history, self.job.project, about, self.format) {
                Ok(recorder) => self.recorder = Some(recorder),
                Err(err) => {
                    self.failed = Some(err);
                    return;
                }
            }
        }
        let recorder = self.recorder.as_mut().expect("it was made above");
        for text in texts(event) {
            recorder.learn_secrets(redact::values(&text));
        }
        recorder.event(event);
    }

    fn finish(self, summary: LogSummary) -> Result<Recorded, Error> {
        if let Some(err) = self.failed {
            return Err(err);
        }
        let Some(mut recorder) = self.recorder else {
            return Err(Error::NoBuildInLog { path: self.job.name.to_owned() });
        };
        let record = recorder.record_mut();
        let format = summary.format.unwrap_or(self.format);
        record.imported = Some(Imported { format, clock: summary.clock });
        record.started_at = summary.began.unwrap_or(record.started_at);
        name_image(record);
        Ok(recorder.finish(self.job.history))
    }
}

/// The texts of an event in which a name may stand beside a secret.
fn texts(event: &BuildEvent) -> Vec<std::borrow::Cow<'_, str>> {
    match &event.what {
        What::StepPlanned { name, .. } => vec![name.into()],
        What::Log { bytes, .. } => vec![String::from_utf8_lossy(bytes)],
        What::StepEnded { error: Some(error), .. } => vec![error.into()],
        _ => vec![],
    }
}

/// The export tells the name and the digest of the image as names of its parts.
fn name_image(record: &mut BuildRecord) {
    let tasks = record.steps.iter().flat_map(|step| &step.tasks);
    for task in tasks {
        if let Some(name) = task.name.strip_prefix("naming to ") {
            let name = name.strip_prefix("docker.io/library/").unwrap_or(name);
            record.image.get_or_insert_with(|| name.to_owned());
        }
        if let Some(digest) = task.name.strip_prefix("writing image ") {
            record.image_digest.get_or_insert_with(|| digest.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
