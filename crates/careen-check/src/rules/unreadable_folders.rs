//! A folder of the context that this user may not read.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "unreadable-folders",
    title: "folders can be read",
    category: Category::Context,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("unreadable_folders.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let kinds = [HazardKind::UnreadableFolder];
    let Some((paths, n)) = hazards::of(facts.context()?, &kinds) else { return Ok(()) };
    let message = format!(
        "{} not be read by this user: every build fails",
        counted(n, "folder can", "folders can")
    );
    found.push(
        rule.on_context(message)
            .because("paths", paths, "walk of the context")
            .costs(Saving::MayFail, Basis::Rule)
            .fix(Fix::by_hand("Ignore these folders, or give this user the right to read them")),
    );
    Ok(())
}
