//! `careen doctor`: every check by category; never writes.

use std::time::Instant;

use careen_check::{RULES, diagnose};
use careen_model::Severity;
use careen_report::terminal::{self, Detail, Listed};
use careen_report::{json, junit, markdown};

use super::subject;
use crate::arguments::{Doctor, FailOn, Format};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

pub(super) fn run(options: &Doctor, format: Format, world: &World) -> Result<Exit, Failure> {
    super::refuse_format(
        "doctor",
        format,
        &[Format::Text, Format::Json, Format::Junit, Format::Md],
    )?;
    if options.list {
        super::refuse_format("doctor --list", format, &[Format::Text, Format::Json])?;
        return list(format, world);
    }
    let started = Instant::now();
    let asked = subject::asked(&options.project, world)?;
    let selection = subject::selection(&options.only, &options.ignore, &asked.config)?;
    let gathered = subject::look(&asked.request, world);
    let diagnosis = diagnose(&gathered.facts, &selection);
    let shown = subject::subject(&gathered);
    super::print(|out| match format {
        Format::Json => json::doctor(
            out,
            &json::Doctor {
                subject: shown,
                diagnosis: &diagnosis,
                took: started.elapsed(),
                legacy: &subject::legacy(&gathered, &diagnosis),
                text_of: &subject::text_of,
            },
        ),
        Format::Junit => junit::doctor(out, &diagnosis, junit_floor(options.fail_on)),
        Format::Md => markdown::doctor(out, &diagnosis, &subject::text_of),
        _ => terminal::doctor(
            out,
            world.out,
            &terminal::Doctor {
                subject: shown,
                diagnosis: &diagnosis,
                detail: if options.verbose { Detail::Everything } else { Detail::Problems },
                text_of: &subject::text_of,
            },
        ),
    })?;
    Ok(subject::exit(&diagnosis, options.fail_on, &gathered))
}

/// `JUnit` knows only failed or not; with `never` nothing fails but what could not be worse.
fn junit_floor(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Style | FailOn::Hint => Severity::Hint,
        FailOn::Warning => Severity::Warning,
        FailOn::Error | FailOn::Never => Severity::Error,
    }
}

/// Every rule by name and title.
pub(super) fn list(format: Format, world: &World) -> Result<Exit, Failure> {
    let listed: Vec<Listed<'_>> = RULES
        .iter()
        .map(|rule| Listed { rule: rule.id, title: rule.title, category: rule.category })
        .collect();
    super::print(|out| match format {
        Format::Json => json::checks(out, &listed),
        _ => terminal::checks(out, world.out, &listed),
    })?;
    Ok(Exit::Ok)
}
