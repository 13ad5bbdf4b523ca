//! `careen doctor`: every check by category; never writes.

use careen_check::{RULES, diagnose, legacy};
use careen_report::terminal::{self, Detail, Listed};
use careen_report::{json, junit, markdown};

use super::subject;
use crate::arguments::{Doctor, Format};
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
        return list(world);
    }
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
                legacy: &legacy(&gathered.facts),
                text_of: &subject::text_of,
            },
        ),
        Format::Junit => junit::doctor(out, &diagnosis),
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

fn list(world: &World) -> Result<Exit, Failure> {
    let listed: Vec<Listed<'_>> = RULES
        .iter()
        .map(|rule| Listed { rule: rule.id, title: rule.title, category: rule.category })
        .collect();
    super::print(|out| terminal::checks(out, world.out, &listed))?;
    Ok(Exit::Ok)
}
