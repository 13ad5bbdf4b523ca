//! Two builds side by side, phase by phase.

use std::time::Duration;

use crate::{BuildRecord, Phase, Transfer};

/// A before/after table. Times are wall time of each phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub before_label: String,
    pub after_label: String,
    pub rows: Vec<Row>,
    /// What was told and sent as the main context, before and after, when both builds say it.
    pub context: Option<(Transfer, Transfer)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// A phase, or `None` for the total.
    pub phase: Option<Phase>,
    pub before: Duration,
    pub after: Duration,
    /// Every step of the phase came from the cache in the later build.
    pub cached: bool,
}

impl Comparison {
    /// One row per phase that occurs in either build, then the total.
    pub fn of(before: &BuildRecord, after: &BuildRecord) -> Comparison {
        let (left, right) = (before.by_phase(), after.by_phase());
        let phases =
            Phase::ALL.into_iter().filter(|p| left.contains_key(p) || right.contains_key(p));
        let time = |map: &std::collections::BTreeMap<Phase, Duration>, phase: Phase| {
            map.get(&phase).copied().unwrap_or_default()
        };
        let mut rows: Vec<Row> = phases
            .map(|phase| Row {
                phase: Some(phase),
                before: time(&left, phase),
                after: time(&right, phase),
                cached: all_cached(after, phase),
            })
            .collect();
        rows.push(Row { phase: None, before: before.total, after: after.total, cached: false });
        Comparison {
            before_label: before.label.clone(),
            after_label: after.label.clone(),
            rows,
            context: before.context().cloned().zip(after.context().cloned()),
        }
    }
}

fn all_cached(build: &BuildRecord, phase: Phase) -> bool {
    let mut steps = build.steps.iter().filter(|step| step.phase == phase).peekable();
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
            Row { phase: None, before, after, cached: false }.change()
        };
        assert_eq!(change(10_000, 2_500), Change::Faster(4.0));
        assert_eq!(change(2_500, 10_000), Change::Slower(4.0));
        assert_eq!(change(10_000, 10_300), Change::Same);
        assert_eq!(change(10, 40), Change::Same);
        assert_eq!(change(0, 400), Change::New);
        assert_eq!(change(400, 0), Change::Gone);
        assert_eq!(change(0, 0), Change::Same);
    }
}
