//! The engine stores layers with a driver that copies instead of sharing.

use careen_model::{Category, Findings, Fix, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "slow-storage-driver",
    title: "storage driver",
    category: Category::Engine,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("slow_storage_driver.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let engine = facts.engine()?;
    let Some((_, why)) = SLOW.iter().find(|(name, _)| *name == engine.storage_driver) else {
        return Ok(());
    };
    let message = format!("the storage driver `{}` {why}", engine.storage_driver);
    let fix =
        Fix::by_hand("Switch the engine to overlay2; images have to be pulled and built again")
            .show("docker info --format '{{.Driver}}'");
    found.push(
        rule.on_engine(message)
            .because("storage driver", &engine.storage_driver, "GET /info")
            .because("rootless", if engine.rootless { "yes" } else { "no" }, "GET /info")
            .fix(fix),
    );
    Ok(())
}

/// Drivers and what they do to a build.
const SLOW: [(&str, &str); 3] = [
    ("vfs", "copies the whole image for each step"),
    ("fuse-overlayfs", "sends each file access of a step through a user process"),
    ("devicemapper", "is deprecated and was removed from engine 25.0"),
];
