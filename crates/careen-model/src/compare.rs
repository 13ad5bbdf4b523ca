//! Two builds side by side, phase by phase.

use std::time::Duration;

use crate::{BuildRecord, Phase};

/// A before/after table. Times are wall time of each phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub before_label: String,
    pub after_label: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// A phase, or `None` for the total.
    pub phase: Option<Phase>,
    pub before: Duration,
    pub after: Duration,
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
            })
            .collect();
        rows.push(Row { phase: None, before: before.total, after: after.total });
        Comparison { before_label: before.label.clone(), after_label: after.label.clone(), rows }
    }
}

impl Row {
    /// How many times faster; `None` when the later one took no measurable time.
    pub fn ratio(&self) -> Option<f64> {
        let after = self.after.as_secs_f64();
        (after > 0.0005).then(|| self.before.as_secs_f64() / after)
    }
}
