//! A file changed in a way that BuildKit cannot see.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "same-size-and-time",
    title: "changes can be seen",
    category: Category::Context,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("same_size_and_time.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let kinds = [HazardKind::SameSizeAndTime];
    let Some((paths, n)) = hazards::of(facts.context()?, &kinds) else { return Ok(()) };
    let files = counted(n, "file has", "files have");
    let message =
        format!("{files} new content with the old size and time: the image keeps the old content");
    found.push(
        rule.on_context(message)
            .because("paths", paths, "content compared with what the last `careen build` sent")
            .costs(Saving::MayFail, Basis::Measured)
            .fix(Fix::by_hand("Give the files a new time").show("touch FILE")),
    );
    Ok(())
}
