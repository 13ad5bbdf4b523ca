//! Takes secrets out of events and records before anything is written.

use careen_model::{BuildEvent, BuildRecord, SecretValues, What, redact};

/// A value that a text gives away is looked for elsewhere when it is longer than this.
const LEARNED: usize = 8;

/// Each value costs a search through every line.
const MOST_LEARNED: usize = 1000;

/// What to hide besides everything that is recognised as a secret by its shape.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    values: SecretValues,
}

impl Redaction {
    /// Hides these exact values, such as those of build arguments and secrets.
    pub fn of(values: impl IntoIterator<Item = String>) -> Redaction {
        let values: Vec<String> = values.into_iter().collect();
        Redaction { values: SecretValues::new(values.iter().map(String::as_bytes)) }
    }

    /// Hides these values too: a text gave them away by a name that says they are secret.
    ///
    /// Short ones are left out: such as `postgres` they are words of every other line.
    pub fn learn<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) {
        for value in values {
            if value.len() > LEARNED && self.values.len() < MOST_LEARNED {
                self.values.add(value.as_bytes());
            }
        }
    }

    pub fn text(&self, text: &str) -> String {
        self.values.text(&redact::text(text))
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
