//! Files that would arrive in the image with no content.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "zero-byte-files",
    title: "files arrive whole",
    category: Category::Context,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("zero_byte_files.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let kinds = [HazardKind::ZeroByte, HazardKind::Unreadable];
    let Some((paths, n)) = hazards::of(facts.context()?, &kinds) else { return Ok(()) };
    let message = format!(
        "{} would arrive empty in the image, without a warning",
        counted(n, "file", "files")
    );
    found.push(
        rule.on_context(message)
            .because("paths", paths, "walk of the context")
            .costs(Saving::MayFail, Basis::Rule)
            .fix(Fix::by_hand(
                "Write `folder/**` instead of `folder` after `!` patterns; make files readable",
            )),
    );
    Ok(())
}
