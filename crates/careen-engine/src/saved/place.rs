//! When a step ran, for logs that tell durations only.
//!
//! An engine begins a step as soon as what it needs is there, so a step begins when the last of
//! its inputs ended. The names tell most inputs: the step before it in its stage, the context for a
//! `COPY`, a stage for `--from`. Where they do not, a step begins when the log first tells of it.

use std::collections::HashMap;
use std::time::Duration;

use careen_model::{Phase, phase_of};

use super::figures;

/// Engines tell of ends at this distance, so lines a little out of order mean nothing.
const TICK: Duration = Duration::from_millis(150);

/// The steps told so far and their ends.
#[derive(Debug, Default)]
pub(super) struct Places {
    steps: Vec<Placed>,
    /// The last step of each stage so far.
    stages: HashMap<String, usize>,
    context: Option<usize>,
    /// End of the newest of the steps that come before everything else, such as metadata.
    prepared: Option<Duration>,
    /// The newest time that is known.
    pub(super) now: Duration,
    /// The newest end.
    last_end: Duration,
}

#[derive(Debug)]
struct Placed {
    phase: Phase,
    inputs: Vec<usize>,
    end: Option<Duration>,
    /// The last of its stage, on which another one may go on.
    is_last: bool,
    /// The first of a stage that continues another stage, which the log does not name.
    is_branch: bool,
    told_at: Duration,
}

impl Places {
    /// Adds a step that the log tells of now; returns its index.
    pub(super) fn add(&mut self, name: &str) -> usize {
        let phase = phase_of(name);
        let index = self.steps.len();
        let mut inputs = Vec::new();
        let place = figures::place(name);
        let mut is_branch = false;
        let mut is_last = false;
        if let Some((stage, number, of)) = place {
            is_last = number == of;
            let before = self.stages.insert(stage.to_owned(), index);
            inputs.extend(before.filter(|_| number > 1));
            is_branch = before.is_none() && phase != Phase::Base;
        }
        if phase == Phase::Files && !name.contains(" --from=") && !name.contains(" WORKDIR ") {
            inputs.extend(self.context);
        }
        for stage in named_stages(name) {
            let last =
                self.stages.iter().filter(|(label, _)| label.rsplit(' ').next() == Some(stage));
            inputs.extend(last.map(|(_, index)| *index).max());
        }
        if phase == Phase::Context {
            self.context.get_or_insert(index);
        }
        inputs.retain(|input| *input != index);
        inputs.sort_unstable();
        inputs.dedup();
        let told_at = self.now;
        self.steps.push(Placed { phase, inputs, end: None, is_last, is_branch, told_at });
        index
    }

    pub(super) fn inputs(&self, index: usize) -> &[usize] {
        &self.steps[index].inputs
    }

    /// When the step began; `took` is its duration, when the log tells it now.
    pub(super) fn start(&self, index: usize, took: Option<Duration>) -> Duration {
        let step = &self.steps[index];
        if matches!(step.phase, Phase::Base | Phase::Context) {
            return self.prepared.unwrap_or(step.told_at).min(step.told_at);
        }
        let ends: Option<Vec<Duration>> =
            step.inputs.iter().map(|input| self.steps[*input].end).collect();
        let ready = ends.and_then(|ends| ends.into_iter().max());
        match (ready, took) {
            (Some(ready), _) if !step.is_branch => ready,
            (ready, Some(took)) if step.is_branch => self.branch(index, ready, took),
            _ => step.told_at,
        }
    }

    /// A branch began when one of the stages before it ended, and ends are told in their order: so
    /// at the earliest of these that lets it end after what was told before it.
    fn branch(&self, index: usize, ready: Option<Duration>, took: Duration) -> Duration {
        let step = &self.steps[index];
        let ready = ready.unwrap_or_default();
        let ends = self.steps.iter().filter(|other| other.is_last).filter_map(|other| other.end);
        let starts = ends.map(|end| end.max(ready));
        let is_possible = |start: &Duration| {
            *start <= step.told_at.max(ready) && *start + took + TICK >= self.last_end
        };
        starts.filter(is_possible).min().unwrap_or(step.told_at.max(ready))
    }

    pub(super) fn end(&mut self, index: usize, at: Duration) {
        let step = &mut self.steps[index];
        step.end = Some(step.end.unwrap_or(at).max(at));
        if step.phase == Phase::Prepare {
            self.prepared = Some(self.prepared.unwrap_or(at).max(at));
        }
        self.last_end = self.last_end.max(at);
        self.now = self.now.max(at);
    }
}

/// The stages that a step reads from: `COPY --from=x`, `RUN --mount=type=bind,from=x,…`.
fn named_stages(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split("from=").skip(1);
    parts.map(|rest| rest.split([' ', ',']).next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_step_begins_when_what_it_needs_is_there() {
        let mut places = Places::default();
        let mut ran = |name: &str, seconds: u32| {
            let index = places.add(name);
            let start = places.start(index, Some(SECOND * seconds));
            places.end(index, start + SECOND * seconds);
            start.as_secs()
        };
        assert_eq!(ran("[internal] load metadata for x", 1), 0);
        assert_eq!(ran("[base 1/2] FROM x", 4), 1);
        assert_eq!(ran("[internal] load build context", 20), 1);
        assert_eq!(ran("[base 2/2] RUN make", 3), 5);
        assert_eq!(ran("[app 1/2] COPY . .", 1), 21);
        // A stage on top of another one, told after the context although it ran beside it.
        assert_eq!(ran("[tools 1/2] RUN cc", 15), 8);
        assert_eq!(ran("[tools 2/2] COPY --from=base /a /a", 1), 23);
        assert_eq!(ran("exporting to image", 1), 24);
    }
}
