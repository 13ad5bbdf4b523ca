//! `careen prove`: two states of the project, built in turns, their times and their content.

use std::path::{Path, PathBuf};

use careen_engine::BuildRequest;
use careen_model::{Cleaned, Proof, ProofVerdict, Scenario, units};
use careen_report::{json, markdown, terminal};
use careen_run::apply::Journal;
use careen_run::prove::{
    Kept, Link, Place, Request, State, Told, abandon, keep, kept, links, prove, unfinished,
};
use careen_run::{Error, gather};

use super::undo::failed;
use super::{build, interrupt, preflight, subject};
use crate::arguments::{Format, Prove};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::{World, env};

pub(super) fn run(options: &Prove, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("prove", format, &[Format::Text, Format::Json, Format::Md])?;
    let asked = subject::asked(&options.project, world)?;
    let project = gather::discover(&asked.request);
    let source = project.dockerfile.get().map_err(|why| {
        Failure::could_not("find what to build", why)
            .hint(Some("name the Dockerfile with -f, or the project's folder"))
    })?;
    preflight::check(&project, &source.path)?;
    let place = Place {
        root: whole(&project.root),
        context: whole(&project.context),
        dockerfile: whole(&source.path),
    };
    let target = careen_engine::resolve_builder(&env, &world.home, options.builder.as_deref());
    let connection = super::connect(&target, "prove")?;
    let name = name_of(&place.dockerfile);
    let folder = folder(&name, world);
    if options.abandon {
        return give_up(&folder, &connection);
    }
    look_for_unfinished(options, &folder, &connection)?;
    let scenarios = match options.scenario.as_slice() {
        [] => Scenario::ALL.to_vec(),
        asked => asked.to_vec(),
    };
    let (before, after) = (state(&options.before)?, state(&options.after)?);
    let (before, fixes) =
        if options.each { each(&place, &before, &after)? } else { (before, vec![]) };
    let request = Request {
        connection: &connection,
        place,
        before,
        after,
        fixes,
        scenarios,
        runs: usize::from(options.runs),
        build: BuildRequest {
            target: project.target.clone(),
            build_args: options.arguments.iter().filter_map(|text| build::argument(text)).collect(),
            secrets: build::secrets(&options.secrets)?,
            platform: options.platform.clone(),
            network: options.network.clone(),
            docker_config: Some(careen_engine::config_directory(&env, &world.home)),
            ..BuildRequest::default()
        },
        folder: folder.clone(),
        resume: options.resume,
        now: world.now,
        nonce: format!("careen-prove-{name}-{:x}", world.now),
    };
    let proof = prove(&request, &mut |told| tell(&told), &interrupt::token());
    let proof = proof.map_err(|err| match err {
        Error::Interrupted => {
            super::say("what was measured is kept: `careen prove --resume` goes on with it");
            Failure::interrupted()
        }
        other => failed("prove")(other),
    })?;
    show(&proof, format, world)?;
    tell_cleaned(&proof.cleaned);
    match keep(&kept_file(&name, world), &proof, world.now) {
        Ok(()) => super::say("`careen report` shows this proof as a page"),
        Err(err) => super::say(&format!("`careen report` will not show this proof: {err}")),
    }
    Ok(match proof.verdict() {
        ProofVerdict::Faster | ProofVerdict::NoDifference => Exit::Ok,
        ProofVerdict::Slower | ProofVerdict::NotTheSame => Exit::Findings,
        ProofVerdict::Unknown => Exit::CouldNotCheck,
    })
}

/// What went from the engine again, and what stays there.
fn tell_cleaned(cleaned: &Cleaned) {
    let records = |n: usize| match n {
        1 => "1 record".to_owned(),
        n => format!("{} records", units::count(n as u64)),
    };
    if !cleaned.removed.is_empty() {
        let (n, bytes) = (records(cleaned.removed.len()), units::size(cleaned.removed_bytes()));
        super::say(&format!("removed from the build cache: {n} of this proof, {bytes}"));
    }
    let mut reasons: Vec<&str> = cleaned.left.iter().map(|(_, why)| why.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let rows = || cleaned.left.iter().filter(|(_, why)| why == reason).map(|(row, _)| row);
        let bytes = units::size(rows().map(|row| row.bytes).sum());
        super::say(&format!(
            "left in the build cache: {}, {bytes}: {reason}",
            records(rows().count())
        ));
    }
    for what in &cleaned.problems {
        super::say(&format!("left in the engine: {what}"));
    }
}

fn show(proof: &Proof, format: Format, world: &World) -> Result<(), Failure> {
    super::print(|out| match format {
        Format::Json => json::proof(out, proof),
        Format::Md => markdown::proof(out, proof),
        _ => terminal::proof(out, world.out, proof),
    })
}

fn give_up(folder: &Path, connection: &careen_engine::Connection) -> Result<Exit, Failure> {
    // A careen that was killed while it removed one may have left a part.
    if unfinished(folder).is_none() && !folder.exists() {
        super::say("there is no unfinished proof of this project");
        return Ok(Exit::Ok);
    }
    let cleaned = abandon(folder, connection).map_err(failed("remove the unfinished proof"))?;
    tell_cleaned(&cleaned);
    super::say("the unfinished proof is removed");
    Ok(Exit::Ok)
}

/// An unfinished proof is never thrown away without a word.
fn look_for_unfinished(
    options: &Prove,
    folder: &Path,
    connection: &careen_engine::Connection,
) -> Result<(), Failure> {
    match (unfinished(folder), options.resume) {
        (None, true) => Err(Failure::usage("there is no unfinished proof to go on with")),
        (Some(_), false) => {
            super::say(
                "an unfinished proof of this project is replaced; --resume would go on with it",
            );
            let cleaned =
                abandon(folder, connection).map_err(failed("remove the unfinished proof"))?;
            tell_cleaned(&cleaned);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The states between, from the journal.
fn each(place: &Place, before: &State, after: &State) -> Result<(State, Vec<Link>), Failure> {
    let (State::BeforeFix(id), State::Now) = (before, after) else {
        return Err(Failure::usage("--each tells fixes apart, from before one of them to now")
            .hint(Some("give --before fix or --before fix:ID, and no --after")));
    };
    let journal = Journal::of(&place.root).map_err(failed("read the journal"))?;
    let (before, links) = links(&journal, id.as_deref()).map_err(failed("read the journal"))?;
    super::say(&match links.as_slice() {
        [only] => format!("nothing is known to lie between: {} is one fix", only.fixes),
        all => format!("{} states of the project are built in each round", all.len() + 1),
    });
    Ok((before, links))
}

/// `now`, `fix`, `fix:ID`, `git:REVISION`, `file:DOCKERFILE`.
fn state(text: &str) -> Result<State, Failure> {
    Ok(match text.split_once(':') {
        None if text == "now" => State::Now,
        None if text == "fix" => State::BeforeFix(None),
        Some(("fix", id)) => State::BeforeFix(Some(id.to_owned())),
        Some(("git", revision)) => State::Revision(revision.to_owned()),
        Some(("file", path)) => State::Dockerfile(whole(Path::new(path))),
        _ => {
            let why = format!("`{text}` names no state");
            return Err(Failure::usage(why)
                .hint(Some("write now, fix, fix:ID, git:REVISION or file:DOCKERFILE")));
        }
    })
}

fn whole(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Beside the history: one folder for each Dockerfile.
fn folder(name: &str, world: &World) -> PathBuf {
    let history = world.history();
    history.parent().unwrap_or(Path::new("/")).join("prove").join(name)
}

fn name_of(dockerfile: &Path) -> String {
    careen_run::short_name(dockerfile.as_os_str().as_encoded_bytes())
}

fn kept_file(name: &str, world: &World) -> PathBuf {
    folder(name, world).with_extension("json")
}

/// The last proof of this project, if one is kept.
pub(super) fn last(dockerfile: &Path, world: &World) -> Result<Option<Kept>, Error> {
    kept(&kept_file(&name_of(&whole(dockerfile)), world))
}

fn tell(told: &Told<'_>) {
    match told {
        Told::Copying { state } => super::say(&format!("copying the project: {state}")),
        Told::Left { state, path } => {
            super::say(&format!("not copied, in neither build of {state}: {}", path.display()));
        }
        Told::Resumed { pairs } => super::say(&format!("going on after {pairs} measured pairs")),
        Told::Building { round, runs, what, state } => {
            super::say(&format!("round {} of {runs}  {what}  {state} …", round + 1));
        }
        Told::Built { what, state, took } => {
            super::say(&format!("  {what}  {state}: {}", units::time(*took)));
        }
        Told::Skipped { scenario, why } => {
            super::say(&format!("{} is skipped: {why}", scenario.name()));
        }
        Told::Comparing => super::say("comparing the content of both images"),
        Told::Event { .. } => (),
    }
}
