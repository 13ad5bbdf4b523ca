//! The build while it runs: a frame for a terminal, plain lines for everything else.
//!
//! Both are pure: events and times come in, text goes out. Output of steps must come redacted.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use careen_model::{BuildEvent, BuildRecord, StepId, StepRecord, What, instruction_of, units};

use super::{Line, Style, Tone, write_lines};
use crate::{clean_lines, words};

/// When the frame is drawn and how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Since the build began.
    pub elapsed: Duration,
    /// Rows of the terminal.
    pub height: usize,
    /// Columns of the terminal now; it may have been resized since the build began.
    pub width: usize,
}

/// Lines of output kept per step, for the case that it fails.
const TAIL: usize = 12;

/// Columns that the name of a step gets before anything else.
const NAME: usize = 24;

/// The screen at one moment: progress, then every running step, the oldest first.
/// Steps are numbered in the order they began, as in [`Plain`].
///
/// Steps that the end of the last build waited for are marked: these are worth watching.
///
/// Never wider or higher than the window, less one row for the cursor.
pub fn frame(
    record: &BuildRecord,
    last: Option<&BuildRecord>,
    window: Window,
    style: Style,
) -> Vec<String> {
    let style = Style { width: window.width, ..style };
    let critical: Vec<&str> = last.map_or(vec![], |last| {
        last.critical_path().into_iter().map(|step| instruction_of(&step.name)).collect()
    });
    let rows = window.height.saturating_sub(1).max(1);
    let mut lines = vec![progress(record, last, window, style)];
    let mut begun: Vec<&StepRecord> = record.steps.iter().filter(|s| s.started.is_some()).collect();
    begun.sort_by_key(|step| step.started);
    let numbered = begun.iter().enumerate().map(|(i, step)| (i + 1, *step));
    let running: Vec<(usize, &StepRecord)> =
        numbered.filter(|(_, step)| is_running(step)).collect();
    let room = rows.saturating_sub(1);
    let shown = if running.len() > room { room.saturating_sub(1) } else { running.len() };
    for (number, step) in &running[..shown] {
        let is_critical = critical.contains(&instruction_of(&step.name));
        lines.push(running_step((*number, is_critical), step, (last, window.elapsed), style));
    }
    if shown < running.len() && rows > 1 {
        let rest = format!("     and {} more", running.len() - shown);
        lines.push(Line::new(style).add(Tone::Dim, rest));
    }
    lines.iter().map(|line| line.render(style)).collect()
}

fn is_running(step: &StepRecord) -> bool {
    step.started.is_some() && step.ended.is_none() && !step.cached
}

fn is_done(step: &StepRecord) -> bool {
    step.cached || step.ended.is_some()
}

/// ` ████████░░░░  7/12   2 m 41 s, about 1 m 50 s left`
fn progress(
    record: &BuildRecord,
    last: Option<&BuildRecord>,
    window: Window,
    style: Style,
) -> Line {
    let total = record.steps.len();
    let done = record.steps.iter().filter(|step| is_done(step)).count();
    let bar = style.table().saturating_sub(46).clamp(8, 34);
    let full = (bar * done).checked_div(total).unwrap_or(0);
    let line = Line::new(style).text(" ").add(Tone::Good, "█".repeat(full));
    let line = line.add(Tone::Dim, "░".repeat(bar - full)).text(format!("  {done}/{total}   "));
    let line = line.add(Tone::Strong, units::time(window.elapsed));
    match last.and_then(|last| left(record, last, window.elapsed)) {
        Some(left) => line.text(format!(", about {} left", units::time(left))),
        None => line,
    }
}

/// What the last build took for the steps that are not done now, overlaps counted once.
///
/// `None` when the builds have too little in common to tell.
fn left(record: &BuildRecord, last: &BuildRecord, elapsed: Duration) -> Option<Duration> {
    let mut open = Vec::new();
    let mut known = 0;
    for step in &record.steps {
        let Some(twin) = twin(step, last) else { continue };
        known += 1;
        let (Some(started), Some(ended)) = (twin.started, twin.ended) else { continue };
        if is_done(step) {
            continue;
        }
        let ran = step.started.map_or(Duration::ZERO, |began| elapsed.saturating_sub(began));
        open.push((started + ran, ended));
    }
    if known * 2 < record.steps.len() || known == 0 {
        return None;
    }
    open.sort_unstable();
    let (mut left, mut reach) = (Duration::ZERO, Duration::ZERO);
    for (started, ended) in open {
        left += ended.saturating_sub(started.max(reach));
        reach = reach.max(ended);
    }
    Some(left).filter(|left| *left >= Duration::from_secs(1))
}

/// The same instruction in the last build, wherever it stood: `[base 4/9] RUN x` is `[5/8] RUN x`.
fn twin<'a>(step: &StepRecord, last: &'a BuildRecord) -> Option<&'a StepRecord> {
    let name = instruction_of(&step.name);
    last.steps.iter().find(|twin| instruction_of(&twin.name) == name)
}

/// `▸ 6 RUN uv sync --group torch      2.1 GB of 2.4 GB, 23 MB/s   1 m 32 s`
fn running_step(
    (number, is_critical): (usize, bool),
    step: &StepRecord,
    (last, elapsed): (Option<&BuildRecord>, Duration),
    style: Style,
) -> Line {
    let end = style.table().min(style.width);
    let took = units::time(elapsed.saturating_sub(step.started.unwrap_or(elapsed)));
    let line = Line::new(style).add(Tone::Beware, if is_critical { "▸" } else { " " });
    let line = line.add(Tone::Dim, format!("{number:>3} "));
    let said = transferred(step, last);
    let with_rate =
        said.clone().zip(rate(step, elapsed)).map(|(text, rate)| format!("{text}, {rate}"));
    let width = |bytes: &str| Line::new(style).text(bytes).text(format!("{took:>9}")).width();
    let room = |bytes: &str| end.saturating_sub(line.width() + width(bytes) + 1);
    // On a narrow screen the name is worth more than the rate, and both more than the bytes.
    let bytes = [with_rate, said].into_iter().flatten().map(|text| format!("{text}  "));
    let bytes = bytes.into_iter().find(|bytes| room(bytes) >= NAME).unwrap_or_default();
    let (right, room) = (width(&bytes), room(&bytes).max(8));
    let line = line.cut(room, Tone::Plain, words::step(step));
    let line = line.to(end.saturating_sub(right));
    line.add(Tone::Hint, bytes).add(Tone::Strong, format!("{took:>9}"))
}

/// Bytes per second of the part that is under way, once it has run for a second.
fn rate(step: &StepRecord, elapsed: Duration) -> Option<String> {
    let tasks = step.tasks.iter().filter(|task| task.ended.is_none() && task.bytes > 0);
    let began = tasks.clone().map(|task| task.started).min()?;
    let seconds = elapsed.saturating_sub(began).as_secs_f64();
    let bytes: u64 = tasks.map(|task| task.bytes).sum();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for the eye"
    )]
    (seconds >= 1.0).then(|| format!("{}/s", units::size((bytes as f64 / seconds) as u64)))
}

/// Bytes so far, and of how many when the last build moved more for the same step.
fn transferred(step: &StepRecord, last: Option<&BuildRecord>) -> Option<String> {
    let bytes = |step: &StepRecord| step.transferred() + step.downloaded;
    let now = bytes(step);
    if now == 0 {
        return None;
    }
    let twin = last.and_then(|last| twin(step, last));
    match twin.map(bytes).filter(|&then| then > now) {
        Some(then) => Some(format!("{} of ~{}", units::size(now), units::size(then))),
        None => Some(units::size(now)),
    }
}

/// The last lines that each step wrote.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    open: BTreeMap<StepId, Vec<u8>>,
}

impl Tail {
    /// Remembers output; a step's memory stays below 16 kB.
    pub fn apply(&mut self, event: &BuildEvent) {
        const MOST: usize = 16 << 10;
        let What::Log { step, bytes, .. } = &event.what else { return };
        let kept = self.open.entry(step.clone()).or_default();
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(MOST)..]);
        let surplus = kept.len().saturating_sub(MOST);
        kept.drain(..surplus);
    }

    /// The last lines of a step, clean.
    pub fn lines(&self, step: &str) -> Vec<String> {
        let bytes = self.open.get(step).map_or(&[][..], Vec::as_slice);
        let mut lines = clean_lines(&String::from_utf8_lossy(bytes));
        lines.retain(|line| !line.trim().is_empty());
        lines.split_off(lines.len().saturating_sub(TAIL))
    }
}

/// Line mode: one line when a step begins and ends; its output as it comes, or only when it fails.
#[derive(Debug, Clone, Default)]
pub struct Plain {
    output: Output,
    tail: Tail,
    /// Steps whose beginning was told, with their number. Engines tell it again and again.
    begun: BTreeMap<StepId, usize>,
}

/// What of the output of steps line mode shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// The last lines of a step that fails.
    #[default]
    OfFailures,
    /// Every line, with its step's number and seconds, as Docker does.
    All,
}

impl Plain {
    pub fn new(output: Output) -> Plain {
        Plain { output, ..Plain::default() }
    }

    /// Numbers the step that `what` is the beginning of; false when it has one already.
    fn begins(&mut self, what: &What) -> bool {
        let (What::StepStarted { step } | What::StepCached { step } | What::StepEnded { step, .. }) =
            what
        else {
            return false;
        };
        let next = self.begun.len() + 1;
        *self.begun.entry(step.clone()).or_insert(next) == next
    }

    /// Writes what `event` adds. `record` has the event applied already.
    pub fn event(
        &mut self,
        out: &mut dyn io::Write,
        style: Style,
        (record, event): (&BuildRecord, &BuildEvent),
    ) -> io::Result<()> {
        self.tail.apply(event);
        let is_new = self.begins(&event.what);
        let line = |id: &str, said: &dyn Fn(Line, &StepRecord) -> Line| {
            let step = record.steps.iter().find(|step| step.id == id)?;
            let number = self.begun.get(id)?;
            let name = format!("#{number} {}", words::step(step));
            Some(said(Line::new(style).text(name).whole(), step))
        };
        let lines: Vec<Line> = match &event.what {
            What::StepCached { step } if is_new => {
                line(step, &|line, _| line.add(Tone::Dim, "  cached")).into_iter().collect()
            }
            What::StepStarted { step } if is_new => {
                line(step, &|line, _| line.add(Tone::Dim, "  …")).into_iter().collect()
            }
            What::StepEnded { step, error: None } => {
                let done = |line: Line, step: &StepRecord| {
                    let bytes = transferred(step, None).map_or(String::new(), |b| format!(", {b}"));
                    line.add(Tone::Strong, format!("  {}{bytes}", units::time(step.took())))
                };
                // Local sources end at once and begin again; cached steps end without a time.
                let moment = Duration::from_millis(1);
                let took = record.steps.iter().find(|s| s.id == *step && !s.cached);
                let is_told = took.is_some_and(|step| step.took() >= moment);
                line(step, &done).filter(|_| is_told).into_iter().collect()
            }
            What::StepEnded { step, error: Some(error) } => {
                let failed = |line: Line, step: &StepRecord| {
                    line.add(Tone::Bad, format!("  failed after {}", units::time(step.took())))
                };
                let mut lines: Vec<Line> = line(step, &failed).into_iter().collect();
                let tail = match self.output {
                    Output::OfFailures => self.tail.lines(step),
                    Output::All => vec![],
                };
                for text in tail {
                    lines.push(Line::new(style).text("   | ").text(text).whole());
                }
                lines.push(Line::new(style).text("   ").add(Tone::Bad, error).whole());
                lines
            }
            What::Log { step, bytes, .. } if self.output == Output::All => {
                let started = record.steps.iter().find(|known| known.id == *step);
                let started = started.and_then(|step| step.started).unwrap_or(event.at);
                let seconds = event.at.saturating_sub(started).as_secs_f64();
                let number = self.begun.get(step).copied().unwrap_or_default();
                let lead = format!("#{number} {seconds:.1} ");
                let text = String::from_utf8_lossy(bytes);
                let lines = clean_lines(&text).into_iter().filter(|line| !line.trim().is_empty());
                let lead = || Line::new(style).add(Tone::Dim, &lead);
                lines.map(|text| lead().text(text).whole()).collect()
            }
            What::Warned { message } => {
                vec![Line::new(style).add(Tone::Beware, "warning: ").text(message).whole()]
            }
            _ => vec![],
        };
        write_lines(out, style, &lines)
    }
}
