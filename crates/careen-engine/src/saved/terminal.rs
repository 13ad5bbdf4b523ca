//! Frames of BuildKit's terminal form, as people copy them or as `script` keeps them.
//!
//! Every frame repeats all steps, so events are told when the log has ended.

use std::collections::HashMap;
use std::time::Duration;

use careen_model::{BuildEvent, Outcome, What};

use super::place::Places;
use super::{Each, LogLine, MOST_STEPS, figures, texts};

/// The newest that the frames tell of each step.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    steps: Vec<Step>,
    names: HashMap<String, usize>,
    current: Option<usize>,
    total: Duration,
    /// The time of the frame before the one that is read.
    frame_before: Duration,
    is_finished: bool,
    error: Option<String>,
}

#[derive(Debug, Default)]
struct Step {
    name: String,
    took: Duration,
    /// The time of the last frame that did not show it.
    not_before: Duration,
    state: State,
    tasks: Vec<(String, Duration, u64)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    Cached,
    Failed,
    Cancelled,
}

/// Whether a log of this form begins with `text`.
pub(super) fn begins(text: &[u8]) -> bool {
    text.starts_with(b"[+] Building ") || text.starts_with(b"=> [") || text.starts_with(b" => [")
}

impl Terminal {
    pub(super) fn line(&mut self, line: LogLine<'_>) {
        let text = String::from_utf8_lossy(line.text);
        for part in text.split('\r') {
            let part = texts::without_escapes(part);
            self.part(part.trim());
        }
    }

    fn part(&mut self, text: &str) {
        if let Some(rest) = text.strip_prefix("[+] Building ") {
            let mut words = rest.split_whitespace();
            let total = words.next().and_then(figures::duration);
            let total = self.total.max(total.unwrap_or_default());
            self.frame_before = std::mem::replace(&mut self.total, total);
            self.is_finished = rest.contains("FINISHED");
            return;
        }
        let Some(rest) = text.strip_prefix("=> ") else {
            if let Some(error) = texts::failure(text) {
                self.error = Some(error.to_owned());
            }
            return;
        };
        match rest.strip_prefix("=> ") {
            // The last lines of output, shown again in every frame.
            Some(output) if output.starts_with("# ") => (),
            Some(task) => self.task(task),
            None => self.step(rest),
        }
    }

    fn step(&mut self, text: &str) {
        let (text, took) = took(text);
        let states = [
            ("CACHED ", State::Cached),
            ("ERROR ", State::Failed),
            ("CANCELED ", State::Cancelled),
        ];
        let found =
            states.into_iter().find_map(|(word, state)| Some((text.strip_prefix(word)?, state)));
        let (name, state) = found.unwrap_or((text, State::Plain));
        let index = match self.names.get(name) {
            Some(index) => *index,
            None if self.steps.len() >= MOST_STEPS || name.is_empty() => return,
            None => {
                self.names.insert(name.to_owned(), self.steps.len());
                let step = Step {
                    name: name.to_owned(),
                    not_before: self.frame_before,
                    ..Step::default()
                };
                self.steps.push(step);
                self.steps.len() - 1
            }
        };
        self.current = Some(index);
        let step = &mut self.steps[index];
        step.took = step.took.max(took.unwrap_or_default());
        step.state = state;
    }

    fn task(&mut self, text: &str) {
        let Some(step) = self.current else { return };
        let (text, took) = took(text);
        let status = figures::status(text);
        let tasks = &mut self.steps[step].tasks;
        let took = took.unwrap_or_default();
        let has_room = tasks.len() < 1000;
        match tasks.iter_mut().find(|(name, ..)| name == status.task) {
            Some(known) => {
                known.1 = known.1.max(took);
                known.2 = known.2.max(status.current);
            }
            None if has_room => tasks.push((status.task.to_owned(), took, status.current)),
            None => (),
        }
    }

    pub(super) fn finish(self, each: Each<'_>) {
        let mut places = Places::default();
        let mut has_failed = false;
        let mut newest = Duration::ZERO;
        for (i, step) in self.steps.iter().enumerate() {
            let id = format!("{}", i + 1);
            let place = places.add(&step.name);
            let start = places.start(place, Some(step.took)).max(step.not_before);
            let end = start + step.took;
            places.end(place, end);
            newest = newest.max(end);
            let inputs =
                places.inputs(place).iter().map(|input| format!("{}", input + 1)).collect();
            let mut tell = |at, what| each(&BuildEvent { at, what });
            tell(start, What::StepPlanned { step: id.clone(), name: step.name.clone(), inputs });
            tell(start, What::StepStarted { step: id.clone() });
            if step.state == State::Cached {
                tell(start, What::StepCached { step: id.clone() });
            }
            for (task, took, bytes) in &step.tasks {
                let progress = |current, done| What::Progress {
                    step: id.clone(),
                    task: task.clone(),
                    current,
                    total: None,
                    done,
                };
                tell(start, progress(0, false));
                tell(start + *took, progress(*bytes, true));
            }
            let error = match step.state {
                State::Failed => {
                    has_failed = true;
                    Some(self.error.clone().unwrap_or_else(|| "failed".to_owned()))
                }
                State::Cancelled => Some("context canceled".to_owned()),
                State::Plain | State::Cached => None,
            };
            if self.is_finished || error.is_some() || step.took > Duration::ZERO {
                tell(end, What::StepEnded { step: id, error });
            }
        }
        let at = self.total.max(newest);
        if let Some(error) = self.error.clone().filter(|_| !has_failed) {
            has_failed = true;
            each(&BuildEvent {
                at,
                what: What::StepEnded { step: String::new(), error: Some(error) },
            });
        }
        let outcome = match (has_failed, self.is_finished) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::Built,
            (false, false) => return,
        };
        each(&BuildEvent { at, what: What::Ended { outcome } });
    }
}

/// A line ends with its duration.
fn took(text: &str) -> (&str, Option<Duration>) {
    match text.rsplit_once(' ') {
        Some((head, last)) if last.ends_with('s') => match figures::duration(last) {
            Some(took) => (head.trim_end(), Some(took)),
            None => (text, None),
        },
        _ => (text, None),
    }
}
