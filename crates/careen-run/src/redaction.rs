//! Takes secrets out of events and records before anything is written.

use careen_model::{BuildEvent, BuildRecord, What, redact};

/// Values shorter than this are not looked for: taking `dev` or `1` out would ruin every line.
const SHORTEST: usize = 4;

/// A value that a text gives away is looked for elsewhere when it is longer than this.
const LEARNED: usize = 8;

/// Each value costs a search through every line.
const MOST_LEARNED: usize = 1000;

/// The lines of a key are looked for one by one; those of a whole bundle of certificates are not,
/// because they are many, and public.
const MOST_LINES: usize = 100;

/// What to hide besides everything that is recognised as a secret by its shape.
#[derive(Clone, Default)]
pub struct Redaction {
    /// Longest first, so that a value that contains another one is hidden whole.
    values: Vec<String>,
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redaction({} values)", self.values.len())
    }
}

impl Redaction {
    /// Hides these exact values, such as those of build arguments and secrets.
    pub fn of(values: impl IntoIterator<Item = String>) -> Redaction {
        let mut parts = Vec::new();
        for value in values {
            let value = value.trim();
            parts.push(value.to_owned());
            let lines = value.lines().count();
            if (2..=MOST_LINES).contains(&lines) {
                // Headers such as `-----BEGIN` say nothing; taking them out does no harm either.
                parts.extend(value.lines().map(|line| line.trim().to_owned()));
            }
        }
        let mut values = parts;
        values.retain(|value| value.len() >= SHORTEST);
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Redaction { values }
    }

    /// Hides these values too: a text gave them away by a name that says they are secret.
    ///
    /// Short ones are left out: such as `postgres` they are words of every other line.
    pub fn learn<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) {
        for value in values {
            let is_new = !self.values.iter().any(|known| known == value);
            if value.len() > LEARNED && is_new && self.values.len() < MOST_LEARNED {
                self.values.push(value.to_owned());
                self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
            }
        }
    }

    pub fn text(&self, text: &str) -> String {
        let mut text = redact::text(text).into_owned();
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), redact::MARK);
            }
        }
        text
    }

    fn optional(&self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.text(text))
    }

    /// The same event with nothing secret in its texts. Output that is not UTF-8 is replaced.
    pub fn event(&self, event: &BuildEvent) -> BuildEvent {
        let what = match event.what.clone() {
            What::StepPlanned { step, name, inputs } => {
                What::StepPlanned { step, name: self.text(&name), inputs }
            }
            What::Progress { step, task, current, total, done } => {
                What::Progress { step, task: self.text(&task), current, total, done }
            }
            What::Log { step, stream, bytes } => {
                let text = self.text(&String::from_utf8_lossy(&bytes));
                What::Log { step, stream, bytes: text.into_bytes() }
            }
            What::StepEnded { step, error } => {
                What::StepEnded { step, error: self.optional(error.as_ref()) }
            }
            What::Warned { message } => What::Warned { message: self.text(&message) },
            What::Sent(mut transfer) => {
                transfer.faults = transfer.faults.iter().map(|fault| self.text(fault)).collect();
                What::Sent(transfer)
            }
            plain @ (What::StepStarted { .. } | What::StepCached { .. } | What::Ended { .. }) => {
                plain
            }
        };
        BuildEvent { at: event.at, what }
    }

    /// The same record with nothing secret in its texts.
    pub fn record(&self, record: &BuildRecord) -> BuildRecord {
        let mut clean = record.clone();
        for step in &mut clean.steps {
            step.name = self.text(&step.name);
            step.error = self.optional(step.error.as_ref());
            for task in &mut step.tasks {
                task.name = self.text(&task.name);
            }
        }
        for transfer in &mut clean.transfers {
            transfer.faults = transfer.faults.iter().map(|fault| self.text(fault)).collect();
        }
        clean.warnings = clean.warnings.iter().map(|warning| self.text(warning)).collect();
        clean.error = self.optional(clean.error.as_ref());
        clean.image = self.optional(clean.image.as_ref());
        clean.engine = self.optional(clean.engine.as_ref());
        clean
    }
}
