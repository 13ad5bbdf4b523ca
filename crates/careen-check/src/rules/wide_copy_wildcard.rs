//! A wildcard of COPY that matches a link sends all that it matches.

use careen_model::context::HazardKind;
use careen_model::{Category, Findings, Fix, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "wide-copy-wildcard",
    title: "wildcards of COPY are narrow",
    category: Category::Context,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("wide_copy_wildcard.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let kinds = [HazardKind::WideWildcard];
    let Some((paths, n)) = hazards::of(facts.context()?, &kinds) else { return Ok(()) };
    let sources = counted(n, "wildcard of COPY matches", "wildcards of COPY match");
    let message = format!("{sources} a link, so everything below its matches is sent");
    found.push(
        rule.on_context(message)
            .because(
                "wildcards",
                paths,
                "links on the way to the sources, resolved as BuildKit does",
            )
            .fix(Fix::by_hand("Ignore the link, or name the folders instead of the wildcard")),
    );
    Ok(())
}
