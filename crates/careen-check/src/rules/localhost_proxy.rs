//! A proxy on this machine's loopback cannot be reached from a build.

use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::proxies;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "localhost-proxy",
    title: "proxy can be reached from builds",
    category: Category::Network,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("localhost_proxy.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let host = facts.host()?;
    let names = ["http_proxy", "https_proxy", "all_proxy"];
    let mine = names.iter().find_map(|name| Some((*name, proxies::of(host, name)?)));
    let Some((name, value)) = mine.filter(|(_, value)| proxies::is_local(value)) else {
        return Ok(());
    };
    let message = format!("{name} is {value}, which a build step cannot reach");
    let fix = Fix::by_hand("Let the proxy listen on the bridge's address and name that one")
        .show("ip -4 addr show docker0");
    found.push(
        rule.on_host(message)
            .because("proxy", value, format!("environment, {name}"))
            .costs(Saving::MayFail, Basis::Rule)
            .fix(fix),
    );
    Ok(())
}
