//! The engine is older than what current images and Dockerfiles expect.

use careen_model::{Category, Findings, Fix, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, gc};

pub(super) const RULE: Rule = Rule {
    id: "old-engine",
    title: "engine version",
    category: Category::Engine,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("old_engine.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let engine = facts.engine()?;
    let Some(version) = gc::version(&engine.version) else {
        return Err(Why::Unreadable {
            what: "the engine's version".into(),
            error: format!("`{}` is no version", engine.version),
        });
    };
    if version >= OLDEST_USEFUL {
        return Ok(());
    }
    let message = format!(
        "engine {} cannot unpack zstd layers, which newer base images use (from 23.0 on)",
        engine.version
    );
    let fix = Fix::by_hand("Update the engine to a release that is still maintained")
        .show("docker version");
    found.push(
        rule.on_engine(message).because("engine version", &engine.version, "GET /version").fix(fix),
    );
    Ok(())
}

/// Older ones report zstd layers as `archive/tar: invalid tar header`.
const OLDEST_USEFUL: (u32, u32, u32) = (23, 0, 0);
