//! `COPY --exclude` leaves files out of the image and not out of the transfer.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic, price};

pub(super) const RULE: Rule = Rule {
    id: "copy-exclude-sends",
    title: "what COPY excludes is not sent",
    category: Category::Context,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("copy_exclude_sends.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let context = facts.context()?;
    let kind = HazardKind::ExcludedStillSent;
    let Some((patterns, _)) = hazards::of(context, &[kind]) else { return Ok(()) };
    let sent = hazards::amount(context, kind);
    if sent.bytes < WORTH_BYTES && sent.entries < WORTH_ENTRIES {
        return Ok(());
    }
    let message = format!(
        "{} in {} are sent although COPY --exclude leaves them out",
        units::size(sent.bytes),
        counted(usize::try_from(sent.entries).unwrap_or(usize::MAX), "entry", "entries")
    );
    found.push(
        rule.on_context(message)
            .because("patterns", patterns, "Dockerfile, matched against what is sent")
            .costs(Saving::Seconds(price::first_send_seconds(sent)), Basis::Modelled)
            .fix(Fix::by_hand("Put the patterns into the ignore file too, from the context root")),
    );
    Ok(())
}

/// Less than this costs less than reading about it.
const WORTH_BYTES: u64 = 1_000_000;
const WORTH_ENTRIES: u64 = 1000;
