//! The engine keeps its data in memory.

use careen_model::host::SpaceRole;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "engine-data-in-memory",
    title: "engine data on a disk",
    category: Category::Disk,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("engine_data_in_memory.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let spaces = &facts.host()?.space;
    let space = spaces.iter().find(|space| space.role == SpaceRole::EngineData);
    let space = space.ok_or(Why::NotOnThisSystem { what: "engine data".into() })?;
    let room = space.found.get()?;
    if !room.in_memory {
        return Ok(());
    }
    let message = format!(
        "the engine's data lies in memory ({}, {} in all): images and cache end with the machine",
        space.path.display(),
        units::size(room.total_bytes)
    );
    let fix = Fix::by_hand("Move the engine's data to a disk: `data-root` in its daemon.json");
    found.push(
        rule.on_host(message)
            .because("file system", "in memory", format!("statfs {}", space.path.display()))
            .costs(Saving::MayFail, Basis::Rule)
            .fix(fix),
    );
    Ok(())
}
