//! The last proof of a project, kept beside the history so that a report can show it later.
//!
//! One JSON file for each Dockerfile, written whole; a newer proof takes its place. The shapes here
//! are versioned, the model's are not. Times are nanoseconds.

use std::fs;
use std::path::Path;
use std::time::Duration;

use careen_engine::WholeFile;
use careen_model::{
    CacheRow, Cleaned, Comparison, Content, Difference, How, Measured, PackageGroups, Part, Phase,
    Proof, Row, StepChange, Transfer,
};
use serde::{Deserialize, Serialize};

use crate::Error;

const VERSION: u32 = 1;

/// Why differences did not count, when this careen has no such reason any more.
const OLD_REASON: &str = "a place that differs from build to build";

/// A proof and when it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub proof: Proof,
    /// Seconds since the Unix epoch.
    pub at: i64,
}

/// Before and after.
type Pair = (u64, u64);

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    at: i64,
    before: String,
    after: String,
    engine: Option<String>,
    #[serde(default)]
    fixes: Vec<String>,
    scenarios: Vec<StoredScenario>,
    content: StoredContent,
    held_equal: Vec<String>,
    #[serde(default)]
    cleaned: StoredCleaned,
}

#[derive(Default, Serialize, Deserialize)]
struct StoredCleaned {
    /// Id, bytes, description; of those that stay also why.
    removed: Vec<(String, u64, String)>,
    left: Vec<(String, u64, String, String)>,
    problems: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredScenario {
    name: String,
    note: String,
    pairs: Vec<Pair>,
    #[serde(default)]
    between: Vec<Vec<u64>>,
    parts: Vec<(String, Vec<Pair>)>,
    comparison: Option<StoredComparison>,
}

#[derive(Serialize, Deserialize)]
struct StoredComparison {
    labels: (String, String),
    /// Part, or none for the total; times; whether all of it came from the cache.
    rows: Vec<(Option<String>, Pair, bool)>,
    context: Option<(StoredTransfer, StoredTransfer)>,
    steps: Vec<StoredStep>,
}

#[derive(Serialize, Deserialize)]
struct StoredTransfer {
    name: String,
    entries: u64,
    files: u64,
    bytes: u64,
    faults: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredStep {
    name: String,
    before: Option<u64>,
    after: Option<u64>,
    was_cached: bool,
    is_cached: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredContent {
    unknown: Option<String>,
    entries: (usize, usize),
    /// Package, path, how.
    differences: Vec<(String, String, String)>,
    packages: Vec<(String, usize)>,
    different: usize,
    volatile: Vec<(String, usize)>,
    settings: Vec<(String, String, String)>,
}

/// Keeps a proof in this file.
pub fn keep(path: &Path, proof: &Proof, at: i64) -> Result<(), Error> {
    let bytes = serde_json::to_vec(&stored(proof, at)).expect("a proof is plain data");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io("making the folder", folder))?;
    }
    WholeFile::write(path, &bytes).map_err(Error::io("writing", path))
}

/// The proof that was kept in this file; none when there is none, or none that this careen reads.
pub fn kept(path: &Path) -> Result<Option<Kept>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(Error::io("reading", path)(err)),
    };
    let stored: Stored = serde_json::from_slice(&bytes)
        .map_err(|err| Error::io("reading", path)(std::io::Error::other(err)))?;
    Ok((stored.version <= VERSION).then(|| read(stored)))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn pairs(pairs: &[(Duration, Duration)]) -> Vec<Pair> {
    pairs.iter().map(|(before, after)| (nanos(*before), nanos(*after))).collect()
}

fn times(pairs: Vec<Pair>) -> Vec<(Duration, Duration)> {
    let time = Duration::from_nanos;
    pairs.into_iter().map(|(before, after)| (time(before), time(after))).collect()
}

fn part(name: &str) -> Option<Part> {
    let phases = Phase::ALL.into_iter().map(Part::Phase);
    let known = phases.chain([Part::Unaccounted]).find(|part| part.name() == name);
    known.or_else(|| PackageGroups::named(name).map(Part::Packages))
}

fn stored(proof: &Proof, at: i64) -> Stored {
    let scenario = |one: &Measured| StoredScenario {
        name: one.scenario.name().to_owned(),
        note: one.note.clone(),
        pairs: pairs(&one.pairs),
        between: one.between.iter().map(|all| all.iter().copied().map(nanos).collect()).collect(),
        parts: one
            .parts
            .iter()
            .map(|(part, times)| (part.name().into_owned(), pairs(times)))
            .collect(),
        comparison: one.comparison.as_ref().map(stored_comparison),
    };
    let content = &proof.content;
    Stored {
        version: VERSION,
        at,
        before: proof.before.clone(),
        after: proof.after.clone(),
        engine: proof.engine.clone(),
        fixes: proof.fixes.clone(),
        scenarios: proof.scenarios.iter().map(scenario).collect(),
        content: StoredContent {
            unknown: content.unknown.clone(),
            entries: content.entries,
            differences: content
                .differences
                .iter()
                .map(|one| (one.package.clone(), one.path.clone(), one.how.name().to_owned()))
                .collect(),
            packages: content.packages.clone(),
            different: content.different,
            volatile: content.volatile.iter().map(|(why, n)| ((*why).to_owned(), *n)).collect(),
            settings: content.settings.clone(),
        },
        held_equal: proof.held_equal.clone(),
        cleaned: stored_cleaned(&proof.cleaned),
    }
}

fn stored_cleaned(cleaned: &Cleaned) -> StoredCleaned {
    let row = |row: &CacheRow| (row.id.clone(), row.bytes, row.description.clone());
    StoredCleaned {
        removed: cleaned.removed.iter().map(row).collect(),
        left: cleaned
            .left
            .iter()
            .map(|(one, why)| (one.id.clone(), one.bytes, one.description.clone(), why.clone()))
            .collect(),
        problems: cleaned.problems.clone(),
    }
}

fn cleaned(stored: StoredCleaned) -> Cleaned {
    let row = |id, bytes, description| CacheRow { id, bytes, description };
    Cleaned {
        removed: stored.removed.into_iter().map(|(id, bytes, text)| row(id, bytes, text)).collect(),
        left: stored
            .left
            .into_iter()
            .map(|(id, bytes, text, why)| (row(id, bytes, text), why))
            .collect(),
        problems: stored.problems,
    }
}

fn stored_comparison(compared: &Comparison) -> StoredComparison {
    let transfer = |one: &Transfer| StoredTransfer {
        name: one.name.clone(),
        entries: one.entries,
        files: one.files,
        bytes: one.bytes,
        faults: one.faults.clone(),
    };
    let row = |row: &Row| {
        let part = row.part.map(|part| part.name().into_owned());
        (part, (nanos(row.before), nanos(row.after)), row.cached)
    };
    let step = |one: &StepChange| StoredStep {
        name: one.name.clone(),
        before: one.before.map(nanos),
        after: one.after.map(nanos),
        was_cached: one.was_cached,
        is_cached: one.is_cached,
    };
    StoredComparison {
        labels: (compared.before_label.clone(), compared.after_label.clone()),
        rows: compared.rows.iter().map(row).collect(),
        context: compared.context.as_ref().map(|pair| (transfer(&pair.0), transfer(&pair.1))),
        steps: compared.steps.iter().map(step).collect(),
    }
}

/// What this careen does not know by name is left out.
fn read(stored: Stored) -> Kept {
    let scenario = |one: StoredScenario| {
        let part = |(name, pairs): (String, Vec<Pair>)| Some((part(&name)?, times(pairs)));
        Some(Measured {
            scenario: super::ledger::scenario(&one.name)?,
            note: one.note,
            pairs: times(one.pairs),
            between: one
                .between
                .into_iter()
                .map(|all| all.into_iter().map(Duration::from_nanos).collect())
                .collect(),
            parts: one.parts.into_iter().filter_map(part).collect(),
            comparison: one.comparison.map(comparison),
        })
    };
    let difference = |(package, path, how): (String, String, String)| {
        let how = How::ALL.into_iter().find(|known| known.name() == how)?;
        Some(Difference { package, path, how })
    };
    let content = stored.content;
    let volatile = content.volatile.into_iter();
    Kept {
        proof: Proof {
            before: stored.before,
            after: stored.after,
            engine: stored.engine,
            fixes: stored.fixes,
            scenarios: stored.scenarios.into_iter().filter_map(scenario).collect(),
            content: Content {
                unknown: content.unknown,
                entries: content.entries,
                differences: content.differences.into_iter().filter_map(difference).collect(),
                packages: content.packages,
                different: content.different,
                volatile: volatile
                    .map(|(why, n)| (careen_image::reason(&why).unwrap_or(OLD_REASON), n))
                    .collect(),
                settings: content.settings,
            },
            held_equal: stored.held_equal,
            cleaned: cleaned(stored.cleaned),
        },
        at: stored.at,
    }
}

fn comparison(stored: StoredComparison) -> Comparison {
    let transfer = |one: StoredTransfer| Transfer {
        name: one.name,
        entries: one.entries,
        files: one.files,
        bytes: one.bytes,
        faults: one.faults,
    };
    let time = Duration::from_nanos;
    let row = |(name, (before, after), cached): (Option<String>, Pair, bool)| {
        // A part that nobody knows any more is not the total.
        let part = match name {
            Some(name) => Some(part(&name)?),
            None => None,
        };
        Some(Row { part, before: time(before), after: time(after), cached })
    };
    let step = |one: StoredStep| StepChange {
        name: one.name,
        before: one.before.map(time),
        after: one.after.map(time),
        was_cached: one.was_cached,
        is_cached: one.is_cached,
    };
    Comparison {
        before_label: stored.labels.0,
        after_label: stored.labels.1,
        rows: stored.rows.into_iter().filter_map(row).collect(),
        context: stored.context.map(|pair| (transfer(pair.0), transfer(pair.1))),
        steps: stored.steps.into_iter().map(step).collect(),
        // A proof says nothing of it: its builds are made to run again.
        missed: None,
    }
}

#[cfg(test)]
mod tests {
    use careen_model::Scenario;

    use super::*;

    fn proof() -> Proof {
        let time = Duration::from_millis;
        let row = |part, before, after| Row {
            part,
            before: time(before),
            after: time(after),
            cached: part.is_some(),
        };
        let rows: Vec<Row> = Phase::ALL
            .into_iter()
            .map(|phase| row(Some(Part::Phase(phase)), 7, 5))
            .chain([
                row(PackageGroups::named("PyTorch + JAX").map(Part::Packages), 4, 3),
                row(Some(Part::Unaccounted), 2, 1),
                row(None, 90, 30),
            ])
            .collect();
        let transfer = || Transfer {
            name: "context".into(),
            entries: 4,
            files: 3,
            bytes: 2,
            faults: vec!["a fault".into()],
        };
        let step = StepChange {
            name: "RUN x".into(),
            before: None,
            after: Some(time(4)),
            was_cached: false,
            is_cached: true,
        };
        let compared = Comparison {
            before_label: "0001".into(),
            after_label: "0002".into(),
            rows: rows.clone(),
            context: Some((transfer(), transfer())),
            steps: vec![step],
            missed: None,
        };
        let measured = |scenario| Measured {
            scenario,
            note: "a note".into(),
            pairs: vec![(time(90), time(30)), (time(91), time(29))],
            between: vec![vec![time(40), time(41)], vec![time(35), time(36)]],
            parts: rows
                .iter()
                .filter_map(|row| Some((row.part?, vec![(time(1), time(2))])))
                .collect(),
            comparison: Some(compared.clone()),
        };
        let difference = |how| Difference { package: "p".into(), path: "a/b".into(), how };
        Proof {
            before: "a".into(),
            after: "b".into(),
            engine: Some("unix:///x".into()),
            fixes: vec!["one".into(), "two, three".into(), "four".into()],
            scenarios: Scenario::ALL.into_iter().map(measured).collect(),
            content: Content {
                unknown: None,
                entries: (3, 4),
                differences: How::ALL.into_iter().map(difference).collect(),
                packages: vec![("p".into(), 8)],
                different: 9,
                volatile: vec![(careen_image::volatile(b"var/log/x").unwrap(), 2)],
                settings: vec![("User".into(), "a".into(), "b".into())],
            },
            held_equal: vec!["the engine".into()],
            cleaned: Cleaned {
                removed: vec![CacheRow { id: "r".into(), bytes: 5, description: "RUN x".into() }],
                left: vec![(CacheRow::default(), "why".into())],
                problems: vec!["image x: in use".into()],
            },
        }
    }

    #[test]
    fn a_kept_proof_is_the_proof() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prove/x.json");
        assert_eq!(kept(&path).unwrap(), None);
        keep(&path, &proof(), 7).unwrap();
        assert_eq!(kept(&path).unwrap(), Some(Kept { proof: proof(), at: 7 }));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_what_is_newer_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        keep(&path, &proof(), 7).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("\"version\":1", "\"version\":2", 1)).unwrap();
        assert_eq!(kept(&path).unwrap(), None);
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(kept(&path).is_err());
    }
}
