//! Builds that others ran: logs in any of the forms in which people keep and paste them, as events.
//!
//! Pure: bytes in, events out, in pieces of any size. Memory is bounded by the longest line that is
//! kept and by the number of steps; nothing in the input can make a reader fail.

mod classic;
mod dockerbuild;
mod figures;
mod jsonl;
mod lines;
mod place;
mod plain;
mod prefix;
mod rawjson;
mod terminal;
mod texts;

use std::time::Duration;

use careen_model::{BuildEvent, LogClock, LogFormat};

use self::classic::Classic;
pub use self::dockerbuild::read_dockerbuild;
use self::jsonl::Jsonl;
use self::lines::{Lines, Piece};
use self::plain::Plain;
use self::prefix::Prefix;
use self::rawjson::RawJson;
use self::terminal::Terminal;

/// Takes events; they live only for the call.
type Each<'a> = &'a mut dyn FnMut(&BuildEvent);

/// A step beyond so many is not told: no build has them, a broken log may.
const MOST_STEPS: usize = 20_000;

/// Reads one log of a form that it finds out.
#[derive(Debug, Default)]
pub struct LogReader {
    lines: Lines,
    prefix: Prefix,
    form: Form,
    /// The first time that a line told, seconds since the Unix epoch or since midnight.
    first: Option<f64>,
    /// The time of the last line that told one.
    last: Option<Duration>,
}

#[derive(Debug, Default)]
enum Form {
    #[default]
    Unknown,
    Plain(Box<Plain>),
    RawJson(Box<RawJson>),
    Terminal(Box<Terminal>),
    Classic(Box<Classic>),
    Jsonl(Box<Jsonl>),
}

/// What a log turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogSummary {
    /// `None`: nothing in it looks like a build.
    pub format: Option<LogFormat>,
    pub clock: LogClock,
    /// When the build began, seconds since the Unix epoch, where the log tells a date.
    pub began: Option<i64>,
}

/// One line without what was written before it by others, and its time since the first line.
#[derive(Debug, Clone, Copy)]
struct LogLine<'a> {
    text: &'a [u8],
    at: Option<Duration>,
    /// It goes on from the piece before it.
    is_rest: bool,
}

impl LogReader {
    pub fn new() -> LogReader {
        LogReader::default()
    }

    /// Takes the next piece of the log.
    pub fn read(&mut self, bytes: &[u8], each: &mut dyn FnMut(&BuildEvent)) {
        let LogReader { lines, prefix, form, first, last } = self;
        lines.push(bytes, &mut |piece| take(piece, (prefix, form), (first, last), each));
    }

    /// The form, once a line gave it away.
    pub fn format(&self) -> Option<LogFormat> {
        match self.form {
            Form::Unknown => None,
            Form::Plain(_) => Some(LogFormat::Plain),
            Form::RawJson(_) => Some(LogFormat::RawJson),
            Form::Terminal(_) => Some(LogFormat::Terminal),
            Form::Classic(_) => Some(LogFormat::Classic),
            Form::Jsonl(_) => Some(LogFormat::Jsonl),
        }
    }

    /// Ends the log: what was held back is told.
    pub fn finish(mut self, each: &mut dyn FnMut(&BuildEvent)) -> LogSummary {
        let LogReader { lines, prefix, form, first, last } = &mut self;
        lines.finish(&mut |piece| take(piece, (prefix, form), (first, last), each));
        let has_lines = self.first.is_some();
        let of_lines = if has_lines { LogClock::Lines } else { LogClock::Nothing };
        let durations = if has_lines { LogClock::Lines } else { LogClock::Durations };
        let (format, clock) = match self.form {
            Form::Unknown => (None, LogClock::Nothing),
            Form::Plain(plain) => {
                plain.finish(each);
                (Some(LogFormat::Plain), durations)
            }
            Form::RawJson(mut json) => {
                json.finish(each);
                let summary = LogSummary {
                    format: Some(LogFormat::RawJson),
                    clock: LogClock::Engine,
                    began: json.began(),
                };
                return summary;
            }
            Form::Terminal(terminal) => {
                terminal.finish(each);
                (Some(LogFormat::Terminal), LogClock::Durations)
            }
            Form::Classic(classic) => {
                classic.finish(self.last, each);
                (Some(LogFormat::Classic), of_lines)
            }
            // A stream that was cut has no outcome, as the build of a careen that was killed.
            Form::Jsonl(_) => (Some(LogFormat::Jsonl), LogClock::Engine),
        };
        // A time of day is no date.
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds of our time")]
        let began = self.first.filter(|first| *first > 1e8).map(|first| first as i64);
        LogSummary { format, clock, began }
    }
}

fn take(
    piece: Piece<'_>,
    (prefix, form): (&mut Prefix, &mut Form),
    (first, last): (&mut Option<f64>, &mut Option<Duration>),
    each: Each<'_>,
) {
    let raw = piece.bytes;
    // Nearly every line of a plain log: nothing stands before it.
    if let (Form::Plain(plain), [b'#', b'0'..=b'9', ..]) = (&mut *form, raw) {
        plain.line(LogLine { text: raw, at: None, is_rest: piece.is_rest }, each);
        return;
    }
    let (text, time) = if piece.is_rest { (raw, None) } else { prefix.strip(raw) };
    if matches!(form, Form::Unknown) {
        *form = match recognize(text) {
            Some(found) => found,
            None => match prefix.learn(raw).and_then(|at| recognize(&raw[at..])) {
                Some(found) => found,
                None => return,
            },
        };
        prefix.settle(time.is_some());
        return take(piece, (prefix, form), (first, last), each);
    }
    let at = time.map(|time| {
        let began = *first.get_or_insert(time);
        // A clock that goes back passed midnight, or is no clock: never before what was told.
        let since =
            if time < began - 1.0 && began < 1e8 { time + 86_400.0 - began } else { time - began };
        let since = Duration::try_from_secs_f64(since).unwrap_or_default();
        let since = since.max(last.unwrap_or_default());
        *last = Some(since);
        since
    });
    let line = LogLine { text, at, is_rest: piece.is_rest };
    match form {
        Form::Unknown => (),
        Form::Plain(plain) => plain.line(line, each),
        Form::RawJson(json) => json.line(line, each),
        Form::Terminal(terminal) => terminal.line(line),
        Form::Classic(classic) => classic.line(line, each),
        Form::Jsonl(jsonl) => jsonl.line(line, each),
    }
}

/// The form that a line gives away, if it does.
fn recognize(text: &[u8]) -> Option<Form> {
    if plain::begins(text) {
        return Some(Form::Plain(Box::default()));
    }
    if rawjson::begins(text) {
        return Some(Form::RawJson(Box::default()));
    }
    if jsonl::begins(text) {
        return Some(Form::Jsonl(Box::default()));
    }
    if terminal::begins(text) {
        return Some(Form::Terminal(Box::default()));
    }
    classic::begins(text).then(|| Form::Classic(Box::default()))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
