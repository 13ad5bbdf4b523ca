//! `careen lint`: the rules about files, on any number of them; one bad file stops nothing.

mod asked;
mod baseline;
mod builder;
mod describe;
mod fix;
mod hadolint;
mod look;
mod targets;

use std::io::IsTerminal as _;
use std::time::Instant;

use careen_report::json;
use careen_report::lint::{self as report, Linting};
use careen_report::terminal::{self, Excerpts};

use self::asked::Asked;
use crate::arguments::{Format, LintOptions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

const FORMATS: &[Format] = &[
    Format::Text,
    Format::Json,
    Format::Jsonl,
    Format::Sarif,
    Format::Github,
    Format::Gitlab,
    Format::Junit,
    Format::Checkstyle,
    Format::Md,
];

pub(super) fn run(options: &LintOptions, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format("lint", format, FORMATS)?;
    let started = Instant::now();
    let mut asked = Asked::of(options)?;
    asked.ask_builder(options, world);
    let found = targets::of(&options.paths, options.context.as_deref());
    let mut done = fix::Done::default();
    if options.fix {
        let plan = fix::planned(&found.all, &asked, options)?;
        if options.dry_run {
            super::refuse_format("lint --fix --dry-run", format, &[Format::Text, Format::Json])?;
            super::print(|out| match format {
                Format::Json => json::plan(out, &plan),
                _ => terminal::plan(out, world.out, &plan),
            })?;
            return Ok(if plan.files.is_empty() { Exit::Ok } else { Exit::Findings });
        }
        done = fix::apply(plan, options, world.now)?;
    }
    let mut files = look::all(&found.all, &asked);
    let unchecked = asked.unchecked();
    let could_not_look = !unchecked.is_empty();
    if let Some(file) = &options.write_baseline {
        let count = baseline::write(file, &files)?;
        super::say(&format!("wrote {count} findings to {}", file.display()));
    }
    let known = options.write_baseline.as_ref().or(asked.baseline.as_ref());
    let stale = match known {
        Some(file) => baseline::subtract(file, &mut files)?,
        None => vec![],
    };
    let linting = Linting {
        profile: asked.profile_name(),
        files,
        fails_at: asked.fail_on.floor(),
        stale,
        fixed: done.fixed,
        journal: done.journal,
        notes: found
            .notes
            .into_iter()
            .chain(asked.notes)
            .chain(unchecked)
            .chain(done.notes)
            .collect(),
        took: started.elapsed(),
    };
    show(&linting, format, world)?;
    tell_what_has_no_place(&linting, format);
    Ok(match exit(&linting) {
        Exit::Ok if could_not_look || linting.files.is_empty() => Exit::CouldNotCheck,
        exit => exit,
    })
}

/// Forms of other programs know findings alone; what else there is to say goes to the person.
fn tell_what_has_no_place(linting: &Linting, format: Format) {
    if matches!(format, Format::Text | Format::Json) {
        return;
    }
    if format == Format::Gitlab {
        for file in &linting.files {
            if let Some(reason) = &file.unread {
                super::say(&format!("{}: could not be read: {reason}", file.path.display()));
            }
        }
    }
    for entry in &linting.stale {
        super::say(&format!("{}: {} is in the baseline and found no more", entry.path, entry.rule));
    }
    for note in &linting.notes {
        super::say(note);
    }
}

fn show(linting: &Linting, format: Format, world: &World) -> Result<(), Failure> {
    super::print(|out| match format {
        Format::Json => report::json::document(out, linting),
        Format::Jsonl => report::json::lines(out, linting),
        Format::Sarif => report::sarif::log(out, linting),
        Format::Github => report::github::commands(out, linting),
        Format::Gitlab => report::gitlab::report(out, linting),
        Format::Junit => report::junit::report(out, linting),
        Format::Checkstyle => report::checkstyle::report(out, linting),
        Format::Md => report::markdown::report(out, linting),
        Format::Text | Format::Html | Format::Trace => {
            let is_screen = std::io::stdout().is_terminal();
            let excerpts = if is_screen { Excerpts::Shown } else { Excerpts::Left };
            terminal::lint(out, world.out, linting, excerpts)
        }
    })
}

/// 1 for findings at or above the threshold, or when a file asks for it; else 3 when a file could not be read; else 0.
fn exit(linting: &Linting) -> Exit {
    if linting.has_failed() {
        return Exit::Findings;
    }
    match linting.counts().unread {
        0 => Exit::Ok,
        _ => Exit::CouldNotCheck,
    }
}
