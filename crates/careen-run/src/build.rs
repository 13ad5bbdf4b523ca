//! One build from request to record: sent, watched, folded, stored.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use careen_engine::{BuildRequest, Built, CancelToken, Connection, EngineError, Output};
use careen_model::redact::names_a_secret;
use careen_model::{BuildEvent, BuildRecord, Outcome, Phase, What};

use crate::context_files::ContextFiles;
use crate::history::{History, Project};
use crate::manifest::News;
use crate::missed::Gathered;
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
    // A build is never stopped because nobody can tell later why its steps ran.
    let gathered = Gathered::begin(
        (job.history, job.project),
        job.connection,
        job.dockerfile,
        redaction(job.request),
    );
    let last = gathered.as_ref().ok().and_then(|gathered| gathered.last.clone());
    let (result, told_files) = std::thread::scope(|scope| {
        let (news, heard) = channel();
        let settling = scope.spawn(|| {
            let before = || last?.open()?.files;
            let heard = heard;
            files.manifest().settle(files.context(), files.sent(), before, &heard)
        });
        let mut on_each = |event: &BuildEvent| {
            for told in recorder.event(event) {
                on_event(&told, recorder.record());
            }
            if let What::StepEnded { step, .. } = &event.what
                && is_context(recorder.record(), step)
            {
                // Nobody listens any more when the files are settled.
                let _ = news.send(News::Sent);
            }
        };
        let result =
            careen_engine::build(job.connection, job.request, files.clone(), &mut on_each, cancel);
        let _ = news.send(News::Ended);
        (result, settling.join().ok().flatten())
    });
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
    let now = job.started_at.saturating_add_unsigned(record.total.as_secs() + 1);
    let told =
        gathered.map(|gathered| gathered.end(job.connection, job.request, record, told_files, now));
    if let Ok(told) = &told {
        record.missed.clone_from(&told.missed);
    }
    let Recorded { record, problem } = recorder.finish(job.history);
    let kept =
        told.and_then(|told| job.history.keep_inputs(job.project, &record.label, &told.inputs));
    // Also after a failure: the builder keeps what it was sent.
    let engine = record.engine.clone().unwrap_or_default();
    let remembered = job.history.remember(job.project, &engine, &files.take_sent());
    Ok(Finished { record, result, problem: problem.or(kept.err()).or(remembered.err()) })
}

/// Whether the builder has the files of the context once this step has ended.
fn is_context(record: &BuildRecord, step: &str) -> bool {
    record.steps.iter().any(|known| {
        known.id == step
            && known.phase == Phase::Context
            && known.name.contains("load build context")
    })
}

/// Secrets, and the values of build arguments whose names say that they are secret.
fn redaction(request: &BuildRequest) -> Redaction {
    let secrets = request.secrets.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let secret_arguments = request.build_args.iter().filter(|(name, _)| names_a_secret(name));
    Redaction::of(secrets.chain(secret_arguments.map(|(_, value)| value.clone())))
}
