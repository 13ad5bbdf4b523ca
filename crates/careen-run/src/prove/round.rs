//! The builds of a proof: which, in which order, and under which names.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use careen_engine::{BuildRequest, CancelToken, EngineHistory, Output};
use careen_host::walk::in_force;
use careen_model::{BuildEvent, BuildRecord, Content, Scenario};
use careen_syntax::dockerfile::{Keyword, parse};

use super::edit::{self, Originals, Recipe};
use super::ledger::{Held, Job, Ledger, Pair};
use super::state::Private;
use super::{Request, Told, content, not_compared, side_name};
use crate::Error;
use crate::build::{BuildJob, Finished, build};
use crate::history::{History, Project};

/// A scenario that can be run, and the edit that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) scenario: Scenario,
    recipe: Option<Recipe>,
}

impl Planned {
    pub(super) fn note(&self) -> String {
        match (self.scenario, &self.recipe) {
            (Scenario::Cold, _) => "no step cached, cache mounts empty".to_owned(),
            (Scenario::CacheMountsLost, Some(recipe)) => {
                format!("{}, cache mounts empty", recipe.note())
            }
            (_, Some(recipe)) => recipe.note(),
            (_, None) => String::new(),
        }
    }
}

/// Everything that the builds of one proof share.
pub(super) struct Rounds<'a, 'b> {
    pub(super) request: &'a Request<'a>,
    pub(super) ledger: &'a Ledger,
    pub(super) job: &'a Job,
    /// Of each state: before, those between, and after.
    pub(super) names: &'a [String],
    pub(super) privates: &'a [Private],
    pub(super) history: &'a History,
    pub(super) project: &'a Project,
    pub(super) cancel: &'a CancelToken,
    pub(super) on_told: &'b mut dyn FnMut(Told<'_>),
    /// The image that each side's tag named last; it goes when the next one has the tag.
    pub(super) images: Vec<Option<String>>,
}

/// One build of a proof.
struct One<'a> {
    round: usize,
    /// A scenario, or what else the build is for.
    what: &'static str,
    side: usize,
    no_cache: bool,
    /// What the ids of its cache mounts begin with.
    caches: &'a str,
    output: Output,
}

/// What is known better by less than this is not written down again.
const NEARER: i64 = 1_000_000;

/// When the build began, if the news came at once; in nanoseconds since the Unix epoch.
fn began_by(event: &BuildEvent) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let began = now.saturating_sub(event.at).as_nanos();
    i64::try_from(began).unwrap_or(i64::MAX)
}

/// What can be run, and what cannot with the reason.
type Plans = (Vec<Planned>, Vec<(Scenario, String)>);

impl Rounds<'_, '_> {
    /// What can be run, and what cannot with the reason.
    pub(super) fn plan(&mut self) -> Result<Plans, Error> {
        // A killed careen may have left its edits in the copies.
        for side in 0..self.sides() {
            self.originals(side).restore()?;
        }
        let sent = self.sent_by_all()?;
        let has_mounts = |private: &Private| {
            let text = std::fs::read(private.dockerfile()).unwrap_or_default();
            let file = parse(text);
            let mut runs = file.instructions().filter(|one| one.keyword == Keyword::Run);
            runs.any(|run| run.flags_named("mount").any(|flag| flag.text().contains("type=cache")))
        };
        let mounts = self.privates.iter().any(has_mounts);
        let (mut plan, mut skipped) = (Vec::new(), Vec::new());
        for &scenario in &self.request.scenarios {
            let recipe = match scenario {
                Scenario::Cold | Scenario::NothingChanged => Ok(None),
                Scenario::SourceChanged => edit::source(&sent, &self.request.place.context)
                    .map(Some)
                    .ok_or("no source file that takes a comment is sent by both builds".to_owned()),
                Scenario::CacheMountsLost if !mounts => {
                    Err("neither Dockerfile mounts a cache".to_owned())
                }
                Scenario::LockChanged | Scenario::CacheMountsLost => edit::lock(&sent)
                    .map(Some)
                    .ok_or("no lock file that we know is sent by both builds".to_owned()),
                Scenario::DependencyAdded => {
                    edit::dependency(&sent, &self.privates[self.sides() - 1].context).map(Some)
                }
            };
            match recipe {
                Ok(recipe) => plan.push(Planned { scenario, recipe }),
                Err(why) => {
                    (self.on_told)(Told::Skipped { scenario, why: &why });
                    skipped.push((scenario, why));
                }
            }
        }
        Ok((plan, skipped))
    }

    /// Files that the builds of all states take from their contexts.
    fn sent_by_all(&self) -> Result<Vec<PathBuf>, Error> {
        let of = |private: &Private| -> Result<Vec<PathBuf>, Error> {
            let failed =
                |error: String| Error::Prove { doing: "list the context".to_owned(), error };
            let source = std::fs::read(private.dockerfile())
                .map_err(Error::io("reading", private.dockerfile()))?;
            let sources = parse(source).context_sources(self.request.build.target.as_deref());
            let follow: Vec<String> = sources.into_iter().map(|source| source.path).collect();
            let patterns = in_force(private.dockerfile(), &private.context).working_patterns();
            let listing = careen_host::walk::sent(&private.context, &patterns, Some(&follow))
                .map_err(|why| failed(why.to_string()))?;
            let mut files = Vec::new();
            listing.for_each(|path, view| {
                if let (true, Ok(text)) = (view.is_file(), std::str::from_utf8(path)) {
                    files.push(PathBuf::from(text));
                }
            });
            Ok(files)
        };
        let mut common = of(&self.privates[self.sides() - 1])?;
        for private in &self.privates[..self.sides() - 1] {
            let known: HashSet<PathBuf> = of(private)?.into_iter().collect();
            common.retain(|path| known.contains(path));
        }
        Ok(common)
    }

    /// All rounds that are not on the disk yet. A round that was cut is run again from its start.
    pub(super) fn run(&mut self, plan: &[Planned]) -> Result<(), Error> {
        let done = self.ledger.pairs()?;
        for round in 0..self.request.runs {
            let has = |planned: &Planned| {
                let name = planned.scenario.name();
                done.iter().any(|pair| pair.round == round && pair.scenario == name)
            };
            if !plan.is_empty() && plan.iter().all(has) {
                continue;
            }
            let missing: Vec<&Planned> = plan.iter().filter(|planned| !has(planned)).collect();
            self.round(round, &missing)?;
        }
        Ok(())
    }

    fn round(&mut self, round: usize, missing: &[&Planned]) -> Result<(), Error> {
        let nonce = &self.job.nonce;
        let caches = self.caches(round);
        let is_cold = missing.iter().any(|planned| planned.scenario == Scenario::Cold);
        let mut order: Vec<usize> = (0..self.sides()).collect();
        if round % 2 == 1 {
            order.reverse();
        }

        // The cold builds also fill the caches that the other scenarios start from.
        let cold = |side: usize| One {
            round,
            what: if is_cold { Scenario::Cold.name() } else { "filling the cache" },
            side,
            no_cache: true,
            caches: &caches[side],
            output: Output::Store,
        };
        let records = self.all(&order, &cold)?;
        if is_cold {
            self.note(round, Scenario::Cold, &records)?;
        }
        for planned in missing.iter().filter(|planned| planned.scenario != Scenario::Cold) {
            let scenario = planned.scenario;
            let fresh: Vec<String> = caches.iter().map(|one| format!("{one}-lost")).collect();
            let lost = scenario == Scenario::CacheMountsLost;
            for side in 0..self.sides() {
                if let Some(recipe) = &planned.recipe {
                    let name = self.side_name(side);
                    let nonce = format!("{nonce} {round} {name} {}", scenario.name());
                    self.originals(side).edit(recipe, &nonce)?;
                }
            }
            let one = |side: usize| One {
                round,
                what: scenario.name(),
                side,
                no_cache: false,
                caches: if lost { &fresh[side] } else { &caches[side] },
                output: Output::Store,
            };
            let built = self.all(&order, &one);
            for side in 0..self.sides() {
                self.originals(side).restore()?;
            }
            self.note(round, scenario, &built?)?;
        }
        Ok(())
    }

    /// Builds every state in this order; gives the records in the order of the states.
    fn all<'c>(
        &mut self,
        order: &[usize],
        one: &dyn Fn(usize) -> One<'c>,
    ) -> Result<Vec<BuildRecord>, Error> {
        let mut records = Vec::new();
        for &side in order {
            records.push((side, self.build(&one(side))?));
        }
        records.sort_by_key(|(side, _)| *side);
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    fn note(&self, round: usize, scenario: Scenario, records: &[BuildRecord]) -> Result<(), Error> {
        let [before, between @ .., after] = records else { return Ok(()) };
        self.ledger.add_pair(&Pair {
            between: between.iter().map(|record| record.total.as_secs_f64()).collect(),
            round,
            scenario: scenario.name().to_owned(),
            labels: (before.label.clone(), after.label.clone()),
            seconds: (before.total.as_secs_f64(), after.total.as_secs_f64()),
        })
    }

    fn originals(&self, side: usize) -> Originals {
        Originals::of(&self.privates[side].context, &self.privates[side].kept)
    }

    fn sides(&self) -> usize {
        self.privates.len()
    }

    fn side_name(&self, side: usize) -> String {
        side_name(side, self.sides())
    }

    /// What the ids of the cache mounts of each state begin with in a round.
    fn caches(&self, round: usize) -> Vec<String> {
        let nonce = &self.job.nonce;
        let one = |side| match side {
            0 => format!("{nonce}-{round}-a"),
            last if last + 1 == self.sides() => format!("{nonce}-{round}-b"),
            between => format!("{nonce}-{round}-m{between}"),
        };
        (0..self.sides()).map(one).collect()
    }

    fn image(&self, side: usize) -> String {
        format!("careen-prove:{}-{}", self.job.nonce, self.side_name(side))
    }

    fn build(&mut self, one: &One<'_>) -> Result<BuildRecord, Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        let private = &self.privates[one.side];
        let state = self.names[one.side].as_str();
        let runs = self.request.runs;
        (self.on_told)(Told::Building { round: one.round, runs, what: one.what, state });
        let dockerfile = private.dockerfile_for(one.caches)?;
        self.ledger.hold(&Held::Caches(one.caches.to_owned()))?;
        let is_engine = self.request.connection.is_engine();
        let output = match &one.output {
            Output::Store if !is_engine => Output::None,
            other => other.clone(),
        };
        let tags = if output == Output::Store { vec![self.image(one.side)] } else { vec![] };
        for tag in &tags {
            self.ledger.hold(&Held::Image(tag.clone()))?;
        }
        let request = BuildRequest {
            no_cache: one.no_cache,
            tags,
            output,
            history: EngineHistory::Skip,
            // A key of its own for each round: the first transfer of a round is a first transfer.
            shared_key: one.caches.trim_end_matches("-lost").to_owned(),
            // Its copies in the builder say whose they are.
            folder_mark: one.caches.trim_end_matches("-lost").to_owned(),
            dockerfile: dockerfile.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            ..self.request.build.clone()
        };
        let job = BuildJob {
            connection: self.request.connection,
            request: &request,
            context: &private.context,
            dockerfile: &dockerfile,
            history: self.history,
            project: self.project,
            started_at: self.job.started_at,
            engine: Some(self.job.engine.clone()),
        };
        let on_told = &mut *self.on_told;
        let (ledger, mut began, mut held) = (self.ledger, i64::MAX, Ok(()));
        let mut on_event = |event: &BuildEvent, record: &BuildRecord| {
            // News come late by the way from the engine, careen's own end of a build does not.
            let earliest = began_by(event);
            if earliest < began.saturating_sub(NEARER) {
                began = earliest;
                let (label, dockerfile) = (record.label.clone(), dockerfile.clone());
                let told = ledger.hold(&Held::Build { label, dockerfile, began });
                held = std::mem::replace(&mut held, Ok(())).and(told);
            }
            on_told(Told::Event { event, record });
        };
        let finished = build(&job, &mut on_event, self.cancel)?;
        held?;
        self.judge(one, state, finished)
    }

    fn judge(
        &mut self,
        one: &One<'_>,
        state: &str,
        finished: Finished,
    ) -> Result<BuildRecord, Error> {
        let Finished { record, result, problem } = finished;
        if self.cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        if let Err(err) = result {
            let error = record.error.clone().unwrap_or_else(|| err.to_string());
            return Err(Error::Prove { doing: format!("build {state} ({})", one.what), error });
        }
        if let Some(problem) = problem {
            return Err(problem);
        }
        self.replace_image(one.side, &record)?;
        (self.on_told)(Told::Built { what: one.what, state, took: record.total });
        Ok(record)
    }

    /// Without this every build would leave an image without a name.
    fn replace_image(&mut self, side: usize, record: &BuildRecord) -> Result<(), Error> {
        let Some(id) = record.image_digest.clone() else { return Ok(()) };
        self.ledger.hold(&Held::Image(id.clone()))?;
        let last = self.images[side].replace(id.clone());
        if let Some(last) =
            last.filter(|last| *last != id && !self.images.contains(&Some(last.clone())))
        {
            // What cannot go now is tried again at the end, where a failure is told.
            let _ = self.request.connection.remove_image(&last);
        }
        Ok(())
    }

    /// Builds the first and the last state once more, from the cache, into archives of all their files.
    pub(super) fn compare(&mut self) -> Result<Content, Error> {
        let round = self.request.runs - 1;
        let all_caches = self.caches(round);
        let ends = [0, self.sides() - 1];
        let archives =
            ends.map(|side| self.ledger.folder.join(self.side_name(side)).join("files.tar"));
        for (side, archive) in ends.into_iter().zip(&archives) {
            let caches = &all_caches[side];
            let output = Output::FilesTar(archive.clone());
            let what = "writing out all files";
            let one = One { round, what, side, no_cache: false, caches, output };
            match self.build(&one) {
                Ok(_) => (),
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                Err(err) => return Ok(not_compared(err.to_string())),
            }
        }
        let mut content = content::files(&archives[0], &archives[1])?;
        for archive in &archives {
            // Gigabytes that nobody needs any more; the folder goes at the end anyway.
            let _ = std::fs::remove_file(archive);
        }
        if self.request.connection.is_engine() {
            let (before, after) = (self.image(ends[0]), self.image(ends[1]));
            content.settings = content::settings(self.request.connection, &before, &after)?;
        }
        Ok(content)
    }
}
