//! What a build is made from, gathered around it, and why its steps ran again.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use careen_check::missed;
use careen_engine::{BuildRequest, Connection};
use careen_model::engine::CacheRecord;
use careen_model::missed::{BuildInputs, Gone, InputFile, InputRecord, Missed, Reason};
use careen_model::{BuildRecord, redact};

use crate::history::{History, KeptInputs, Project};
use crate::inputs::{Reading, base_name};
use crate::{Error, Redaction};

/// Bytes of a record's description that are kept.
const DESCRIPTION: usize = 300;

/// What was known when the build began.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) last: Option<KeptInputs>,
    salt: Vec<u8>,
    dockerfile: Vec<u8>,
    builder: Option<String>,
    cache_before: Option<Vec<CacheRecord>>,
    redaction: Redaction,
}

/// What is told at the end.
pub(crate) struct Told {
    pub(crate) inputs: BuildInputs,
    pub(crate) missed: Option<Vec<Missed>>,
}

impl Gathered {
    pub(crate) fn begin(
        (history, project): (&History, &Project),
        connection: &Connection,
        dockerfile: &Path,
        redaction: Redaction,
    ) -> Result<Gathered, Error> {
        Ok(Gathered {
            last: history.inputs(project, None)?,
            salt: history.salt(project)?,
            // The build itself tells why it cannot be read.
            dockerfile: fs::read(dockerfile).unwrap_or_default(),
            builder: connection.builder_identity().ok(),
            cache_before: records(connection),
            redaction,
        })
    }

    /// Judges the build that has just ended; `now` in seconds since the Unix epoch.
    pub(crate) fn end(
        self,
        connection: &Connection,
        request: &BuildRequest,
        record: &BuildRecord,
        files: Option<Vec<InputFile>>,
        now: i64,
    ) -> Told {
        let last = self.last.as_ref().and_then(KeptInputs::open);
        let given = request.build_args.iter().map(|(name, _)| name);
        let before = last.iter().flat_map(|last| last.arguments.keys());
        let mut names: Vec<String> =
            given.chain(before).filter(|name| !redact::names_a_secret(name)).cloned().collect();
        names.sort();
        names.dedup();
        let reading = Reading {
            dockerfile: &self.dockerfile,
            target: request.target.as_deref(),
            arguments: &request.build_args,
            names: &names,
            salt: &self.salt,
            redaction: &self.redaction,
        };
        let mut bases = std::collections::BTreeMap::new();
        for (name, digest) in record.steps.iter().filter_map(|step| base_name(&step.name)) {
            // The engine's own images are named without a digest.
            let local = || connection.image(name).ok().map(|image| image.id);
            if let Some(digest) = digest.map(str::to_owned).or_else(local) {
                bases.insert(name.to_owned(), digest);
            }
        }
        let cache_after = records(connection);
        let mut inputs = BuildInputs {
            own_records: own(last.as_ref(), self.cache_before.as_deref(), cache_after.as_deref()),
            no_cache: request.no_cache,
            builder: self.builder,
            arguments: reading.argument_digests(),
            bases,
            steps: reading.steps(record),
            files,
            cache_before: self.cache_before.map(|all| kept(all, &self.redaction)),
            cache_after: cache_after.map(|all| kept(all, &self.redaction)),
            pruned_before: None,
        };
        let mut found = last.as_ref().map(|last| missed(last, &inputs));
        let is_missing = |missed: &Missed| missed.reason == Reason::RecordGone(Gone::Missing);
        if let (Some(all), Some(last), Some(kept)) = (&found, &last, &self.last)
            && all.iter().any(is_missing)
        {
            // Only now: an engine whose clock is behind would have to wait for the end.
            inputs.pruned_before = connection.pruned_between(kept.ended_at, now).ok();
            found = Some(missed(last, &inputs));
        }
        Told { inputs, missed: found }
    }
}

/// Why steps of one kept build ran again when compared with another one, whatever lay between
/// them; `None` where one of them is not known so well.
pub fn between(
    history: &History,
    project: &Project,
    before: &str,
    after: &BuildRecord,
) -> Result<Option<Vec<Missed>>, Error> {
    let read = |label: &str| -> Result<Option<BuildInputs>, Error> {
        Ok(history.inputs(project, Some(label))?.as_ref().and_then(KeptInputs::open))
    };
    let (Some(last), Some(now)) = (read(before)?, read(&after.label)?) else { return Ok(None) };
    let mut found = missed(&last, &now);
    // What the engine told then of a prune.
    let told = after.missed.iter().flatten();
    let pruned = Reason::RecordGone(Gone::Pruned);
    if told.into_iter().any(|missed| missed.reason == pruned) {
        for missed in &mut found {
            if missed.reason == Reason::RecordGone(Gone::Missing) {
                missed.reason = pruned.clone();
            }
        }
    }
    Ok(Some(found))
}

/// Layers and cache mounts that the builder has now.
fn records(connection: &Connection) -> Option<Vec<CacheRecord>> {
    let all = connection.cache_records().ok()?.into_iter();
    let is_kept = |kind: &str| ["regular", "exec.cachemount"].contains(&kind);
    Some(all.filter(|record| is_kept(&record.kind)).collect())
}

/// Ids of what this build made or used, and of what an earlier one of the project did.
fn own(
    last: Option<&BuildInputs>,
    before: Option<&[CacheRecord]>,
    after: Option<&[CacheRecord]>,
) -> Vec<String> {
    let earlier: HashSet<&str> =
        last.iter().flat_map(|last| &last.own_records).map(String::as_str).collect();
    let use_of = |record: &CacheRecord| (record.usage_count, record.last_used);
    let untouched: Option<HashMap<&str, _>> = before
        .map(|before| before.iter().map(|record| (record.id.as_str(), use_of(record))).collect());
    let is_touched = |record: &CacheRecord| {
        let untouched = untouched.as_ref();
        untouched.is_some_and(|known| known.get(record.id.as_str()) != Some(&use_of(record)))
    };
    let after = after.unwrap_or_default().iter();
    let own = after.filter(|record| earlier.contains(record.id.as_str()) || is_touched(record));
    own.map(|record| record.id.clone()).collect()
}

/// What the history keeps of records.
fn kept(records: Vec<CacheRecord>, redaction: &Redaction) -> Vec<InputRecord> {
    let one = |record: CacheRecord| {
        let text = redaction.text(&record.description);
        // The id of a cache mount stands at the end.
        let mut description: String = text.chars().take(DESCRIPTION).collect();
        if let Some((_, id)) = text.rsplit_once(" with id \"")
            && !description.contains(" with id \"")
        {
            description.push_str(" with id \"");
            description.push_str(id);
        }
        InputRecord { id: record.id, kind: record.kind, description }
    };
    records.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_the_projects_own_when_a_build_of_it_touched_them() {
        let record = |id: &str, usage_count| CacheRecord {
            id: id.into(),
            usage_count,
            ..CacheRecord::default()
        };
        let before = [record("same", 1), record("used", 1), record("earlier", 1)];
        let after = [record("same", 1), record("used", 2), record("earlier", 1), record("new", 1)];
        let last = BuildInputs {
            own_records: vec!["earlier".into(), "gone".into()],
            ..BuildInputs::default()
        };
        assert_eq!(own(Some(&last), Some(&before), Some(&after)), ["used", "earlier", "new"]);
        assert_eq!(own(Some(&last), None, Some(&after)), ["earlier"], "nothing to compare with");
        assert!(own(Some(&last), Some(&before), None).is_empty());
    }
}
