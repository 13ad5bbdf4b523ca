//! `careen fix`: plan, show, ask, apply, measure again.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;

use careen_check::{Policy, Request, Scope, Selection, diagnose, plan_rounds};
use careen_model::{Diagnosis, Fact, Fix as CareenFix, Planned, Safety, Step, units};
use careen_report::json;
use careen_report::terminal::{self, Applied, Measured};
use careen_run::apply::Journal;
use careen_run::gather::Gathered;

use super::stages::stages;
use super::subject::{self, Asked};
use super::undo::{failed, recover};
use crate::arguments::{Fix, Format};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::{World, env};

pub(super) fn run(options: &Fix, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("fix", format, &[Format::Text, Format::Json])?;
    let asked = subject::asked(&options.project, world)?;
    let journal = Journal::of(&options.project.path).map_err(failed("read the journal"))?;
    if !options.dry_run {
        recover(&journal)?;
    }
    let selection = subject::selection(&[], &options.ignore, &asked.config)?;
    let before = subject::look(&asked.request, world);
    let diagnosis = diagnose(&before.facts, &selection);
    can_be_looked_at(options, &before)?;
    let policy = policy(options, &asked, &before)?;
    let read = |path: &Path| fs::read(path).ok();
    let mut plan = plan_rounds(&diagnosis, &before.facts, &read, &policy);
    super::relative_to(&options.project.path, &mut plan);
    let nothing = plan.files.is_empty() && plan.chosen.is_empty();
    let ends_here = options.dry_run || nothing;
    match format {
        // One document: the plan, or what was done.
        Format::Json if ends_here => super::print(|out| json::plan(out, &plan))?,
        Format::Json => (),
        _ => super::print(|out| terminal::plan(out, world.out, &plan))?,
    }
    if ends_here {
        return Ok(Exit::Ok);
    }
    if !options.yes && !agreed(world)? {
        super::say("nothing was changed");
        return Ok(Exit::Ok);
    }
    let root = &options.project.path;
    let stages = stages(&plan, root, (&before, &diagnosis), &policy);
    let applied = journal.apply(&plan, world.now).map_err(failed("apply the fixes"))?;
    if let Some(applied) = &applied
        && let Err(err) = journal.keep_stages(&applied.id, &stages)
    {
        super::say(&format!("`careen prove --each` will take these fixes for one: {err}"));
    }
    let config = careen_engine::config_directory(&env, &world.home);
    let store = careen_engine::buildx_store(&env, &config);
    let remedied = careen_run::remedy::run(&plan, &before.target, &store).map_err(|err| {
        if let Some(applied) = &applied {
            super::say(&format!("the files are fixed, as change {} of the journal", applied.id));
        }
        Failure::could_not("change the engine", &err).hint(err.hint())
    })?;
    super::leftovers::tell(&plan, &remedied.removed);
    if !remedied.pruned.is_empty() {
        let count = units::count(remedied.pruned.len() as u64);
        super::say(&format!(
            "removed {count} cache records, {}",
            units::size(remedied.freed_bytes)
        ));
    }
    let after = subject::look(&asked.request, world);
    let again = diagnose(&after.facts, &selection);
    let fixes: Vec<Measured<'_>> = plan
        .chosen
        .iter()
        .map(|planned| Measured {
            planned,
            number: number(planned.rule, &before, &after),
            still: still(planned.rule, &diagnosis, &again),
        })
        .collect();
    let id = applied.as_ref().map(|applied| applied.id.as_str());
    let shown = Applied { fixes: &fixes, journal: id };
    super::print(|out| match format {
        Format::Json => json::applied(out, &shown),
        _ => terminal::applied(out, world.out, &shown),
    })?;
    Ok(Exit::Ok)
}

/// What was asked for by name must be known: "nothing to fix" would be a lie where nobody looked.
fn can_be_looked_at(options: &Fix, before: &Gathered) -> Result<(), Failure> {
    let Some(engine) = &before.facts.engine else { return Ok(()) };
    if let Fact::Unknown(why) = &engine.cache
        && options.clean_cache
    {
        return Err(Failure::could_not("look at the build cache", why));
    }
    if let Fact::Unknown(why) = &engine.builders
        && options.recreate_builder
    {
        return Err(Failure::could_not("look at the builders", why));
    }
    Ok(())
}

fn policy(options: &Fix, asked: &Asked, before: &Gathered) -> Result<Policy, Failure> {
    let requests: Vec<Request> = [
        (options.dockerignore, Request::Dockerignore),
        (options.clean_cache, Request::CleanCache),
        (options.recreate_builder, Request::RecreateBuilder),
    ]
    .into_iter()
    .filter_map(|(asked, request)| asked.then_some(request))
    .collect();
    let only = Selection::of(&options.only, &[])
        .map_err(|unknown| Failure::usage(&unknown).hint(Some(unknown.hint())))?
        .only;
    let is_bare = requests.is_empty() && !options.script && !options.clean_system;
    let scope = match (options.all, only.is_empty(), is_bare) {
        (false, false, _) => Scope::Only(only),
        (false, true, false) => Scope::RequestsOnly,
        (true, _, _) | (false, true, true) => Scope::All,
    };
    let mut extra = Vec::new();
    if options.clean_system {
        extra.extend(super::leftovers::fixes(options, &before.target)?);
    }
    if options.script {
        extra.push(script(before, asked)?);
    }
    Ok(Policy {
        scope,
        floor: if options.risky { Safety::Risky } else { Safety::Safe },
        requests,
        extra,
        numbers: subject::selection(&options.only, &options.ignore, &asked.config)?.numbers,
    })
}

fn script(before: &Gathered, asked: &Asked) -> Result<Planned, Failure> {
    let project = before.facts.project.as_ref();
    let project = project.ok_or_else(|| Failure::could_not("write a script", "no project"))?;
    let path = project.root.join(super::script::FILE_NAME);
    let text = super::script::text(project, asked.config.image.clone())?;
    let step = Step::Write { path, text, executable: true };
    Ok(Planned {
        rule: "script",
        message: "a build script that needs only a shell and Docker was asked for".to_owned(),
        fix: CareenFix::safe("Write build_optimized.sh", step),
    })
}

/// Asks on a terminal. Elsewhere nobody can answer, so `--yes` must say it.
fn agreed(world: &World) -> Result<bool, Failure> {
    if !world.interactive {
        return Err(Failure::usage("nobody can be asked here")
            .hint(Some("add --yes to apply the plan, or --dry-run to see it only")));
    }
    let mut stderr = io::stderr();
    let asked = write!(stderr, "Apply these fixes? [y/N] ").and_then(|()| stderr.flush());
    asked.map_err(|err| Failure::could_not("ask", err))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|err| Failure::could_not("ask", err))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "a" | "apply"))
}

/// What was measured before and after, for fixes that move a number at once.
fn number(rule: &str, before: &Gathered, after: &Gathered) -> Option<(String, String, String)> {
    let is_about_context = rule.contains("ignore") || rule.contains("context");
    let (old, new) = (before.facts.context.known()?, after.facts.context.known()?);
    let text = |facts: &careen_model::ContextFacts| {
        format!("{} in {} entries", units::size(facts.sent.bytes), units::count(facts.sent.entries))
    };
    (is_about_context && old.sent != new.sent).then(|| ("context".to_owned(), text(old), text(new)))
}

/// Why the check complains after the fix exactly as before, when it does as often.
fn still(rule: &str, before: &Diagnosis, after: &Diagnosis) -> Option<String> {
    let of = |diagnosis: &Diagnosis| {
        diagnosis.findings.iter().filter(|f| f.rule == rule).map(|f| f.message.clone()).collect()
    };
    let (old, new): (Vec<String>, Vec<String>) = (of(before), of(after));
    if new.len() < old.len() { None } else { new.into_iter().find(|message| old.contains(message)) }
}
