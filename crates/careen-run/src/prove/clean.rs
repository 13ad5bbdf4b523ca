//! Taking out of the engine what a proof left there: images, cache mounts, copies of contexts and
//! the cache records of its builds.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use careen_engine::{Connection, EngineError};
use careen_model::engine::CacheRecord;
use careen_model::{CacheRow, Cleaned};

use super::ledger::{Held, Job, Ledger};
use super::records::{self, Made, Owned};
use crate::Redaction;
use crate::history::{History, Project};
use crate::inputs::Reading;

/// A builder lets go of what a build used a moment after it has ended.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(200);

const NEEDED: &str = "an image, a build or another record needs it";
const DOUBTFUL: &str = "another build made the same at the same time";
const NAMELESS: &str = "this engine lists cache mounts without their ids, and two may have made it";

/// The project under which a proof records its builds.
pub(super) fn project(job: &Job) -> Project {
    Project {
        remote: None,
        root: job.root.clone(),
        dockerfile: PathBuf::from("Dockerfile"),
        target: job.target.clone(),
    }
}

/// Removes what is ours; tells what could not be.
pub(super) fn clean(ledger: &Ledger, connection: &Connection) -> Cleaned {
    let mut cleaned = Cleaned::default();
    let held = match ledger.held() {
        Ok(held) => held,
        Err(err) => {
            cleaned.problems.push(err.to_string());
            return cleaned;
        }
    };
    let prefixes: HashSet<&str> = held
        .iter()
        .filter_map(|one| match one {
            Held::Caches(prefix) => Some(prefix.as_str()),
            _ => None,
        })
        .collect();
    if prefixes.is_empty() {
        // No build was begun.
        return cleaned;
    }
    let builds = match builds(ledger, &held) {
        Ok(builds) => builds,
        Err(why) => {
            cleaned.problems.push(format!("records of the build cache: {why}"));
            vec![]
        }
    };
    let ours = Ours { connection, prefixes, builds };
    // A builder that works on for a careen that was killed may make an image at the last moment.
    let idle = ours.wait_until_idle();
    for one in &held {
        let Held::Image(name) = one else { continue };
        match connection.remove_image(name) {
            Ok(()) | Err(EngineError::Refused { status: 404, .. }) => (),
            Err(err) => cleaned.problems.push(format!("image {name}: {err}")),
        }
    }
    if let Err(err) = idle.and_then(|()| ours.prune(&mut cleaned)) {
        cleaned.problems.push(format!("records of the build cache: {err}"));
    }
    cleaned
}

/// What tells our records from others.
struct Ours<'a> {
    connection: &'a Connection,
    /// Words of ours in ids of cache mounts and in names of folders.
    prefixes: HashSet<&'a str>,
    builds: Vec<Made>,
}

impl Ours<'_> {
    fn is(&self, record: &CacheRecord, owned: &Owned) -> bool {
        is_named(record, &self.prefixes) || owned.sure.contains(&record.id)
    }

    /// A build holds what it has made until its image is there.
    fn wait_until_idle(&self) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            let now = self.connection.cache_records()?;
            let owned = records::own(&self.builds, &now);
            if !now.iter().any(|record| record.in_use && self.is(record, &owned)) {
                break;
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn prune(&self, cleaned: &mut Cleaned) -> Result<(), EngineError> {
        for tried in 1..=TRIES {
            let now = self.connection.cache_records()?;
            let owned = records::own(&self.builds, &now);
            let ours: Vec<&CacheRecord> =
                now.iter().filter(|record| self.is(record, &owned)).collect();
            let free = ours.iter().filter(|record| !record.in_use && !record.shared);
            let free: Vec<String> = free.map(|record| record.id.clone()).collect();
            let gone: HashSet<String> = self.connection.prune(&free)?.ids.into_iter().collect();
            let (removed, stay): (Vec<&CacheRecord>, Vec<&CacheRecord>) =
                ours.into_iter().partition(|record| gone.contains(&record.id));
            cleaned.removed.extend(removed.into_iter().map(row));
            if stay.is_empty() || tried == TRIES {
                cleaned.left.extend(stay.into_iter().map(|one| (row(one), NEEDED.to_owned())));
                let doubtful = now.iter().filter(|one| owned.doubtful.contains(&one.id));
                cleaned.left.extend(doubtful.map(|one| {
                    let is_mount = one.kind == "exec.cachemount";
                    (row(one), if is_mount { NAMELESS } else { DOUBTFUL }.to_owned())
                }));
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}

fn row(record: &CacheRecord) -> CacheRow {
    CacheRow { id: record.id.clone(), bytes: record.bytes, description: record.description.clone() }
}

/// Whether the record says by a word of ours that it is ours: the id of a cache mount, or the name
/// of the folder that was sent.
fn is_named(record: &CacheRecord, prefixes: &HashSet<&str>) -> bool {
    let told = record.description.as_str();
    match record.kind.as_str() {
        "exec.cachemount" => told.rsplit_once(" with id \"").is_some_and(|(_, id)| {
            let id = id.trim_start_matches('/');
            prefixes.iter().any(|prefix| id.starts_with(prefix))
        }),
        "source.local" => told.strip_prefix("local source for ").is_some_and(|name| {
            let mark = ["-context", "-dockerfile"].iter().find_map(|end| name.strip_suffix(end));
            mark.is_some_and(|mark| prefixes.contains(mark))
        }),
        _ => false,
    }
}

/// Every build of the proof as far as it is known, in their order.
fn builds(ledger: &Ledger, held: &[Held]) -> Result<Vec<Made>, crate::Error> {
    let Some(job) = ledger.job() else { return Ok(vec![]) };
    let mut began: HashMap<&str, (i64, &PathBuf)> = HashMap::new();
    let mut labels: Vec<&str> = Vec::new();
    for one in held {
        let Held::Build { label, dockerfile, began: at } = one else { continue };
        let known = began.entry(label).or_insert_with(|| {
            labels.push(label);
            (*at, dockerfile)
        });
        // Later news are never less exact.
        known.0 = known.0.min(*at);
    }
    if labels.is_empty() {
        return Ok(vec![]);
    }
    let history = History::open(&ledger.folder.join("history.db"))?;
    let project = project(&job);
    let mut builds = Vec::new();
    for label in labels {
        let (began, dockerfile) = began[label];
        let record = history.get(&project, label)?;
        let source = fs::read(dockerfile).map_err(crate::Error::io("reading", dockerfile))?;
        let reading = Reading {
            dockerfile: &source,
            target: job.target.as_deref(),
            arguments: &[],
            names: &[],
            salt: b"",
            redaction: &Redaction::default(),
        };
        let steps = reading.steps(&record);
        // Dockerfiles lie in folders that are named as the copies of their contexts are.
        let folder = dockerfile.parent().and_then(Path::file_name).unwrap_or_default();
        let context = folder.to_string_lossy().trim_end_matches("-lost").to_owned();
        builds.push(Made { context, began, record, steps });
    }
    Ok(builds)
}
