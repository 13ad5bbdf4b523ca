//! Two builds side by side, phase by phase.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::{BuildRecord, Missed, Part, Phase, StepRecord, Transfer};

/// So little time between steps is not worth a row.
const NOTHING_WORTH_A_ROW: Duration = Duration::from_millis(100);

/// A before/after table. The times of phases are those in which at least one of their steps ran:
/// phases overlap, so that what one of them took does not depend on what ran beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub before_label: String,
    pub after_label: String,
    pub rows: Vec<Row>,
    /// What was told and sent as the main context, before and after, when both builds say it.
    pub context: Option<(Transfer, Transfer)>,
    /// The steps that both builds or one of them ran, the largest change first.
    pub steps: Vec<StepChange>,
    /// Why steps of the later build ran again; `None` when that is not known of these two builds.
    pub missed: Option<Vec<Missed>>,
}

/// One step before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepChange {
    /// As the later build names it, where it has it.
    pub name: String,
    /// Time at work; `None` when the build has no such step.
    pub before: Option<Duration>,
    pub after: Option<Duration>,
    pub was_cached: bool,
    pub is_cached: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// A part of the build, or `None` for the total. Parts of the packages stand after their phase
    /// and are times within it.
    pub part: Option<Part>,
    pub before: Duration,
    pub after: Duration,
    /// Every step of the phase came from the cache in the later build.
    pub cached: bool,
}

impl Comparison {
    /// One row per part that occurs in either build, then the total.
    pub fn of(before: &BuildRecord, after: &BuildRecord) -> Comparison {
        let is_finer = before.tells_packages() || after.tells_packages();
        let times = |record: &BuildRecord| -> BTreeMap<Part, Duration> {
            let phases = record.by_phase().into_iter();
            let mut times: BTreeMap<Part, Duration> =
                phases.map(|(phase, busy)| (Part::Phase(phase), busy)).collect();
            if is_finer {
                let groups = record.by_packages().into_iter();
                times.extend(groups.map(|(groups, busy)| (Part::Packages(groups), busy)));
            }
            let nothing = record.unaccounted();
            if nothing >= NOTHING_WORTH_A_ROW {
                times.insert(Part::Unaccounted, nothing);
            }
            times
        };
        let (left, right) = (times(before), times(after));
        let parts = left.keys().chain(right.keys()).copied().collect::<BTreeSet<_>>();
        let mut parts: Vec<Part> = parts.into_iter().collect();
        parts.sort_by_key(|part| place(*part));
        let time =
            |map: &BTreeMap<Part, Duration>, part| map.get(&part).copied().unwrap_or_default();
        let mut rows: Vec<Row> = parts
            .into_iter()
            .map(|part| Row {
                part: Some(part),
                before: time(&left, part),
                after: time(&right, part),
                cached: all_cached(after, part),
            })
            .collect();
        rows.push(Row { part: None, before: before.total, after: after.total, cached: false });
        Comparison {
            before_label: before.label.clone(),
            after_label: after.label.clone(),
            rows,
            context: before.context().cloned().zip(after.context().cloned()),
            steps: step_changes(before, after),
            missed: None,
        }
    }
}

/// Where a part stands in a table: groups of packages right after their phase.
fn place(part: Part) -> (bool, Phase, Part) {
    match part {
        Part::Phase(phase) => (false, phase, part),
        Part::Packages(_) => (false, Phase::Packages, part),
        Part::Unaccounted => (true, Phase::CacheExport, part),
    }
}

/// A step's name without its place, wherever it stood: `[base 4/9] RUN x` is `RUN x`.
pub fn instruction_of(name: &str) -> &str {
    match name.split_once("] ") {
        Some((head, rest)) if head.contains('/') => rest,
        _ => name,
    }
}

fn step_changes(before: &BuildRecord, after: &BuildRecord) -> Vec<StepChange> {
    let ran = |record: &BuildRecord, step: &StepRecord| {
        step.started.map(|_| if step.cached { Duration::ZERO } else { step.active(record.total) })
    };
    // Each step has one twin at most: the first of the same instruction that is not taken yet.
    let mut twins: Vec<&StepRecord> = before.steps.iter().collect();
    let mut changes = Vec::new();
    for step in &after.steps {
        let name = instruction_of(&step.name);
        let at = twins.iter().position(|twin| instruction_of(&twin.name) == name);
        let twin = at.map(|at| twins.remove(at));
        changes.push(StepChange {
            name: step.name.clone(),
            before: twin.and_then(|twin| ran(before, twin)),
            after: ran(after, step),
            was_cached: twin.is_some_and(|twin| twin.cached),
            is_cached: step.cached,
        });
    }
    changes.extend(twins.into_iter().map(|twin| StepChange {
        name: twin.name.clone(),
        before: ran(before, twin),
        after: None,
        was_cached: twin.cached,
        is_cached: false,
    }));
    changes.retain(|change| change.before.is_some() || change.after.is_some());
    changes.sort_by_key(|change| std::cmp::Reverse(change.by()));
    changes
}

impl StepChange {
    /// How far the two times are apart.
    pub fn by(&self) -> Duration {
        let time = |time: Option<Duration>| time.unwrap_or_default();
        time(self.before).abs_diff(time(self.after))
    }

    /// How much longer the later build took for it; zero when it was not slower.
    pub fn slower_by(&self) -> Duration {
        self.after.unwrap_or_default().saturating_sub(self.before.unwrap_or_default())
    }
}

fn all_cached(build: &BuildRecord, part: Part) -> bool {
    let is_of = |step: &&StepRecord| match part {
        Part::Phase(phase) => step.phase == phase,
        Part::Packages(groups) => step.package_groups() == Some(groups),
        Part::Unaccounted => false,
    };
    let mut steps = build.steps.iter().filter(is_of).peekable();
    steps.peek().is_some() && steps.all(|step| step.cached)
}

/// How a time changed, in the word a person would use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// This many times faster, at least 1.05.
    Faster(f64),
    /// This many times slower, at least 1.05.
    Slower(f64),
    /// Less than 5 % apart, or less than 50 ms: nothing to tell.
    Same,
    /// It took no time before.
    New,
    /// It takes no time any more.
    Gone,
    /// It takes no time any more because the cache has it.
    Cached,
}

impl Row {
    /// How many times faster; `None` when the later one took no measurable time.
    pub fn ratio(&self) -> Option<f64> {
        let after = self.after.as_secs_f64();
        (after > 0.0005).then(|| self.before.as_secs_f64() / after)
    }

    pub fn change(&self) -> Change {
        const NOTHING: Duration = Duration::from_micros(500);
        const NOISE: Duration = Duration::from_millis(50);
        match (self.before, self.after) {
            (before, after) if before.abs_diff(after) < NOISE => Change::Same,
            (before, _) if before < NOTHING => Change::New,
            (_, after) if after < NOTHING && self.cached => Change::Cached,
            (_, after) if after < NOTHING => Change::Gone,
            (before, after) => {
                let ratio = before.as_secs_f64() / after.as_secs_f64();
                match ratio {
                    r if r >= 1.05 => Change::Faster(r),
                    r if r <= 1.0 / 1.05 => Change::Slower(1.0 / r),
                    _ => Change::Same,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_the_word_a_person_would_use() {
        let change = |before: u64, after: u64| {
            let (before, after) = (Duration::from_millis(before), Duration::from_millis(after));
            Row { part: None, before, after, cached: false }.change()
        };
        assert_eq!(change(10_000, 2_500), Change::Faster(4.0));
        assert_eq!(change(2_500, 10_000), Change::Slower(4.0));
        assert_eq!(change(10_000, 10_300), Change::Same);
        assert_eq!(change(10, 40), Change::Same);
        assert_eq!(change(0, 400), Change::New);
        assert_eq!(change(400, 0), Change::Gone);
        assert_eq!(change(0, 0), Change::Same);
    }

    #[test]
    fn steps_are_paired_by_their_instruction() {
        let record = |steps: &[(&str, u64, bool)]| {
            let mut record = BuildRecord::default();
            for &(name, seconds, cached) in steps {
                let started = record.total;
                let ended = started + Duration::from_secs(seconds);
                record.total = ended;
                record.steps.push(StepRecord {
                    id: name.into(),
                    name: name.into(),
                    started: Some(started),
                    ended: Some(ended),
                    cached,
                    ..StepRecord::default()
                });
            }
            record
        };
        let before = record(&[("[1/3] RUN a", 1, true), ("[2/3] RUN b", 9, false)]);
        let after = record(&[("[x 1/2] RUN a", 60, false), ("[x 2/2] RUN c", 2, false)]);
        let changes = Comparison::of(&before, &after).steps;
        let told: Vec<_> = changes
            .iter()
            .map(|change| (change.name.as_str(), change.by().as_secs(), change.was_cached))
            .collect();
        let expected =
            [("[x 1/2] RUN a", 60, true), ("[2/3] RUN b", 9, false), ("[x 2/2] RUN c", 2, false)];
        assert_eq!(told, expected);
        assert_eq!(changes[1].slower_by(), Duration::ZERO);
    }
}
