//! Progress logs of BuildKit's plain form, from the first releases to today's.
//!
//! A line is `#N` and then: the name of the step, its output after the seconds since it began, the
//! progress of a part, or how it ended. Everything else is the end of a build that failed, warnings,
//! or the rest of a line that a terminal wrapped.

use std::collections::HashMap;
use std::time::Duration;

use careen_model::{BuildEvent, Outcome, Phase, Stream, What, phase_of};

use super::place::Places;
use super::texts::{detail, failure, is_digest, is_shortened, numbered, without_escapes};
use super::{Each, LogLine, MOST_STEPS, figures};

/// A line shorter than this was not wrapped by a terminal.
const NARROWEST: usize = 40;

/// So many warnings are compared with a new one.
const WARNINGS: usize = 256;

/// The reader's state between two lines.
#[derive(Debug)]
pub(super) struct Plain {
    steps: Vec<Step>,
    /// From the number in the log to the index in `steps`, in the build that is told now.
    numbers: HashMap<u32, usize>,
    places: Places,
    /// Builds that were told before this one in the same log.
    round: usize,
    /// The step that the last line was about.
    current: Option<(u32, usize)>,
    open: Open,
    tail: Tail,
    warned: Vec<String>,
    /// An error told after all steps.
    error: Option<String>,
    newest: Duration,
    /// Used again for every line of output.
    output: BuildEvent,
}

#[derive(Debug)]
struct Step {
    id: String,
    name: String,
    phase: Phase,
    place: usize,
    start: Option<Duration>,
    /// What is known of its length: offsets of output, times of parts.
    elapsed: Duration,
    end: Option<Duration>,
    state: State,
    tasks: HashMap<String, Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done,
    Cancelled,
    Failed,
}

/// What the next line may go on with.
#[derive(Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    /// The name of a step that is not told yet.
    Name {
        number: u32,
        name: String,
        last: usize,
    },
    Output,
    /// The error of a step that is not told yet.
    Error {
        step: usize,
        error: String,
        at: Option<Duration>,
    },
}

/// What follows the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    No,
    /// The excerpt of a failed build.
    Excerpt,
    Warnings,
}

impl Default for Plain {
    fn default() -> Plain {
        let what = What::Log { step: String::new(), stream: Stream::Out, bytes: vec![] };
        Plain {
            steps: vec![],
            numbers: HashMap::new(),
            places: Places::default(),
            round: 0,
            current: None,
            open: Open::Nothing,
            tail: Tail::No,
            warned: vec![],
            error: None,
            newest: Duration::ZERO,
            output: BuildEvent { at: Duration::ZERO, what },
        }
    }
}

/// Whether a log of this form begins with `text`.
pub(super) fn begins(text: &[u8]) -> bool {
    let Some((_, rest)) = numbered(text) else { return false };
    let words: [&[u8]; 8] = [
        b"[",
        b"building with",
        b"resolve image config",
        b"DONE",
        b"CACHED",
        b"ERROR",
        b"sha256:",
        b"transferring ",
    ];
    words.iter().any(|word| rest.starts_with(word)) || figures::offset(rest).is_some()
}

impl Plain {
    pub(super) fn line(&mut self, line: LogLine<'_>, each: Each<'_>) {
        if let Some(at) = line.at {
            self.places.now = self.places.now.max(at);
        }
        if line.is_rest {
            self.go_on(line.text, each);
            return;
        }
        match numbered(line.text) {
            Some((number, rest)) => self.numbered(number, rest, line.at, each),
            None => self.other(line.text, each),
        }
    }

    fn numbered(&mut self, number: u32, rest: &[u8], at: Option<Duration>, each: Each<'_>) {
        let was_tail = std::mem::replace(&mut self.tail, Tail::No);
        if let Some((offset, text)) = figures::offset(rest) {
            if matches!(self.open, Open::Name { .. } | Open::Error { .. }) {
                self.close(each);
            }
            if let Some(step) = self.known(number) {
                // The excerpt of a failed build shows output again.
                if was_tail == Tail::Excerpt && self.steps[step].state == State::Failed {
                    self.tail = was_tail;
                } else {
                    self.output_of(step, offset, text, at, each);
                }
                return;
            }
        }
        let text = String::from_utf8_lossy(rest);
        let text = without_escapes(text.trim_end());
        if number == 0 && text.starts_with("building with ") {
            return;
        }
        // Releases up to 2022 tell the digest of a step after its name.
        if let Open::Name { number: named, .. } = &self.open
            && *named == number
            && is_digest(&text)
        {
            return;
        }
        self.close(each);
        if self.is_next_build(number, &text) {
            self.round += 1;
            self.numbers.clear();
            self.current = None;
        }
        let Some(step) = self.known(number) else {
            self.begin(number, &text, at, each);
            return;
        };
        if self.steps[step].name == text || is_shortened(&text, &self.steps[step].name) {
            return;
        }
        self.news(step, &text, at, each);
    }

    fn known(&mut self, number: u32) -> Option<usize> {
        if let Some((known, step)) = self.current
            && known == number
        {
            return Some(step);
        }
        let step = *self.numbers.get(&number)?;
        self.current = Some((number, step));
        Some(step)
    }

    /// Whether the numbers begin anew, as when a log holds several builds.
    fn is_next_build(&self, number: u32, text: &str) -> bool {
        let Some(&step) = self.numbers.get(&number) else { return false };
        let known = &self.steps[step];
        if known.state == State::Open || !text.starts_with('[') {
            return false;
        }
        if known.name != text {
            return !is_shortened(text, &known.name);
        }
        let has_ended = |step: &usize| {
            let step = &self.steps[*step];
            step.phase == Phase::Export && step.end.is_some() || step.state == State::Failed
        };
        number <= 1 && self.numbers.values().any(has_ended)
    }

    /// The first line about a step. A name is held back: the next line may go on with it.
    fn begin(&mut self, number: u32, text: &str, at: Option<Duration>, each: Each<'_>) {
        let is_name = text.starts_with('[')
            || matches!(phase_of(text), phase if phase != Phase::Steps)
            || text.starts_with("docker-image://");
        if is_name {
            self.open = Open::Name { number, name: text.to_owned(), last: text.len() };
            return;
        }
        let is_news = text == "..."
            || text.starts_with("DONE")
            || matches!(text, "CACHED" | "CANCELED")
            || text.starts_with("ERROR")
            || is_digest(text)
            || figures::offset(text.as_bytes()).is_some();
        // A log that was cut at its beginning tells no name.
        let name = if is_news { format!("#{number}") } else { text.to_owned() };
        let Some(step) = self.plan(number, name, each) else { return };
        if let Some((offset, text)) = figures::offset(text.as_bytes()) {
            self.output_of(step, offset, text, at, each);
        } else if is_news {
            self.news(step, text, at, each);
        }
    }

    fn plan(&mut self, number: u32, name: String, each: Each<'_>) -> Option<usize> {
        if self.steps.len() >= MOST_STEPS {
            return None;
        }
        let id = match self.round {
            0 => format!("#{number}"),
            round => format!("{}#{number}", round + 1),
        };
        let step = self.steps.len();
        let place = self.places.add(&name);
        let inputs = self.places.inputs(place).iter();
        let inputs = inputs.map(|input| self.steps[*input].id.clone()).collect();
        let what = What::StepPlanned { step: id.clone(), name: name.clone(), inputs };
        self.steps.push(Step {
            id,
            phase: phase_of(&name),
            name,
            place,
            start: None,
            elapsed: Duration::ZERO,
            end: None,
            state: State::Open,
            tasks: HashMap::new(),
        });
        self.numbers.insert(number, step);
        self.current = Some((number, step));
        each(&BuildEvent { at: self.places.now, what });
        Some(step)
    }

    /// Begins a step if it has not begun; `known` is how long it has run at the time `at`.
    fn start(
        &mut self,
        step: usize,
        known: Option<Duration>,
        at: Option<Duration>,
        each: Each<'_>,
    ) -> Duration {
        let record = &mut self.steps[step];
        if let Some(start) = record.start.filter(|_| record.state == State::Open) {
            return start;
        }
        let again = record.end.filter(|_| record.start.is_some());
        let start = match (again, at, known) {
            (Some(end), ..) => end,
            (None, Some(at), known) => at.saturating_sub(known.unwrap_or_default()),
            (None, None, known) => self.places.start(record.place, known),
        };
        record.start = Some(start);
        record.state = State::Open;
        record.elapsed = Duration::ZERO;
        each(&BuildEvent { at: start, what: What::StepStarted { step: record.id.clone() } });
        start
    }

    fn output_of(
        &mut self,
        step: usize,
        offset: Duration,
        text: &[u8],
        at: Option<Duration>,
        each: Each<'_>,
    ) {
        let record = &self.steps[step];
        let start = match record.start {
            Some(start) if record.state == State::Open => start,
            _ => {
                // The offset tells nothing of the length, but of the beginning before this line.
                let known = at.map(|_| offset);
                self.start(step, known, at, each)
            }
        };
        let record = &mut self.steps[step];
        record.elapsed = record.elapsed.max(offset);
        let told = start + offset;
        self.places.now = self.places.now.max(told);
        self.newest = self.newest.max(told);
        self.open = Open::Output;
        self.output.at = told;
        if let What::Log { step, bytes, .. } = &mut self.output.what {
            if *step != record.id {
                step.clone_from(&record.id);
            }
            bytes.clear();
            bytes.extend_from_slice(text);
            bytes.push(b'\n');
        }
        each(&self.output);
    }

    /// Anything but a name and output.
    fn news(&mut self, step: usize, text: &str, at: Option<Duration>, each: Each<'_>) {
        if text == "..." || text.is_empty() || is_digest(text) {
            return;
        }
        if let Some(took) = text.strip_prefix("DONE") {
            let took = figures::duration(took.trim()).unwrap_or_default();
            self.end(step, (took, State::Done, None), at, each);
        } else if text == "CACHED" {
            let start = self.start(step, Some(Duration::ZERO), at, each);
            let id = self.steps[step].id.clone();
            each(&BuildEvent { at: start, what: What::StepCached { step: id } });
            self.end(step, (Duration::ZERO, State::Done, None), at, each);
        } else if text == "CANCELED" {
            let error = "context canceled".to_owned();
            self.end(step, (Duration::ZERO, State::Cancelled, Some(error)), at, each);
        } else if let Some(error) = text.strip_prefix("ERROR") {
            let error = error.trim_start_matches([':', ' ']).to_owned();
            self.open = Open::Error { step, error, at };
        } else if let Some(message) = text.strip_prefix("WARN: ") {
            self.warn(message, each);
        } else if let Some((key, value)) = detail(text) {
            self.detail(step, key, value, each);
        } else {
            self.progress(step, text, at, each);
        }
    }

    fn end(
        &mut self,
        step: usize,
        (took, state, error): (Duration, State, Option<String>),
        at: Option<Duration>,
        each: Each<'_>,
    ) {
        let took = took.max(if self.steps[step].state == State::Open {
            self.steps[step].elapsed
        } else {
            Duration::ZERO
        });
        let start = self.start(step, Some(took), at, each);
        let record = &mut self.steps[step];
        let mut end = start + took.max(record.elapsed);
        if state != State::Done {
            // A step that did not end well tells no duration, but the log goes on until then.
            end = end.max(at.unwrap_or(self.places.now));
        }
        (record.end, record.state) = (Some(end), state);
        record.tasks.clear();
        self.places.end(record.place, end);
        self.newest = self.newest.max(end);
        each(&BuildEvent { at: end, what: What::StepEnded { step: record.id.clone(), error } });
    }

    /// A part of a step. Parts follow each other, but for layers, which are fetched side by side.
    fn progress(&mut self, step: usize, text: &str, at: Option<Duration>, each: Each<'_>) {
        let status = figures::status(text);
        let start = self.start(step, status.took, at, each);
        let record = &mut self.steps[step];
        let is_layer = status.task.starts_with("sha256:");
        let known = record.tasks.get(status.task).copied();
        if known.is_none() && record.tasks.len() >= MOST_STEPS {
            return;
        }
        let began = known.unwrap_or(if is_layer { start } else { start + record.elapsed });
        let told = began + status.took.unwrap_or_default();
        let event = |at, current, done| {
            let (step, task) = (record.id.clone(), status.task.to_owned());
            BuildEvent {
                at,
                what: What::Progress { step, task, current, total: status.total, done },
            }
        };
        if known.is_none() {
            each(&event(began, 0, false));
        }
        each(&event(told, status.current, status.done));
        record.tasks.entry(status.task.to_owned()).or_insert(began);
        record.elapsed = record.elapsed.max(told.saturating_sub(start));
        self.places.now = self.places.now.max(told);
        self.newest = self.newest.max(told);
    }

    /// The first releases told a step as `key: value` lines; the duration is what the others lack.
    fn detail(&mut self, step: usize, key: &str, value: &str, each: Each<'_>) {
        match key {
            "duration" => {
                let took = figures::duration(value).unwrap_or_default();
                self.end(step, (took, State::Done, None), None, each);
            }
            "cached" if value == "true" => self.news(step, "CACHED", None, each),
            "error" => {
                let error = value.trim_matches('"').to_owned();
                self.open = Open::Error { step, error, at: None };
            }
            _ => (),
        }
    }

    fn warn(&mut self, message: &str, each: Each<'_>) {
        if self.warned.len() < WARNINGS && !self.warned.iter().any(|known| known == message) {
            self.warned.push(message.to_owned());
            let what = What::Warned { message: message.to_owned() };
            each(&BuildEvent { at: self.places.now, what });
        }
    }

    /// A line that is no step's.
    fn other(&mut self, raw: &[u8], each: Each<'_>) {
        let text = String::from_utf8_lossy(raw);
        let text = without_escapes(&text);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.close(each);
            return;
        }
        if trimmed.starts_with("------") {
            self.close(each);
            self.tail = Tail::Excerpt;
            return;
        }
        if trimmed.ends_with("to expand):")
            || trimmed.ends_with("warning found")
            || trimmed.ends_with("warnings found")
        {
            self.close(each);
            self.tail = Tail::Warnings;
            return;
        }
        if let Some(error) = failure(trimmed) {
            self.close(each);
            self.error = Some(error.to_owned());
            self.tail = Tail::Excerpt;
            return;
        }
        match self.tail {
            Tail::Warnings => match trimmed.strip_prefix("- ") {
                Some(message) => self.warn(message, each),
                None => self.tail = Tail::Excerpt,
            },
            Tail::Excerpt => (),
            Tail::No => self.go_on(raw, each),
        }
    }

    /// The rest of a line that was wrapped, or that was too long.
    fn go_on(&mut self, raw: &[u8], each: Each<'_>) {
        match &mut self.open {
            Open::Nothing => (),
            Open::Name { name, last, .. } => {
                if *last >= NARROWEST && name.len() < super::lines::LONGEST_NAME {
                    *last = raw.len();
                    name.push_str(&String::from_utf8_lossy(raw));
                }
            }
            Open::Error { error, .. } => {
                if error.len() < super::lines::LONGEST_NAME {
                    error.push('\n');
                    error.push_str(&String::from_utf8_lossy(raw));
                }
            }
            Open::Output => {
                if let What::Log { bytes, .. } = &mut self.output.what {
                    bytes.clear();
                    bytes.extend_from_slice(raw);
                    bytes.push(b'\n');
                }
                each(&self.output);
            }
        }
    }

    /// Tells what was held back.
    fn close(&mut self, each: Each<'_>) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing | Open::Output => (),
            Open::Name { number, name, .. } => {
                self.plan(number, name, each);
            }
            Open::Error { step, error, at } => {
                let state = if error.ends_with("context canceled") {
                    State::Cancelled
                } else {
                    State::Failed
                };
                self.end(step, (Duration::ZERO, state, Some(error)), at, each);
            }
        }
    }

    pub(super) fn finish(mut self, each: Each<'_>) {
        self.close(each);
        let has = |state| self.steps.iter().any(|step| step.state == state && step.start.is_some());
        let (failed, cancelled) = (has(State::Failed), has(State::Cancelled));
        if let Some(error) = self.error.take().filter(|_| !failed) {
            let outcome = if error.contains("context canceled") {
                Outcome::Cancelled
            } else {
                Outcome::Failed
            };
            // No step failed, or none that the log tells: the error is the build's.
            let what = What::StepEnded { step: String::new(), error: Some(error) };
            each(&BuildEvent { at: self.newest, what });
            each(&BuildEvent { at: self.newest, what: What::Ended { outcome } });
            return;
        }
        let outcome = match (failed, cancelled) {
            (true, _) => Outcome::Failed,
            (_, true) => Outcome::Cancelled,
            // A log that was cut tells no end.
            _ if has(State::Open) || self.steps.iter().all(|step| step.end.is_none()) => return,
            _ => Outcome::Built,
        };
        each(&BuildEvent { at: self.newest, what: What::Ended { outcome } });
    }
}
