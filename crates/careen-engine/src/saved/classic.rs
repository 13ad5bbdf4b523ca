//! `Step 3/7 : RUN make`: the builder before BuildKit, and Buildah's `STEP 3/7: RUN make`.
//!
//! It tells no times; a build service that writes the time before each line does.

use std::time::Duration;

use careen_model::{BuildEvent, Outcome, Stream, What};

use super::{Each, LogLine, MOST_STEPS, figures, texts};

/// So much is kept of the last line: it may be the error.
const LAST_LINE: usize = 4 << 10;

/// The step that is told now.
#[derive(Debug, Default)]
pub(super) struct Classic {
    steps: usize,
    current: Option<Step>,
    now: Duration,
    outcome: Option<Outcome>,
    last_line: Vec<u8>,
    /// Used again for every line of output.
    output: Option<BuildEvent>,
    context: bool,
}

#[derive(Debug)]
struct Step {
    id: String,
    cached: bool,
}

/// Whether a log of this form begins with `text`.
pub(super) fn begins(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&text[..text.len().min(200)]);
    step(&text).is_some() || text.starts_with("Sending build context to Docker daemon")
}

/// `Step 3/7 : RUN make` and `STEP 3/7: RUN make`; the place, and the instruction.
fn step(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("Step ").or_else(|| text.strip_prefix("STEP "))?;
    let (place, instruction) = rest.split_once(':')?;
    let place = place.trim();
    let (number, of) = place.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(number) && is_number(of)).then(|| (place, instruction.trim()))
}

impl Classic {
    pub(super) fn line(&mut self, line: LogLine<'_>, each: Each<'_>) {
        self.now = self.now.max(line.at.unwrap_or_default());
        if is_output(line.text) {
            self.output(line.text, each);
            return;
        }
        let text = String::from_utf8_lossy(line.text);
        let plain;
        let trimmed = if text.contains('\u{1b}') {
            plain = texts::without_escapes(&text);
            plain.trim()
        } else {
            text.trim()
        };
        if let Some((place, instruction)) = step(trimmed) {
            self.end(None, each);
            self.begin(format!("[{place}] {instruction}"), each);
            return;
        }
        // Progress of the context is written over itself.
        if let Some(rest) = trimmed
            .rsplit('\r')
            .next()
            .and_then(|last| last.trim().strip_prefix("Sending build context to Docker daemon"))
        {
            self.sent(rest.trim(), each);
            return;
        }
        let is_ours = trimmed.starts_with("--->") || trimmed.starts_with("--> ");
        if is_ours && trimmed.contains("Using cache") {
            if let Some(step) = self.current.as_mut().filter(|step| !step.cached) {
                step.cached = true;
                let what = What::StepCached { step: step.id.clone() };
                each(&BuildEvent { at: self.now, what });
            }
            return;
        }
        if is_ours || trimmed.starts_with("Removing intermediate container") {
            return;
        }
        if trimmed.starts_with("Successfully built ")
            || trimmed.starts_with("Successfully tagged ")
            || trimmed.starts_with("COMMIT ")
        {
            self.end(None, each);
            self.outcome.get_or_insert(Outcome::Built);
            return;
        }
        if let Some(error) = certain_error(trimmed) {
            self.end(Some(error.to_owned()), each);
            self.outcome = Some(Outcome::Failed);
            return;
        }
        self.output(line.text, each);
    }

    fn output(&mut self, text: &[u8], each: Each<'_>) {
        if !text.trim_ascii().is_empty() {
            self.last_line.clear();
            self.last_line.extend_from_slice(&text[..text.len().min(LAST_LINE)]);
        }
        let Some(current) = &self.current else { return };
        let event = self.output.get_or_insert_with(|| {
            let what = What::Log { step: String::new(), stream: Stream::Out, bytes: vec![] };
            BuildEvent { at: Duration::ZERO, what }
        });
        event.at = self.now;
        if let What::Log { step, bytes, .. } = &mut event.what {
            if *step != current.id {
                step.clone_from(&current.id);
            }
            bytes.clear();
            bytes.extend_from_slice(text);
            bytes.push(b'\n');
        }
        each(event);
    }

    fn begin(&mut self, name: String, each: Each<'_>) {
        if self.steps >= MOST_STEPS {
            return;
        }
        self.steps += 1;
        let id = self.steps.to_string();
        let before = if self.steps > 1 { vec![(self.steps - 1).to_string()] } else { vec![] };
        let at = self.now;
        each(&BuildEvent {
            at,
            what: What::StepPlanned { step: id.clone(), name, inputs: before },
        });
        each(&BuildEvent { at, what: What::StepStarted { step: id.clone() } });
        self.outcome = None;
        self.current = Some(Step { id, cached: false });
    }

    /// The size so far, and in the end the whole.
    fn sent(&mut self, size: &str, each: Each<'_>) {
        if !std::mem::replace(&mut self.context, true) {
            self.begin("[internal] load build context".to_owned(), each);
        }
        let (Some(bytes), Some(step)) = (figures::bytes(&size.replace(' ', "")), &self.current)
        else {
            return;
        };
        let task = "transferring context".to_owned();
        let step = step.id.clone();
        let what = What::Progress { step, task, current: bytes, total: None, done: true };
        each(&BuildEvent { at: self.now, what });
    }

    fn end(&mut self, error: Option<String>, each: Each<'_>) {
        let step = self.current.take().map_or_else(String::new, |step| step.id);
        if !step.is_empty() || error.is_some() {
            each(&BuildEvent { at: self.now, what: What::StepEnded { step, error } });
        }
    }

    pub(super) fn finish(mut self, last: Option<Duration>, each: Each<'_>) {
        self.now = self.now.max(last.unwrap_or_default());
        let at = self.now;
        let last = String::from_utf8_lossy(&self.last_line);
        let error = texts::without_escapes(last.trim());
        if self.current.is_some() && likely_error(&error) {
            self.end(Some(error), each);
            self.outcome = Some(Outcome::Failed);
        }
        if let Some(outcome) = self.outcome {
            each(&BuildEvent { at, what: What::Ended { outcome } });
        }
    }
}

/// Whether a line begins with nothing that the builder itself writes.
fn is_output(text: &[u8]) -> bool {
    let Some(first) = text.trim_ascii_start().first() else { return true };
    !matches!(first, b'S' | b'-' | b'R' | b'C' | b'T' | b'A' | b'E' | b'e' | b'f' | 0x1b)
}

/// What the builder itself says when it gives up.
fn certain_error(text: &str) -> Option<&str> {
    let is_command =
        text.starts_with("The command '") && text.contains("returned a non-zero code: ");
    let starts = [
        "COPY failed: ",
        "ADD failed: ",
        "Error response from daemon: ",
        "error building at STEP",
        "Error: error building at STEP",
        "failed to build: ",
        "Error processing tar file",
        "error checking context: ",
        "ERROR: Error building",
    ];
    (is_command || starts.iter().any(|start| text.starts_with(start))).then_some(text)
}

/// What the last line of a log that ends within a step says when that is the reason.
fn likely_error(text: &str) -> bool {
    let text = text.to_lowercase();
    let words = [
        "error",
        "failed",
        "denied",
        "invalid",
        "not found",
        "no such",
        "unknown",
        "cannot",
        "unauthorized",
    ];
    words.iter().any(|word| text.contains(word))
}
