//! A proof as JSON.

use careen_model::{CacheRow, Cleaned, Content, Gain, Measured, Proof, ProofVerdict};
use serde::Serialize;

use super::builds::Table;
use super::value::{round, seconds};
use crate::ProofShown;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    before: &'a str,
    after: &'a str,
    engine: Option<&'a str>,
    /// `faster`, `no-difference`, `slower`, `not-the-same` or `unknown`.
    verdict: &'static str,
    /// What lies between the two states, where the states after each were built too: fixes in
    /// their order, those that cannot be told apart in one text.
    fixes: &'a [String],
    scenarios: Vec<Row<'a>>,
    content: Same<'a>,
    held_equal: &'a [String],
    engine_cleaned: EngineCleaned<'a>,
}

/// What became of the things that the proof made in the engine.
#[derive(Serialize)]
struct EngineCleaned<'a> {
    /// Records of the build cache that are gone.
    removed_bytes: u64,
    removed: Vec<CacheRecord<'a>>,
    left: Vec<CacheRecord<'a>>,
    problems: &'a [String],
}

#[derive(Serialize)]
struct CacheRecord<'a> {
    id: &'a str,
    bytes: u64,
    description: &'a str,
    /// Why it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

impl<'a> From<&'a Cleaned> for EngineCleaned<'a> {
    fn from(cleaned: &'a Cleaned) -> EngineCleaned<'a> {
        let record = |row: &'a CacheRow, why: Option<&'a str>| CacheRecord {
            id: &row.id,
            bytes: row.bytes,
            description: &row.description,
            why,
        };
        EngineCleaned {
            removed_bytes: cleaned.removed_bytes(),
            removed: cleaned.removed.iter().map(|row| record(row, None)).collect(),
            left: cleaned.left.iter().map(|(row, why)| record(row, Some(why))).collect(),
            problems: &cleaned.problems,
        }
    }
}

/// A proof that was made earlier.
#[derive(Serialize)]
pub(super) struct Kept<'a> {
    /// Seconds since the Unix epoch.
    made_at: i64,
    #[serde(flatten)]
    proof: Body<'a>,
}

impl<'a> From<&ProofShown<'a>> for Kept<'a> {
    fn from(shown: &ProofShown<'a>) -> Kept<'a> {
        Kept { made_at: shown.at, proof: Body::from(shown.proof) }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    scenario: &'static str,
    note: &'a str,
    skipped: bool,
    pairs: Vec<Pair>,
    before_median_seconds: Option<f64>,
    after_median_seconds: Option<f64>,
    /// How many times faster: median of the ratios of the pairs.
    ratio: Option<f64>,
    /// 95 % interval of the mean ratio; `null` for a single pair.
    ratio_interval: Option<(f64, f64)>,
    phases: Option<Table<'a>>,
    /// What each fix removed, in the order of `fixes`; they lead from one median to the other.
    removed_by: Vec<OneGain<'a>>,
}

#[derive(Serialize)]
struct OneGain<'a> {
    fixes: &'a str,
    before_median_seconds: f64,
    after_median_seconds: f64,
    /// Less than nothing: the fix added so much.
    removed_seconds: f64,
    /// All of the interval lies on one side of 1.
    sure: bool,
    ratio: Option<f64>,
    ratio_interval: Option<(f64, f64)>,
}

impl<'a> OneGain<'a> {
    fn of((fixes, gain): (&'a String, Gain)) -> OneGain<'a> {
        let interval = gain.ratio.and_then(|ratio| ratio.interval);
        OneGain {
            fixes,
            before_median_seconds: seconds(gain.before),
            after_median_seconds: seconds(gain.after),
            removed_seconds: round(gain.removed()),
            sure: gain.is_sure(),
            ratio: gain.ratio.map(|ratio| round(ratio.median)),
            ratio_interval: interval.map(|(low, high)| (round(low), round(high))),
        }
    }
}

#[derive(Serialize)]
struct Pair {
    before_seconds: f64,
    after_seconds: f64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the document")]
struct Same<'a> {
    same: Option<bool>,
    unknown: Option<&'a str>,
    entries_before: usize,
    entries_after: usize,
    different: usize,
    packages: Vec<Package<'a>>,
    differences: Vec<Difference<'a>>,
    not_counted: Vec<Volatile>,
    settings: Vec<Setting<'a>>,
}

#[derive(Serialize)]
struct Difference<'a> {
    package: Option<&'a str>,
    path: &'a str,
    how: &'static str,
}

#[derive(Serialize)]
struct Package<'a> {
    name: &'a str,
    files: usize,
}

#[derive(Serialize)]
struct Volatile {
    reason: &'static str,
    differences: usize,
}

#[derive(Serialize)]
struct Setting<'a> {
    name: &'a str,
    before: &'a str,
    after: &'a str,
}

impl<'a> From<&'a Proof> for Body<'a> {
    fn from(proof: &'a Proof) -> Body<'a> {
        Body {
            before: &proof.before,
            after: &proof.after,
            engine: proof.engine.as_deref(),
            verdict: match proof.verdict() {
                ProofVerdict::Faster => "faster",
                ProofVerdict::NoDifference => "no-difference",
                ProofVerdict::Slower => "slower",
                ProofVerdict::NotTheSame => "not-the-same",
                ProofVerdict::Unknown => "unknown",
            },
            fixes: &proof.fixes,
            scenarios: proof.scenarios.iter().map(|one| Row::of(one, &proof.fixes)).collect(),
            content: Same::from(&proof.content),
            held_equal: &proof.held_equal,
            engine_cleaned: EngineCleaned::from(&proof.cleaned),
        }
    }
}

impl<'a> Row<'a> {
    fn of(one: &'a Measured, fixes: &'a [String]) -> Row<'a> {
        let medians = one.medians();
        let ratio = one.ratio();
        let pairs = one.pairs.iter().map(|(before, after)| Pair {
            before_seconds: seconds(*before),
            after_seconds: seconds(*after),
        });
        Row {
            scenario: one.scenario.name(),
            note: &one.note,
            skipped: one.pairs.is_empty(),
            pairs: pairs.collect(),
            before_median_seconds: medians.map(|(before, _)| seconds(before)),
            after_median_seconds: medians.map(|(_, after)| seconds(after)),
            ratio: ratio.map(|ratio| round(ratio.median)),
            ratio_interval: ratio
                .and_then(|ratio| ratio.interval)
                .map(|(low, high)| (round(low), round(high))),
            phases: one.comparison.as_ref().map(Table::from),
            removed_by: fixes.iter().zip(one.gains()).map(OneGain::of).collect(),
        }
    }
}

impl<'a> From<&'a Content> for Same<'a> {
    fn from(content: &'a Content) -> Same<'a> {
        let differences = content.differences.iter().map(|one| Difference {
            package: Some(one.package.as_str()).filter(|name| !name.is_empty()),
            path: &one.path,
            how: one.how.name(),
        });
        let settings = content.settings.iter();
        Same {
            same: content.unknown.is_none().then(|| content.is_same()),
            unknown: content.unknown.as_deref(),
            entries_before: content.entries.0,
            entries_after: content.entries.1,
            different: content.different,
            packages: content
                .packages
                .iter()
                .map(|(name, files)| Package { name, files: *files })
                .collect(),
            differences: differences.collect(),
            not_counted: content
                .volatile
                .iter()
                .map(|&(reason, differences)| Volatile { reason, differences })
                .collect(),
            settings: settings
                .map(|(name, before, after)| Setting { name, before, after })
                .collect(),
        }
    }
}
