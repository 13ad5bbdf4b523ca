//! Nothing ever removes anything from the build cache.

use careen_model::engine::Flavour;
use careen_model::{Category, Findings, Fix, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, gc};

pub(super) const RULE: Rule = Rule {
    id: "uncollected-cache",
    title: "cache has a limit",
    category: Category::Cache,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("uncollected_cache.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let engine = facts.engine()?;
    let cache = facts.probes()?.cache.get()?;
    // Docker Desktop configures a limit of 20 GB on its own.
    if gc::regime(engine) != Some(gc::Regime::Off) || engine.flavour == Flavour::DockerDesktop {
        return Ok(());
    }
    let used = gc::unshared_bytes(cache);
    if used < WORTH_A_WORD {
        return Ok(());
    }
    let message = format!(
        "the build cache holds {} and engine {} never removes any of it by default",
        units::size(used),
        engine.version
    );
    let fix = Fix::by_hand("Turn the collector on in the engine's daemon.json and restart it")
        .show(r#"{"builder":{"gc":{"enabled":true,"defaultKeepStorage":"40GB"}}}"#);
    found.push(
        rule.on_engine(message)
            .because("unshared cache", units::size(used), "DiskUsage of the builder")
            .because("collector", gc::Regime::Off.name(), "engine version")
            .fix(fix),
    );
    Ok(())
}

const WORTH_A_WORD: u64 = 20_000_000_000;
