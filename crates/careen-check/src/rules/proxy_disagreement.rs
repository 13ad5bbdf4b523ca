//! This shell uses a proxy that the engine does not, or the other way round.

use careen_model::{Category, Findings, Fix, Severity, Why};

use crate::rules::proxies;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "proxy-disagreement",
    title: "proxies agree",
    category: Category::Network,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("proxy_disagreement.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let engine = facts.engine()?;
    let host = facts.host()?;
    let sides = [
        ("http_proxy", &engine.http_proxy, proxies::of(host, "http_proxy")),
        ("https_proxy", &engine.https_proxy, proxies::of(host, "https_proxy")),
    ];
    for (name, theirs, ours) in sides {
        let theirs = theirs.as_deref().map(proxies::bare).filter(|value| !value.is_empty());
        let ours = ours.map(proxies::bare);
        // A proxy that only the engine has is how desktop products work, and harms nobody.
        let Some(ours) = ours else { continue };
        // One on this machine itself is a finding of its own.
        if theirs == Some(ours) || proxies::is_local(ours) {
            continue;
        }
        let told = theirs.unwrap_or("none");
        let message = format!("this shell has {name} {ours}, the engine has {told}");
        let fix = Fix::by_hand("Set the same proxy in the engine's daemon.json and restart it")
            .show(format!(r#"{{"proxies":{{"{}":"{ours}"}}}}"#, name.replace('_', "-")));
        found.push(
            rule.on_engine(message)
                .because("here", ours, format!("environment, {name}"))
                .because("engine", told, "GET /info")
                .fix(fix),
        );
    }
    Ok(())
}
