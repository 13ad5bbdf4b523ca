//! One build from request to record: sent, watched, folded, stored.

use std::path::Path;
use std::sync::Arc;

use careen_engine::{BuildRequest, Built, CancelToken, Connection, EngineError, Output};
use careen_model::redact::names_a_secret;
use careen_model::{BuildEvent, BuildRecord, Outcome};

use crate::context_files::ContextFiles;
use crate::history::{History, Project};
use crate::{About, Error, Recorded, Recorder, Redaction};

/// What to build and where its record goes.
#[derive(Debug)]
pub struct BuildJob<'a> {
    pub connection: &'a Connection,
    pub request: &'a BuildRequest,
    pub context: &'a Path,
    pub dockerfile: &'a Path,
    pub history: &'a History,
    pub project: &'a Project,
    /// Seconds since the Unix epoch.
    pub started_at: i64,
    /// Name of the engine, for the record.
    pub engine: Option<String>,
}

/// How a build ended.
#[derive(Debug)]
pub struct Finished {
    /// Complete, also of a build that failed.
    pub record: BuildRecord,
    pub result: Result<Built, EngineError>,
    /// Why the record is not, or not wholly, in the history. Never a reason to fail the build.
    pub problem: Option<Error>,
}

/// Builds. `on_event` sees each event with secrets taken out and the record it was folded into.
///
/// Blocks until the build has ended, also after `cancel`.
pub fn build(
    job: &BuildJob<'_>,
    on_event: &mut dyn FnMut(&BuildEvent, &BuildRecord),
    cancel: &CancelToken,
) -> Result<Finished, Error> {
    let about = About {
        started_at: job.started_at,
        // An archive is no image that anybody could test or run by its name.
        image: job.request.tags.first().filter(|_| job.request.output == Output::Store).cloned(),
        engine: job.engine.clone(),
        redaction: redaction(job.request),
    };
    let mut recorder = Recorder::begin(job.history, job.project, about)?;
    let files = Arc::new(ContextFiles::new(job.context, job.dockerfile));
    let mut on_each = |event: &BuildEvent| {
        for told in recorder.event(event) {
            on_event(&told, recorder.record());
        }
    };
    let result =
        careen_engine::build(job.connection, job.request, files.clone(), &mut on_each, cancel);
    let record = recorder.record_mut();
    // Without an end in the events (the engine went away, nothing began) the result says it.
    record.outcome.get_or_insert(match &result {
        Ok(_) => Outcome::Built,
        Err(EngineError::Cancelled) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    });
    match &result {
        Ok(built) => record.image_digest.clone_from(&built.image_id),
        Err(EngineError::BuildFailed(failure)) => {
            record.exit_code = failure.exit_code;
            record.error.get_or_insert_with(|| failure.message.clone());
        }
        Err(other) => {
            record.error.get_or_insert_with(|| other.to_string());
        }
    }
    let Recorded { record, problem } = recorder.finish(job.history);
    // Also after a failure: the builder keeps what it was sent.
    let engine = record.engine.clone().unwrap_or_default();
    let remembered = job.history.remember(job.project, &engine, &files.take_sent());
    Ok(Finished { record, result, problem: problem.or(remembered.err()) })
}

/// Secrets, and the values of build arguments whose names say that they are secret.
fn redaction(request: &BuildRequest) -> Redaction {
    let secrets = request.secrets.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let secret_arguments = request.build_args.iter().filter(|(name, _)| names_a_secret(name));
    Redaction::of(secrets.chain(secret_arguments.map(|(_, value)| value.clone())))
}
