//! Two clocks that a build compares disagree.

use careen_model::{Basis, Category, Fact, Findings, Fix, Saving, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "clock-skew",
    title: "clocks agree",
    category: Category::Engine,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("clock_skew.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let windows = facts.host.as_ref().map(|host| &host.windows_clock_ahead);
    if let Some(Fact::Known(ahead)) = windows.filter(|fact| is_off(fact)) {
        let message = format!("this clock is {} the Windows clock", off(*ahead));
        let fix = Fix::by_hand("Set the clock of the distribution from the hardware clock")
            .show("sudo hwclock -s");
        found.push(
            rule.on_host(message)
                .because(
                    "difference",
                    format!("{ahead:.1} s"),
                    "time of a file on the Windows drive",
                )
                .costs(Saving::MayFail, Basis::Measured)
                .fix(fix),
        );
    }
    let ahead = facts.probes()?.clock_ahead.get()?;
    if ahead.abs() <= TOLERATED {
        return Ok(());
    }
    let message = format!("the engine's clock is {} this machine's", off(*ahead));
    let fix = Fix::by_hand("Synchronise the clock of the machine that runs the engine")
        .show("timedatectl status");
    found.push(
        rule.on_engine(message)
            .because("difference", format!("{ahead:.1} s"), "GET /info, SystemTime")
            .costs(Saving::MayFail, Basis::Measured)
            .fix(fix),
    );
    Ok(())
}

/// Package managers refuse a release file that is only seconds from the future.
const TOLERATED: f64 = 2.0;

fn is_off(fact: &Fact<f64>) -> bool {
    fact.known().is_some_and(|ahead| ahead.abs() > TOLERATED)
}

fn off(ahead: f64) -> String {
    let direction = if ahead > 0.0 { "ahead of" } else { "behind" };
    format!("{:.1} s {direction}", ahead.abs())
}
