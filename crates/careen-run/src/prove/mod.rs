//! Proving a gain: two states of a project, built in turns, and whether they build the same.
//!
//! Each state is built from a private copy with cache mounts of its own, so that nobody's cache is
//! touched or helps. A round builds each scenario once for each state, in alternating order. Edits
//! differ between the states in one word, so that no step of one is taken for a step of the other.
//! What it left in the engine goes at the end, as far as it is surely its own.
//! Everything measured is on the disk at once; a killed proof goes on where it was.

mod clean;
mod content;
mod copy;
mod each;
mod edit;
mod kept;
mod ledger;
mod records;
mod rewrite;
mod round;
mod state;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use careen_engine::{BuildRequest, CancelToken, Connection};
use careen_model::{
    BuildEvent, BuildRecord, Cleaned, Comparison, Content, Measured, Part, Proof, Scenario,
};

use self::ledger::{Job, Ledger, Pair};
use self::round::Rounds;
use self::state::{Private, copy_state};
use crate::history::{History, Project};
use crate::{Error, digest};

pub use each::{Link, links};
pub use kept::{Kept, keep, kept};
pub use state::{Place, State};

/// What to prove.
#[derive(Debug)]
pub struct Request<'a> {
    pub connection: &'a Connection,
    pub place: Place,
    pub before: State,
    pub after: State,
    /// The fixes that lead from one to the other, the last of which to `after`: the states between
    /// are built too. Empty: only the two are.
    pub fixes: Vec<Link>,
    /// In the order they are run; a cold build of each state is always made first.
    pub scenarios: Vec<Scenario>,
    /// Rounds, at least one.
    pub runs: usize,
    /// Target, arguments, secrets, platform; the rest is set here.
    pub build: BuildRequest,
    /// Where the copies and what was measured lie; one proof at a time.
    pub folder: PathBuf,
    /// Go on with an unfinished proof of the same question.
    pub resume: bool,
    /// Seconds since the Unix epoch.
    pub now: i64,
    /// Unlike that of any other proof.
    pub nonce: String,
}

/// What is happening, for the screen.
#[derive(Debug)]
pub enum Told<'a> {
    Copying {
        state: &'a str,
    },
    /// Could not be copied, and is in neither build.
    Left {
        state: &'a str,
        path: &'a Path,
    },
    Resumed {
        pairs: usize,
    },
    Building {
        round: usize,
        runs: usize,
        /// A scenario, or what else the build is for.
        what: &'static str,
        state: &'a str,
    },
    Event {
        event: &'a BuildEvent,
        record: &'a BuildRecord,
    },
    Built {
        what: &'static str,
        state: &'a str,
        took: Duration,
    },
    Skipped {
        scenario: Scenario,
        why: &'a str,
    },
    Comparing,
}

/// Times before and after, pair by pair, of each part of a build.
type Parts = Vec<(Part, Vec<(Duration, Duration)>)>;

/// Measures and compares. An interrupted proof keeps what it has measured.
pub fn prove(
    request: &Request<'_>,
    on_told: &mut dyn FnMut(Told<'_>),
    cancel: &CancelToken,
) -> Result<Proof, Error> {
    let states = states(request);
    let names: Result<Vec<String>, Error> =
        states.iter().map(|state| state.name(&request.place)).collect();
    let names = names?;
    let ledger = Ledger::at(&request.folder);
    let (job, privates) = prepare(request, &ledger, (&states, &names), on_told)?;
    let project = clean::project(&job);
    let history = History::open(&ledger.folder.join("history.db"))?;
    let mut rounds = Rounds {
        request,
        ledger: &ledger,
        job: &job,
        names: &names,
        privates: &privates,
        history: &history,
        project: &project,
        cancel,
        on_told,
        images: vec![None; names.len()],
    };
    let (plan, skipped) = rounds.plan()?;
    rounds.run(&plan)?;
    (rounds.on_told)(Told::Comparing);
    let content = rounds.compare()?;
    let scenarios = measured(request, &ledger, &history, &project, &plan, &skipped)?;
    drop(history);
    let cleaned = clean::clean(&ledger, request.connection);
    ledger.remove()?;
    Ok(Proof {
        before: job.before.clone(),
        after: job.after.clone(),
        engine: Some(job.engine.clone()),
        fixes: if states.len() > 2 {
            request.fixes.iter().map(|link| link.fixes.clone()).collect()
        } else {
            vec![]
        },
        scenarios,
        content,
        held_equal: held_equal(request),
        cleaned,
    })
}

/// Whether an unfinished proof lies there, and when it was begun (seconds since the Unix epoch).
pub fn unfinished(folder: &Path) -> Option<i64> {
    Ledger::at(folder).job().map(|job| job.started_at)
}

/// Removes an unfinished proof and what it left in the engine.
pub fn abandon(folder: &Path, connection: &Connection) -> Result<Cleaned, Error> {
    let ledger = Ledger::at(folder);
    let cleaned = clean::clean(&ledger, connection);
    ledger.remove()?;
    Ok(cleaned)
}

/// Before, those between, and after.
fn states<'a>(request: &'a Request<'_>) -> Vec<&'a State> {
    let between = request.fixes.split_last().map_or(&[][..], |(_, between)| between);
    let between = between.iter().map(|link| &link.state);
    std::iter::once(&request.before).chain(between).chain([&request.after]).collect()
}

/// What the files and images of a state are called; the order is that of the tables.
fn side_name(side: usize, sides: usize) -> String {
    match side {
        0 => "before".to_owned(),
        last if last + 1 == sides => "after".to_owned(),
        between => format!("between-{between}"),
    }
}

fn prepare(
    request: &Request<'_>,
    ledger: &Ledger,
    (states, names): (&[&State], &[String]),
    on_told: &mut dyn FnMut(Told<'_>),
) -> Result<(Job, Vec<Private>), Error> {
    let sides = states.len();
    let folders: Vec<PathBuf> =
        (0..sides).map(|side| ledger.folder.join(side_name(side, sides))).collect();
    let mut job = Job {
        version: Job::version(),
        nonce: request.nonce.clone(),
        started_at: request.now,
        root: request.place.root.clone(),
        before: names[0].clone(),
        after: names[sides - 1].clone(),
        between: names[1..sides - 1].to_vec(),
        scenarios: request.scenarios.iter().map(|one| one.name().to_owned()).collect(),
        target: request.build.target.clone(),
        runs: request.runs,
        engine: request.connection.endpoint().address.clone(),
        fingerprint: fingerprint(request),
    };
    if let Some(known) = ledger.job().filter(|_| request.resume) {
        if !known.asks_the_same(&job) {
            return Err(Error::Prove {
                doing: "go on with the unfinished proof".to_owned(),
                error: format!(
                    "it compares {} with {}, or under other options",
                    known.before, known.after
                ),
            });
        }
        if ledger.is_copied() {
            on_told(Told::Resumed { pairs: ledger.pairs()?.len() });
            let again = |folder: &PathBuf| Private::again(&request.place, folder);
            return Ok((known, folders.iter().map(again).collect()));
        }
        job = known;
    }
    for folder in &folders {
        match fs::remove_dir_all(folder) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("removing", folder)(err));
            }
            _ => (),
        }
    }
    ledger.begin(&job)?;
    let mut copy = |state: &State, name: &str, folder: &Path| -> Result<Private, Error> {
        on_told(Told::Copying { state: name });
        let (private, left) = copy_state(state, &request.place, folder)?;
        for path in &left {
            on_told(Told::Left { state: name, path });
        }
        Ok(private)
    };
    let mut privates = Vec::new();
    for (side, folder) in folders.iter().enumerate() {
        privates.push(copy(states[side], &names[side], folder)?);
    }
    ledger.mark_copied()?;
    Ok((job, privates))
}

/// What makes two proofs the same question, beside what the job names. Values stay out of it.
fn fingerprint(request: &Request<'_>) -> String {
    let mut text = Vec::new();
    for path in [&request.place.context, &request.place.dockerfile] {
        text.extend_from_slice(path.as_os_str().as_encoded_bytes());
        text.push(0);
    }
    text.extend(fs::read(&request.place.dockerfile).unwrap_or_default());
    for (name, _) in &request.build.build_args {
        text.extend_from_slice(name.as_bytes());
        text.push(0);
    }
    text.extend(format!("{:?} {:?}", request.build.target, request.build.platform).bytes());
    digest::of(&text)
}

/// The rows of the proof, from the pairs on the disk.
fn measured(
    request: &Request<'_>,
    ledger: &Ledger,
    history: &History,
    project: &Project,
    plan: &[round::Planned],
    skipped: &[(Scenario, String)],
) -> Result<Vec<Measured>, Error> {
    let pairs = ledger.pairs()?;
    let mut rows = Vec::new();
    for &scenario in &request.scenarios {
        if let Some((_, why)) = skipped.iter().find(|(known, _)| *known == scenario) {
            let note = why.clone();
            let (pairs, between, parts) = (vec![], vec![], vec![]);
            rows.push(Measured { scenario, note, pairs, between, parts, comparison: None });
            continue;
        }
        let planned = plan.iter().find(|planned| planned.scenario == scenario);
        let own: Vec<&Pair> = pairs
            .iter()
            .filter(|pair| ledger::scenario(&pair.scenario) == Some(scenario))
            .collect();
        let comparison =
            match (middle(&own, |pair| pair.seconds.0), middle(&own, |pair| pair.seconds.1)) {
                (Some(before), Some(after)) => Some(Comparison::of(
                    &history.get(project, &before.labels.0)?,
                    &history.get(project, &after.labels.1)?,
                )),
                _ => None,
            };
        let time = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        rows.push(Measured {
            scenario,
            note: planned.map(round::Planned::note).unwrap_or_default(),
            pairs: own.iter().map(|pair| (time(pair.seconds.0), time(pair.seconds.1))).collect(),
            between: (0..own.first().map_or(0, |pair| pair.between.len()))
                .map(|state| own.iter().filter_map(move |pair| pair.between.get(state).copied()))
                .map(|times| times.map(time).collect())
                .collect(),
            parts: parts(history, project, &own)?,
            comparison,
        });
    }
    Ok(rows)
}

/// Times of each part in each pair, in the order of the parts.
fn parts(history: &History, project: &Project, pairs: &[&Pair]) -> Result<Parts, Error> {
    let mut parts: BTreeMap<Part, Vec<(Duration, Duration)>> = BTreeMap::new();
    for (place, pair) in pairs.iter().enumerate() {
        let (before, after) =
            (history.get(project, &pair.labels.0)?, history.get(project, &pair.labels.1)?);
        for row in Comparison::of(&before, &after).rows {
            let Some(part) = row.part else { continue };
            let times = parts.entry(part).or_default();
            // A part that is in no build of a pair took no time in it.
            times.resize(place, Default::default());
            times.push((row.before, row.after));
        }
    }
    for times in parts.values_mut() {
        times.resize(pairs.len(), Default::default());
    }
    Ok(parts.into_iter().collect())
}

/// The pair whose time is the median; the faster of the two middle ones.
fn middle<'a>(pairs: &[&'a Pair], seconds: fn(&Pair) -> f64) -> Option<&'a Pair> {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

fn held_equal(request: &Request<'_>) -> Vec<String> {
    let mut held = vec![
        "the engine, the base images in its store, and the files of the context that no state changes"
            .to_owned(),
        "each state has cache mounts and a copy of the context of its own".to_owned(),
        "both are built in turns, and every other round begins with the other one".to_owned(),
    ];
    if request.fixes.len() > 1 {
        held.push(
            "the states between are built in each round too, in the order of the fixes or against it"
                .to_owned(),
        );
    }
    if !request.build.build_args.is_empty() {
        let names: Vec<&str> = request.build.build_args.iter().map(|(name, _)| &**name).collect();
        held.push(format!("build arguments: {}", names.join(", ")));
    }
    held
}

/// Nothing was compared.
pub(crate) fn not_compared(why: impl Into<String>) -> Content {
    Content { unknown: Some(why.into()), ..Content::default() }
}
