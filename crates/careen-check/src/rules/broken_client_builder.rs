//! A plain `docker build` fails before it reads the Dockerfile.

use careen_model::engine::ClientBuilder;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "broken-client-builder",
    title: "client can build",
    category: Category::Client,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("broken_client_builder.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let client = facts.probes()?.client.get()?;
    if client.builder != ClientBuilder::Broken {
        return Ok(());
    }
    let message = "`docker build` fails: DOCKER_BUILDKIT=1 is set and the client has no buildx";
    let fix = Fix::by_hand("Install buildx, or build with careen, which needs none")
        .show("apt-get install docker-buildx")
        .show("careen build");
    found.push(
        rule.on_engine(message)
            .because("client", client.path.display().to_string(), "PATH")
            .because("buildx", "not found", "the client's plugin folders")
            .costs(Saving::MayFail, Basis::Rule)
            .fix(fix),
    );
    Ok(())
}
