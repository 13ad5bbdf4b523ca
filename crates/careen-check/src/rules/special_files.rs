//! Sockets, pipes and devices in the context.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "special-files",
    title: "only files and folders",
    category: Category::Context,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("special_files.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let kinds = [HazardKind::Special];
    let Some((paths, n)) = hazards::of(facts.context()?, &kinds) else { return Ok(()) };
    let message = format!(
        "{} in the context",
        counted(n, "socket, pipe or device", "sockets, pipes or devices")
    );
    found.push(
        rule.on_context(message)
            .because("paths", paths, "walk of the context")
            .costs(Saving::MayFail, Basis::Rule)
            .fix(Fix::by_hand("Ignore these paths, or stop what makes them")),
    );
    Ok(())
}
