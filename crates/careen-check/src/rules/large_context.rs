//! The context is large, and no ignore pattern we know would make it small.

use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, essential, price};

pub(super) const RULE: Rule = Rule {
    id: "large-context",
    title: "size of the context",
    category: Category::Context,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("large_context.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let context = facts.context()?;
    // What a missing pattern would remove is that finding's, not this one's.
    let removable = essential::removable(context).bytes;
    let rest = context.sent.bytes.saturating_sub(removable);
    if rest <= TOO_LARGE {
        return Ok(());
    }
    let message = format!(
        "each first build sends {} in {} files",
        units::size(rest),
        units::count(context.sent.files)
    );
    let mut finding = rule
        .on_context(message)
        .because("sent", units::size(context.sent.bytes), "walk of the context")
        .costs(Saving::Seconds(price::first_send_seconds(context.sent)), Basis::Modelled);
    for largest in context.top_folders.iter().chain(&context.top_files).take(5) {
        let value = format!("{} {}", largest.path.display(), units::size(largest.amount.bytes));
        finding = finding.because("largest", value, "walk of the context");
    }
    let fix =
        Fix::by_hand("Ignore what the image does not need, or mount it when the container runs")
            .show("careen context");
    found.push(finding.fix(fix));
    Ok(())
}

/// The goal is below 10 MB; from 100 MB on it is worth a word.
const TOO_LARGE: u64 = 100_000_000;
