//! Files with holes, which travel as zeros.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic, price};

pub(super) const RULE: Rule = Rule {
    id: "sparse-files",
    title: "files without holes",
    category: Category::Context,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("sparse_files.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let context = facts.context()?;
    let Some((paths, n)) = hazards::of(context, &[HazardKind::Sparse]) else { return Ok(()) };
    let sent = hazards::amount(context, HazardKind::Sparse);
    let files = counted(n, "file with holes is", "files with holes are");
    let message = format!("{files} sent as {}, zeros included", units::size(sent.bytes));
    found.push(
        rule.on_context(message)
            .because("paths", paths, "blocks on disk against the size, by the walk")
            .costs(Saving::Seconds(price::bytes_seconds(sent.bytes)), Basis::Modelled)
            .fix(Fix::by_hand("Ignore these files, or make them inside the image")),
    );
    Ok(())
}
