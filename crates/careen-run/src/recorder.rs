//! Folds the events of a running build into its record and writes them to its log.
//!
//! Output is written line by line, so that a secret cannot hide in the seam of two chunks. A log
//! that cannot be written never stops a build: the first error is told at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use careen_model::{
    BuildEvent, BuildRecord, LogFormat, PackageGroups, Phase, StepId, Stream, What,
};
use careen_syntax::dockerfile::package_groups_of_step;

use crate::Error;
use crate::history::{Begun, History, Project};
use crate::redaction::Redaction;

/// Output without a line end is written anyway at this size.
const LONGEST_LINE: usize = 64 << 10;

/// Takes the events of one build.
#[derive(Debug)]
pub struct Recorder {
    record: BuildRecord,
    begun: Begun,
    redaction: Redaction,
    /// What the present event may show.
    told: Vec<BuildEvent>,
    /// Output of steps that has not ended its line yet: step and whether it is standard error.
    open_lines: BTreeMap<(StepId, bool), Vec<u8>>,
    failed: Option<Error>,
}

/// What is known of a build before it starts.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Seconds since the Unix epoch.
    pub started_at: i64,
    pub image: Option<String>,
    pub engine: Option<String>,
    /// Values that must not be stored: build arguments, secrets.
    pub redaction: Redaction,
}

/// What became of the record of a build.
#[derive(Debug)]
pub struct Recorded {
    /// With its label; complete even where storing failed.
    pub record: BuildRecord,
    /// Why the record or its log is not, or not wholly, in the history.
    pub problem: Option<Error>,
}

impl Recorder {
    pub fn begin(history: &History, project: &Project, about: About) -> Result<Recorder, Error> {
        let begun = history.begin(project, about.started_at)?;
        Ok(Recorder::with(begun, about))
    }

    /// For a build that is read from a log of this form.
    pub fn begin_import(
        history: &History,
        project: &Project,
        about: About,
        format: LogFormat,
    ) -> Result<Recorder, Error> {
        let begun = history.begin_import(project, about.started_at, format)?;
        Ok(Recorder::with(begun, about))
    }

    /// Hides these values too, from now on and in the record.
    pub fn learn_secrets<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) {
        self.redaction.learn(values);
    }

    fn with(begun: Begun, about: About) -> Recorder {
        let record = BuildRecord {
            label: begun.label.clone(),
            started_at: about.started_at,
            image: about.image,
            engine: about.engine,
            ..BuildRecord::default()
        };
        let (redaction, open_lines) = (about.redaction, BTreeMap::new());
        Recorder { record, begun, redaction, open_lines, told: vec![], failed: None }
    }

    /// Takes one event, and gives what may be shown of it: secrets out, output in whole lines only,
    /// because half a line can hold half a secret. Never fails: see [`Recorded::problem`].
    pub fn event(&mut self, event: &BuildEvent) -> Vec<BuildEvent> {
        match &event.what {
            What::Log { step, stream, bytes } => {
                // Output leaves nothing in the record but its length.
                self.record.apply(event);
                self.output(event.at, step, *stream, bytes);
            }
            What::StepEnded { step, .. } => {
                self.close_lines(event.at, Some(step));
                self.plain(event);
            }
            _ => self.plain(event),
        }
        std::mem::take(&mut self.told)
    }

    /// The record so far.
    pub fn record(&self) -> &BuildRecord {
        &self.record
    }

    /// Stores what the events could not tell, such as the exit code and the image's digest.
    pub fn record_mut(&mut self) -> &mut BuildRecord {
        &mut self.record
    }

    /// Ends the recording, however the build ended, and stores it.
    pub fn finish(mut self, history: &History) -> Recorded {
        self.close_lines(self.record.total, None);
        let mut record = self.redaction.record(&self.record);
        for step in &mut record.steps {
            step.packages = packages_of(&step.name, step.phase);
        }
        let stored = history.finish(self.begun, &mut record);
        Recorded { record, problem: self.failed.or(stored.err()) }
    }

    fn plain(&mut self, event: &BuildEvent) {
        let event = self.redaction.event(event);
        self.record.apply(&event);
        self.write(event);
    }

    fn output(&mut self, at: Duration, step: &str, stream: Stream, bytes: &[u8]) {
        let line = self.open_lines.entry((step.to_owned(), stream == Stream::Err)).or_default();
        line.extend_from_slice(bytes);
        // Progress bars end their lines with a carriage return only.
        let end = line.iter().rposition(|&byte| byte == b'\n' || byte == b'\r');
        let end = match end {
            Some(end) => end + 1,
            None if line.len() > LONGEST_LINE => line.len(),
            None => return,
        };
        let rest = line.split_off(end);
        let whole = std::mem::replace(line, rest);
        self.write_output(at, step, stream, whole);
    }

    fn close_lines(&mut self, at: Duration, of: Option<&str>) {
        let is_asked = |step: &str| of.is_none_or(|asked| asked == step);
        let open = std::mem::take(&mut self.open_lines);
        let (closing, open) = open.into_iter().partition(|((step, _), _)| is_asked(step));
        self.open_lines = open;
        let closing: BTreeMap<(StepId, bool), Vec<u8>> = closing;
        for ((step, is_err), line) in closing {
            let stream = if is_err { Stream::Err } else { Stream::Out };
            if !line.is_empty() {
                self.write_output(at, &step, stream, line);
            }
        }
    }

    fn write_output(&mut self, at: Duration, step: &str, stream: Stream, bytes: Vec<u8>) {
        let what = What::Log { step: step.to_owned(), stream, bytes };
        let event = self.redaction.event(&BuildEvent { at, what });
        self.write(event);
    }

    fn write(&mut self, event: BuildEvent) {
        if self.failed.is_none() {
            self.failed = self.begun.log.write(&event).err();
        }
        self.told.push(event);
    }
}

/// What a step installs, for steps of the one phase that is told in groups.
pub(crate) fn packages_of(name: &str, phase: Phase) -> PackageGroups {
    match phase {
        Phase::Packages => package_groups_of_step(name),
        _ => PackageGroups::default(),
    }
}

#[cfg(test)]
mod tests;
