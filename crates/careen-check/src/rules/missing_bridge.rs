//! The engine's bridge network has lost its interface.

use careen_model::engine::Flavour;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "missing-bridge",
    title: "bridge interface exists",
    category: Category::Network,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("missing_bridge.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let probes = facts.probes()?;
    if !probes.endpoint.is_local {
        return Err(Why::NotSupported { what: "interfaces of another machine".into() });
    }
    let engine = facts.engine()?;
    // A rootless engine has its bridge in a network of its own; a desktop in its machine.
    if engine.rootless || engine.flavour != Flavour::Native {
        return Err(Why::NotSupported { what: "a look at the engine's own network".into() });
    }
    let bridge = probes.bridge.get()?;
    let links = facts.host()?.bridges.get()?;
    if links.iter().any(|link| link.name == bridge.name) {
        return Ok(());
    }
    let message = format!("the interface {} of the engine's bridge does not exist", bridge.name);
    let fix = Fix::by_hand("Restart the engine; it makes the bridge anew")
        .show("sudo systemctl restart docker");
    found.push(
        rule.on_engine(message)
            .because("interface", &bridge.name, "GET /networks/bridge")
            .because("found on this machine", "no", "/sys/class/net")
            .costs(Saving::MayFail, Basis::Measured)
            .fix(fix),
    );
    Ok(())
}
