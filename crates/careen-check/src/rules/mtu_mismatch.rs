//! Containers send larger packets than the network takes.

use careen_model::{Category, Fact, Findings, Fix, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "mtu-mismatch",
    title: "packet sizes fit",
    category: Category::Network,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("mtu_mismatch.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let probes = facts.probes()?;
    if !probes.endpoint.is_local {
        return Err(Why::NotSupported { what: "the MTU of another machine".into() });
    }
    let host = *facts.host()?.default_mtu.get()?;
    let bridge = probes.bridge.get()?;
    // Without an option the interface itself tells; without an interface, the kernel's 1500.
    let link = match &facts.host()?.bridges {
        Fact::Known(links) => links.iter().find(|link| link.name == bridge.name).map(|l| l.mtu),
        Fact::Unknown(_) => None,
    };
    let mtu = bridge.mtu.or(link).unwrap_or(1500);
    if mtu <= host {
        return Ok(());
    }
    let message = format!("containers send packets of {mtu} bytes, the network takes {host}");
    let fix = Fix::by_hand("Set the MTU in the engine's daemon.json and restart it")
        .show(format!(r#"{{"mtu":{host}}}"#));
    found.push(
        rule.on_engine(message)
            .because("MTU of the bridge", mtu.to_string(), format!("network {}", bridge.name))
            .because("MTU of the default route", host.to_string(), "/sys/class/net")
            .fix(fix),
    );
    Ok(())
}
