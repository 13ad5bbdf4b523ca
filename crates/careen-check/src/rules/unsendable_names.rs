//! Names that BuildKit's transfer cannot carry.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "unsendable-names",
    title: "names can be sent",
    category: Category::Context,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("unsendable_names.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let kinds = [HazardKind::NotUtf8];
    let Some((paths, n)) = hazards::of(facts.context()?, &kinds) else { return Ok(()) };
    let message = format!("{} not UTF-8: the transfer fails", counted(n, "name", "names"));
    found.push(
        rule.on_context(message)
            .because("paths", paths, "walk of the context")
            .costs(Saving::MayFail, Basis::Rule)
            .fix(Fix::by_hand("Rename these files, or ignore their folder")),
    );
    Ok(())
}
