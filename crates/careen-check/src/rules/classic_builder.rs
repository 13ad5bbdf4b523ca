//! A plain `docker build` would run the legacy builder.

use careen_model::engine::ClientBuilder;
use careen_model::{Category, Findings, Fix, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "classic-builder",
    title: "client uses BuildKit",
    category: Category::Client,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("classic_builder.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let client = facts.probes()?.client.get()?;
    if client.builder != ClientBuilder::Classic {
        return Ok(());
    }
    let message =
        "`docker build` runs the legacy builder: no cache mounts, no secrets, no parallel stages";
    let fix = Fix::by_hand("Build with careen, or tell the client to use BuildKit")
        .show("careen build")
        .show("export DOCKER_BUILDKIT=1");
    found.push(
        rule.on_engine(message)
            .because("client", client.path.display().to_string(), "PATH")
            .because(
                "builder of a plain `docker build`",
                "legacy",
                "client version and environment",
            )
            .fix(fix),
    );
    Ok(())
}
