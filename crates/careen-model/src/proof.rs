//! A proof that one state of a project builds faster than another, and builds the same thing.

use std::time::Duration;

use crate::{Comparison, Part};

/// Two states of one project, built in turns under the same conditions.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// How the states are called: `before fix 0003`, `git v1.2`, `docker/Dockerfile.new`.
    pub before: String,
    pub after: String,
    pub engine: Option<String>,
    /// What lies between the two states, where the states after each of them were built too: the
    /// fixes in their order, those that cannot be told apart as one. Empty where none were.
    pub fixes: Vec<String>,
    /// In the order they were run.
    pub scenarios: Vec<Measured>,
    pub content: Content,
    /// What was the same for both, in sentences.
    pub held_equal: Vec<String>,
    pub cleaned: Cleaned,
}

/// What became of the things that a proof made in the engine, when it had ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Records of the build cache that are gone.
    pub removed: Vec<CacheRow>,
    /// Records that stay, and why.
    pub left: Vec<(CacheRow, String)>,
    /// Everything else that stays, in words.
    pub problems: Vec<String>,
}

/// A record of the build cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheRow {
    pub id: String,
    pub bytes: u64,
    /// What made it, by the engine's word.
    pub description: String,
}

impl Cleaned {
    pub fn removed_bytes(&self) -> u64 {
        self.removed.iter().map(|row| row.bytes).sum()
    }

    pub fn left_bytes(&self) -> u64 {
        self.left.iter().map(|(row, _)| row.bytes).sum()
    }
}

/// What happened to the project before a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// No step and no cache mount to use; the base image is there.
    Cold,
    /// Nothing at all.
    NothingChanged,
    /// One line of one source file.
    SourceChanged,
    /// One line of the lock file, with the same packages.
    LockChanged,
    /// One more small package.
    DependencyAdded,
    /// The lock file, and all cache mounts are empty.
    CacheMountsLost,
}

/// The builds of one scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub scenario: Scenario,
    /// What was changed, such as `src/hoops/cli.py: a comment`; for a skipped one, why.
    pub note: String,
    /// Wall times of the two builds of each round, before and after; none when it was skipped.
    pub pairs: Vec<(Duration, Duration)>,
    /// Wall times of the states in between, one list for each, one time for each round.
    pub between: Vec<Vec<Duration>>,
    /// The same as `pairs` for each part of the build: time in which at least one of its steps ran.
    pub parts: Vec<(Part, Vec<(Duration, Duration)>)>,
    /// Phases of the two builds whose times are the medians.
    pub comparison: Option<Comparison>,
}

/// How many times faster, from paired builds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Of the ratios of the pairs.
    pub median: f64,
    /// 95 % interval of the mean ratio, by Student's t over the logarithms; `None` for one pair.
    pub interval: Option<(f64, f64)>,
}

/// What one fix removed from the wall time of a scenario, or added to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// Medians of the state before the fix and of the one after it: the gains of a scenario go
    /// from one of its medians to the other without a gap.
    pub before: Duration,
    pub after: Duration,
    /// Of the pairs of builds before and after the fix.
    pub ratio: Option<Ratio>,
}

/// Whether both states build the same files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Content {
    /// Why it was not compared. Then nothing is said about it.
    pub unknown: Option<String>,
    /// Entries of the two images.
    pub entries: (usize, usize),
    /// The first ones by package and path, those that no package owns last.
    pub differences: Vec<Difference>,
    /// Packages with files that differ, and how many; all of them.
    pub packages: Vec<(String, usize)>,
    /// All of them.
    pub different: usize,
    /// Differences in places that differ from build to build, with the reason; they do not count.
    pub volatile: Vec<(&'static str, usize)>,
    /// Settings of the image that differ: name, before, after.
    pub settings: Vec<(String, String, String)>,
}

/// One path that is not the same in both images.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// `numpy 2.1.0 (Python)`, `libgomp1 12.2.0-14 (Debian)`; empty where no package owns it.
    pub package: String,
    pub path: String,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    OnlyBefore,
    OnlyAfter,
    /// A file here, a folder or a link there.
    Kind,
    Content,
    Mode,
    Owner,
    LinkTarget,
    Attributes,
}

/// What a proof comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same content; a scenario is faster beyond doubt (the whole interval), none slower.
    Faster,
    /// The same content, and no scenario differs beyond doubt.
    NoDifference,
    /// The same content, and a scenario is slower beyond doubt.
    Slower,
    /// Not the same content: the times compare two different things.
    NotTheSame,
    /// The content could not be compared.
    Unknown,
}

impl Scenario {
    pub const ALL: [Scenario; 6] = [
        Scenario::Cold,
        Scenario::NothingChanged,
        Scenario::SourceChanged,
        Scenario::LockChanged,
        Scenario::DependencyAdded,
        Scenario::CacheMountsLost,
    ];

    /// As on the command line and in machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::Cold => "cold",
            Scenario::NothingChanged => "nothing-changed",
            Scenario::SourceChanged => "source-changed",
            Scenario::LockChanged => "lock-changed",
            Scenario::DependencyAdded => "dependency-added",
            Scenario::CacheMountsLost => "cache-mounts-lost",
        }
    }
}

impl How {
    pub const ALL: [How; 8] = [
        How::OnlyBefore,
        How::OnlyAfter,
        How::Kind,
        How::Content,
        How::Mode,
        How::Owner,
        How::LinkTarget,
        How::Attributes,
    ];

    pub fn name(self) -> &'static str {
        match self {
            How::OnlyBefore => "only before",
            How::OnlyAfter => "only after",
            How::Kind => "another kind of file",
            How::Content => "another content",
            How::Mode => "other permissions",
            How::Owner => "another owner",
            How::LinkTarget => "another link target",
            How::Attributes => "other extended attributes",
        }
    }
}

impl Content {
    pub fn is_same(&self) -> bool {
        self.unknown.is_none() && self.different == 0 && self.settings.is_empty()
    }
}

impl Proof {
    pub fn verdict(&self) -> Verdict {
        if self.content.unknown.is_some() {
            return Verdict::Unknown;
        }
        if !self.content.is_same() {
            return Verdict::NotTheSame;
        }
        let intervals = self.scenarios.iter().filter_map(|measured| measured.ratio()?.interval);
        if intervals.clone().any(|(_, high)| high < 1.0) {
            Verdict::Slower
        } else if intervals.clone().any(|(low, _)| low > 1.0) {
            Verdict::Faster
        } else {
            Verdict::NoDifference
        }
    }
}

impl Measured {
    /// Times of a part in each pair of builds; `None` is the whole build.
    pub fn pairs_of(&self, part: Option<Part>) -> &[(Duration, Duration)] {
        match part {
            None => &self.pairs,
            Some(part) => {
                let known = self.parts.iter().find(|(known, _)| *known == part);
                known.map_or(&[], |(_, pairs)| pairs)
            }
        }
    }

    /// `None` without a pair, or with a build that took no time.
    pub fn ratio(&self) -> Option<Ratio> {
        Ratio::of(self.pairs.iter().copied())
    }

    /// What each fix removed, in the order of [`Proof::fixes`]; nothing where the states between
    /// were not built.
    pub fn gains(&self) -> Vec<Gain> {
        if self.between.is_empty() || self.pairs.is_empty() {
            return vec![];
        }
        let (first, last) = self.pairs.iter().copied().unzip();
        let mut states: Vec<&[Duration]> = self.between.iter().map(Vec::as_slice).collect();
        let ends: (Vec<Duration>, Vec<Duration>) = (first, last);
        states.insert(0, &ends.0);
        states.push(&ends.1);
        let middle = |times: &[Duration]| {
            let times: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
            Duration::from_secs_f64(if times.is_empty() { 0.0 } else { median(times) })
        };
        let gain = |pair: &[&[Duration]]| Gain {
            before: middle(pair[0]),
            after: middle(pair[1]),
            ratio: Ratio::of(pair[0].iter().copied().zip(pair[1].iter().copied())),
        };
        states.windows(2).map(gain).collect()
    }

    /// Median wall time before and after; `None` without a pair.
    pub fn medians(&self) -> Option<(Duration, Duration)> {
        let of = |pick: fn(&(Duration, Duration)) -> Duration| {
            let times: Vec<f64> = self.pairs.iter().map(|pair| pick(pair).as_secs_f64()).collect();
            (!times.is_empty()).then(|| Duration::from_secs_f64(median(times)))
        };
        Some((of(|pair| pair.0)?, of(|pair| pair.1)?))
    }
}

impl Ratio {
    fn of(pairs: impl Iterator<Item = (Duration, Duration)>) -> Option<Ratio> {
        let ratios: Vec<f64> =
            pairs.map(|(before, after)| before.as_secs_f64() / after.as_secs_f64()).collect();
        let is_usable = |ratio: &f64| ratio.is_finite() && *ratio > 0.0;
        if ratios.is_empty() || !ratios.iter().all(is_usable) {
            return None;
        }
        Some(Ratio { median: median(ratios.clone()), interval: interval(&ratios) })
    }
}

impl Gain {
    /// Seconds that are gone; less than nothing where the fix added some.
    pub fn removed(&self) -> f64 {
        self.before.as_secs_f64() - self.after.as_secs_f64()
    }

    /// Whether all of the interval lies on one side of 1: one pair never does.
    pub fn is_sure(&self) -> bool {
        let interval = self.ratio.and_then(|ratio| ratio.interval);
        interval.is_some_and(|(low, high)| low > 1.0 || high < 1.0)
    }
}

/// The middle value; the mean of the two middle ones of an even number. Not for an empty list.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// 97.5 % quantiles of Student's t for 1, 2, … degrees of freedom, as every textbook has them.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

#[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
fn interval(ratios: &[f64]) -> Option<(f64, f64)> {
    let n = ratios.len();
    let freedom = n.checked_sub(1).filter(|&freedom| freedom > 0)?;
    let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let mean = logarithms.iter().sum::<f64>() / n as f64;
    let squares = logarithms.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let error = (squares / freedom as f64 / n as f64).sqrt();
    // Beyond the table the normal distribution is less than 4 % away.
    let quantile = STUDENT.get(freedom - 1).copied().unwrap_or(1.960);
    Some(((mean - quantile * error).exp(), (mean + quantile * error).exp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(pairs: &[(u64, u64)]) -> Measured {
        let pair = |&(before, after): &(u64, u64)| {
            (Duration::from_millis(before), Duration::from_millis(after))
        };
        let pairs = pairs.iter().map(pair).collect();
        Measured {
            scenario: Scenario::Cold,
            note: String::new(),
            pairs,
            between: vec![],
            parts: vec![],
            comparison: None,
        }
    }

    #[test]
    fn ratios_of_pairs() {
        let check = |pairs: &[(u64, u64)], expected: &str| {
            let shown = match measured(pairs).ratio() {
                None => "none".to_owned(),
                Some(Ratio { median, interval: None }) => format!("{median:.2}"),
                Some(Ratio { median, interval: Some((low, high)) }) => {
                    format!("{median:.2} [{low:.2}, {high:.2}]")
                }
            };
            assert_eq!(shown, expected);
        };
        check(&[], "none");
        check(&[(10, 0)], "none");
        check(&[(3000, 1000)], "3.00");
        // ln 2, ln 4, ln 8: mean ln 4, s = ln 2, so 4 · 2^(±4.303/√3).
        check(&[(2, 1), (4, 1), (8, 1)], "4.00 [0.71, 22.38]");
        check(&[(100, 50), (102, 51), (98, 49), (100, 50)], "2.00 [2.00, 2.00]");
    }

    #[test]
    fn the_gains_of_fixes_lead_from_one_median_to_the_other() {
        let times = |all: &[u64]| all.iter().copied().map(Duration::from_millis).collect();
        let mut one = measured(&[(9000, 1000), (9200, 1100), (8800, 900)]);
        assert_eq!(one.gains(), []);
        one.between = vec![times(&[4000, 4100, 3900]), times(&[4200, 4000, 4100])];
        let gains = one.gains();
        let medians: Vec<_> =
            gains.iter().map(|it| (it.before.as_millis(), it.after.as_millis())).collect();
        assert_eq!(medians, [(9000, 4000), (4000, 4100), (4100, 1000)]);
        assert_eq!(gains.iter().map(Gain::is_sure).collect::<Vec<_>>(), [true, false, true]);
        let (before, after) = one.medians().unwrap();
        let removed: f64 = gains.iter().map(Gain::removed).sum();
        assert!((removed - (before.as_secs_f64() - after.as_secs_f64())).abs() < 1e-9);
        one.pairs.truncate(1);
        one.between = vec![times(&[4000]), times(&[4200])];
        assert!(!one.gains()[0].is_sure(), "one pair is no proof");
    }

    #[test]
    fn a_verdict_needs_the_same_content_first() {
        let proof = |pairs: &[(u64, u64)], content: Content| Proof {
            before: "a".into(),
            after: "b".into(),
            engine: None,
            fixes: vec![],
            scenarios: vec![measured(pairs)],
            content,
            held_equal: vec![],
            cleaned: Cleaned::default(),
        };
        let same = Content::default;
        assert_eq!(proof(&[(4, 2), (4, 2)], same()).verdict(), Verdict::Faster);
        assert_eq!(proof(&[(2, 4), (2, 4)], same()).verdict(), Verdict::Slower);
        assert_eq!(proof(&[(9, 2), (2, 4)], same()).verdict(), Verdict::NoDifference);
        assert_eq!(
            proof(&[(9, 2)], same()).verdict(),
            Verdict::NoDifference,
            "one pair is no proof"
        );
        let other = Content { different: 1, ..same() };
        assert_eq!(proof(&[(4, 2)], other).verdict(), Verdict::NotTheSame);
        let unknown = Content { unknown: Some("no engine".into()), ..same() };
        assert_eq!(proof(&[(4, 2)], unknown).verdict(), Verdict::Unknown);
    }
}
