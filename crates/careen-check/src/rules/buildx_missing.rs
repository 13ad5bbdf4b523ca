//! The client has no buildx plugin, and the engine's own BuildKit is used instead.

use careen_model::engine::ClientBuilder;
use careen_model::{Category, Findings, Fix, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "buildx-missing",
    title: "buildx plugin",
    category: Category::Client,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("buildx_missing.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let client = facts.probes()?.client.get()?;
    // The other builders without buildx are findings of their own.
    if client.buildx.is_some() || client.builder != ClientBuilder::BuiltInBuildKit {
        return Ok(());
    }
    let fix = Fix::by_hand("Install buildx if people or scripts call `docker buildx`")
        .show("apt-get install docker-buildx");
    found.push(
        rule.on_engine("the docker client has no buildx; careen builds without it")
            .because("client", client.path.display().to_string(), "PATH")
            .fix(fix),
    );
    Ok(())
}
