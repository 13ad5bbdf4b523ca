//! The bare `careen`: one screen that people paste into issues.

use std::time::Instant;

use careen_check::diagnose;
use careen_report::json;
use careen_report::terminal::{self, Overview};

use super::subject;
use crate::arguments::{FailOn, Format, ProjectOptions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

pub(super) fn run(
    options: &ProjectOptions,
    format: Format,
    world: &World,
) -> Result<Exit, Failure> {
    super::refuse_format("", format, &[Format::Text, Format::Json])?;
    let started = Instant::now();
    let asked = subject::asked(options, world)?;
    let gathered = subject::look(&asked.request, world);
    let selection = subject::selection(&[], &[], &asked.config)?;
    let diagnosis = diagnose(&gathered.facts, &selection);
    let took = started.elapsed();
    let shown = subject::subject(&gathered);
    super::print(|out| match format {
        Format::Json => json::doctor(
            out,
            &json::Doctor {
                subject: shown,
                diagnosis: &diagnosis,
                took,
                legacy: &subject::legacy(&gathered, &diagnosis),
                text_of: &subject::text_of,
            },
        ),
        _ => terminal::overview(
            out,
            world.out,
            &Overview {
                version: env!("CARGO_PKG_VERSION"),
                subject: shown,
                diagnosis: &diagnosis,
                took,
            },
        ),
    })?;
    Ok(subject::exit(&diagnosis, FailOn::Never, &gathered))
}
