//! The engine still stores copies of contexts that are far larger than this one.

use careen_model::engine::CacheRecord;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Step, Why, units};

use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "stale-context-copies",
    title: "stored copies of contexts",
    category: Category::Cache,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("stale_context_copies.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let cache = facts.probes()?.cache.get()?;
    let sent = facts.context()?.sent.bytes;
    let stale = |record: &&CacheRecord| {
        record.kind == "source.local" && !record.in_use && !record.shared && record.bytes > 5 * sent
    };
    let mut copies: Vec<&CacheRecord> = cache.iter().filter(stale).collect();
    let bytes: u64 = copies.iter().map(|record| record.bytes).sum();
    if bytes < WORTH_A_WORD {
        return Ok(());
    }
    copies.sort_by_key(|record| (std::cmp::Reverse(record.bytes), record.id.clone()));
    let message = format!(
        "{} of contexts: {} in all; this context is {}",
        counted(copies.len(), "stored copy", "stored copies"),
        units::size(bytes),
        units::size(sent)
    );
    let ids = copies.iter().map(|record| record.id.clone()).collect();
    let title = format!("Remove these copies; the next build sends {} again", units::size(sent));
    let fix = Fix::risky(title, Step::PruneCache { ids, bytes }).for_good();
    let mut finding = rule.on_engine(message);
    for record in copies.iter().take(4) {
        let value = format!("{} {}", record.id, units::size(record.bytes));
        finding = finding.because("record", value, "DiskUsage of the builder, type source.local");
    }
    found.push(finding.costs(Saving::Bytes(bytes), Basis::Measured).fix(fix));
    Ok(())
}

const WORTH_A_WORD: u64 = 100_000_000;
