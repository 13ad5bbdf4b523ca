//! No engine answers, or it does not let us in.

use careen_model::engine::Endpoint;
use careen_model::{
    Basis, Category, EngineFacts, Fact, Finding, Findings, Fix, Saving, Severity, Why,
};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "engine-unreachable",
    title: "engine answers",
    category: Category::Engine,
    topic: Topic::Correctness,
    status: Status::Stable,
    // careen does most of its work without one; the exit code says that not all was checked.
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("engine_unreachable.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let probes = facts.probes()?;
    let finding = match &probes.engine {
        Fact::Known(_) => return Ok(()),
        Fact::Unknown(Why::Denied { what }) => denied(rule, probes, what),
        Fact::Unknown(Why::NoEngine { error }) => silent(rule, probes, error),
        Fact::Unknown(why) => return Err(why.clone()),
    };
    let Endpoint { address, chosen_by, .. } = &probes.endpoint;
    found.push(
        finding
            .because("address", address, format!("chosen by {chosen_by}"))
            .costs(Saving::MayFail, Basis::Measured),
    );
    Ok(())
}

fn denied(rule: &Rule, probes: &EngineFacts, what: &str) -> Finding {
    let message = format!("this user may not use the engine at {}", probes.endpoint.address);
    let fix = Fix::by_hand("Join the group that owns the socket, then log in again")
        .show("sudo usermod -aG docker \"$USER\"")
        .show("newgrp docker");
    rule.on_engine(message).because("refused", what, "connecting").fix(fix)
}

fn silent(rule: &Rule, probes: &EngineFacts, error: &str) -> Finding {
    let message = format!("no engine answers at {}", probes.endpoint.address);
    let fix = match (probes.endpoint.is_local, &probes.endpoint.context) {
        (true, None) if probes.endpoint.chosen_by != "DOCKER_HOST" => {
            Fix::by_hand("Start the engine").show("sudo systemctl start docker")
        }
        (_, Some(context)) => Fix::by_hand(format!("Repair or leave the context `{context}`"))
            .show("docker context ls")
            .show("docker context use default"),
        (_, None) => Fix::by_hand("Correct the address, or start the engine there")
            .show("echo \"$DOCKER_HOST\""),
    };
    rule.on_engine(message).because("error", error, "connecting").fix(fix)
}
