//! A COPY source behind a link that another source went through before.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "link-used-twice",
    title: "links lead to every source",
    category: Category::Context,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("link_used_twice.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let kinds = [HazardKind::LinkUsedTwice];
    let Some((paths, n)) = hazards::of(facts.context()?, &kinds) else { return Ok(()) };
    let sources = counted(n, "source of COPY is", "sources of COPY are");
    let message = format!("{sources} not sent: another went through the same link, and COPY fails");
    found.push(
        rule.on_context(message)
            .because("sources", paths, "links on the way to the sources, resolved as BuildKit does")
            .costs(Saving::MayFail, Basis::Rule)
            .fix(Fix::by_hand("Name the folder that the link points to")),
    );
    Ok(())
}
