//! Files vanished from the context while it was read.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "moving-files",
    title: "context holds still",
    category: Category::Context,
    topic: Topic::Reproducibility,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("moving_files.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let kinds = [HazardKind::Vanished];
    let Some((paths, n)) = hazards::of(facts.context()?, &kinds) else { return Ok(()) };
    let message = format!(
        "{} vanished while the context was read; neighbours may be left out",
        counted(n, "file", "files")
    );
    found.push(
        rule.on_context(message)
            .because("paths", paths, "walk of the context")
            .costs(Saving::MayFail, Basis::Measured)
            .fix(Fix::by_hand("Ignore folders that programs write to while you build")),
    );
    Ok(())
}
