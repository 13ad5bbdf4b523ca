//! This engine version removes large fresh layers right after it built them.

use careen_model::host::SpaceRole;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, gc, need, price};

pub(super) const RULE: Rule = Rule {
    id: "discarding-collector",
    title: "collector keeps fresh layers",
    category: Category::Cache,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("discarding_collector.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let engine = facts.engine()?;
    if gc::regime(engine) != Some(gc::Regime::TooSmall) {
        return Ok(());
    }
    let used = gc::unshared_bytes(facts.probes()?.cache.get()?);
    let layers = price::exported_bytes(&facts.history).map_or(0, |(bytes, _)| bytes);
    let disk = need::room(facts, SpaceRole::EngineData).map(|room| room.total_bytes);
    let kept = disk.map(|bytes| bytes / 10);
    if kept.is_some_and(|kept| used + layers < kept) {
        return Ok(());
    }
    let message = format!(
        "engine {} keeps at most a tenth of its disk as build cache and removes the rest at once",
        engine.version
    );
    let limit = kept.unwrap_or(0);
    let kept = kept.map_or("a tenth of the disk".to_owned(), units::size);
    let fix = Fix::by_hand("Update the engine to 28.5.1 or later").show("docker version");
    found.push(
        rule.on_engine(message)
            .because("engine version", &engine.version, "GET /version")
            .because("cache in use", units::size(used), "DiskUsage of the builder")
            .because("cache it keeps", kept, "defaults of engines 28.2.0 to 28.5.0")
            .costs(Saving::Bytes((used + layers).saturating_sub(limit)), Basis::Rule)
            .fix(fix),
    );
    Ok(())
}
