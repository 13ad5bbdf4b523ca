//! `careen explain`: the page of a rule, offline.

use careen_check::{RULES, find};

use crate::arguments::Explain;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::world::World;

pub(super) fn run(options: &Explain, _world: &World) -> Result<Exit, Failure> {
    let Some(name) = &options.rule else {
        super::print(|out| {
            for rule in RULES {
                writeln!(out, "{:<34} {}", rule.id, rule.title)?;
            }
            Ok(())
        })?;
        return Ok(Exit::Ok);
    };
    let rule = find(name).map_err(|unknown| Failure::usage(&unknown).hint(Some(unknown.hint())))?;
    super::print(|out| out.write_all(rule.page.as_bytes()))?;
    Ok(Exit::Ok)
}
