//! How the builds of a project go: the usual time, and builds that fall out of it.

use std::time::Duration;

use crate::{BuildRecord, Comparison, StepChange};

/// So many builds before one tell what is usual.
const WINDOW: usize = 5;

/// Slower by less than this share and this time is noise.
const RATIO: f64 = 1.3;
const LEAST: Duration = Duration::from_secs(2);

/// A build that took longer than the ones before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowDown {
    /// Index of the slow build in the list that was given.
    pub slow: usize,
    /// Index of the earlier build of the usual time, to be compared with.
    pub usual: usize,
    pub ratio: f64,
}

/// What the times of a list of builds say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Median of the first half.
    pub before: Duration,
    /// Median of the second half.
    pub now: Duration,
}

/// The slow builds among `totals`, oldest first. `None` stands for a build that does not count:
/// failed, interrupted, or read from a log of another machine.
///
/// A build is slow when it took 1.3 times the median of up to five counted builds before it, and
/// two seconds longer. It takes two builds before it to call one slow.
pub fn slow_downs(totals: &[Option<Duration>]) -> Vec<SlowDown> {
    let mut slow = Vec::new();
    let mut before: Vec<(Duration, usize)> = Vec::new();
    for (i, total) in totals.iter().enumerate() {
        let Some(total) = *total else { continue };
        let window = &before[before.len().saturating_sub(WINDOW)..];
        let mut sorted = window.to_vec();
        sorted.sort_unstable();
        if let Some(&(usual_time, usual)) =
            sorted.get(sorted.len() / 2).filter(|_| sorted.len() > 1)
        {
            let ratio = total.as_secs_f64() / usual_time.as_secs_f64().max(0.001);
            if ratio >= RATIO && total.saturating_sub(usual_time) >= LEAST {
                slow.push(SlowDown { slow: i, usual, ratio });
            }
        }
        before.push((total, i));
    }
    slow
}

/// The medians of the two halves of the counted builds, oldest first; `None` below six.
pub fn trend(totals: &[Option<Duration>]) -> Option<Trend> {
    let counted: Vec<Duration> = totals.iter().flatten().copied().collect();
    if counted.len() < 6 {
        return None;
    }
    let (first, second) = counted.split_at(counted.len() / 2);
    let median = |half: &[Duration]| {
        let mut half = half.to_vec();
        half.sort_unstable();
        half[half.len() / 2]
    };
    Some(Trend { before: median(first), now: median(second) })
}

/// The step that made `slow` slower than `usual`; `None` when no step tells of a tenth of it.
pub fn cause(usual: &BuildRecord, slow: &BuildRecord) -> Option<StepChange> {
    let lost = slow.total.saturating_sub(usual.total);
    let steps = Comparison::of(usual, slow).steps;
    let worst = steps.into_iter().max_by_key(StepChange::slower_by)?;
    (worst.slower_by() * 10 >= lost && !worst.slower_by().is_zero()).then_some(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(list: &[u64]) -> Vec<Option<Duration>> {
        list.iter().map(|&s| (s > 0).then(|| Duration::from_secs(s))).collect()
    }

    #[test]
    fn a_slow_build_is_told_against_the_usual_one() {
        let found = |list: &[u64]| -> Vec<(usize, usize)> {
            slow_downs(&seconds(list)).iter().map(|slow| (slow.slow, slow.usual)).collect()
        };
        assert_eq!(found(&[10, 10, 11, 30, 10]), [(3, 1)]);
        assert_eq!(found(&[10, 0, 10, 0, 30]), [(4, 2)]);
        assert_eq!(found(&[10, 30]), [], "one build before is no habit");
        assert_eq!(found(&[1, 1, 2]), [], "a second is noise");
        assert_eq!(found(&[100, 100, 110]), []);
        assert_eq!(found(&[]), []);
    }

    #[test]
    fn a_trend_needs_some_builds() {
        assert_eq!(trend(&seconds(&[1, 2, 3, 4, 5])), None);
        let trend = trend(&seconds(&[10, 10, 10, 0, 20, 20, 20])).unwrap();
        assert_eq!((trend.before.as_secs(), trend.now.as_secs()), (10, 20));
    }
}
