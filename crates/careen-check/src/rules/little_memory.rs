//! The build has less memory than what it will unpack usually takes.

use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, need};

pub(super) const RULE: Rule = Rule {
    id: "little-memory",
    title: "memory",
    category: Category::Engine,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("little_memory.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let (bytes, source) = match facts.engine() {
        Ok(engine) => (engine.memory_bytes, "GET /info"),
        Err(_) => host_memory(facts)?,
    };
    let wanted = if need::is_large(facts) { LARGE } else { SMALL };
    if bytes >= wanted {
        return Ok(());
    }
    let message = format!(
        "the build has {} of memory; below {} package installs get killed",
        units::size(bytes),
        units::size(wanted)
    );
    let fix =
        Fix::by_hand("Give the engine's machine more memory, or install fewer packages at once");
    found.push(
        rule.on_engine(message)
            .because("memory", units::size(bytes), source)
            .costs(Saving::MayFail, Basis::Rule)
            .fix(fix),
    );
    Ok(())
}

/// Unpacking and byte-compiling large wheels in parallel.
const LARGE: u64 = 4_000_000_000;
const SMALL: u64 = 1_500_000_000;

fn host_memory(facts: &Facts) -> Result<(u64, &'static str), Why> {
    let system = &facts.host()?.system;
    let memory = *system.memory_bytes.get()?;
    match system.memory_limit_bytes.known() {
        Some(Some(limit)) if *limit < memory => Ok((*limit, "memory limit of this container")),
        _ => Ok((memory, "/proc/meminfo")),
    }
}
