//! What a build is made from, gathered around it, and why its steps ran again.

use std::fs;
use std::path::Path;

use careen_check::missed;
use careen_engine::{BuildRequest, Connection};
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
    cache_before: Option<Vec<InputRecord>>,
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
            cache_before: records(connection, &redaction),
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
        let mut inputs = BuildInputs {
            no_cache: request.no_cache,
            builder: self.builder,
            arguments: reading.argument_digests(),
            bases,
            steps: reading.steps(record),
            files,
            cache_before: self.cache_before,
            cache_after: records(connection, &self.redaction),
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

fn records(connection: &Connection, redaction: &Redaction) -> Option<Vec<InputRecord>> {
    let all = connection.cache_records().ok()?.into_iter();
    let kept = all.filter(|record| ["regular", "exec.cachemount"].contains(&record.kind.as_str()));
    let one = |record: careen_model::engine::CacheRecord| {
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
    Some(kept.map(one).collect())
}
