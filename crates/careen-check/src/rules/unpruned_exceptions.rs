//! Exceptions of the ignore file for which ignored folders are read.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic, price};

pub(super) const RULE: Rule = Rule {
    id: "unpruned-exceptions",
    title: "ignored folders stay unread",
    category: Category::Context,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("unpruned_exceptions.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let context = facts.context()?;
    let kind = HazardKind::ReadsIgnored;
    let Some((patterns, n)) = hazards::of(context, &[kind]) else { return Ok(()) };
    let all = context.hazards.iter().filter(|hazard| hazard.kind == kind);
    let entries = all.map(|hazard| hazard.amount.entries).max().unwrap_or(0);
    if entries < WORTH_ENTRIES {
        return Ok(());
    }
    let more = if entries >= HazardKind::MOST_COUNTED { "more than " } else { "" };
    let message = format!(
        "{} the client read {more}{} ignored entries in each build",
        counted(n, "exception makes", "exceptions make"),
        units::count(entries)
    );
    found.push(
        rule.on_context(message)
            .because("exceptions", patterns, context.ignore.path.display().to_string())
            .costs(Saving::Seconds(price::client_walk_seconds(entries)), Basis::Modelled)
            .fix(Fix::by_hand(
                "Name the folders in the exceptions: `!src/**` instead of `!**/*.py`",
            )),
    );
    Ok(())
}

/// Fewer entries are read in a few milliseconds.
const WORTH_ENTRIES: u64 = 2000;
