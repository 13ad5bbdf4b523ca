//! Layers of the build cache that were used once, months ago.

use careen_model::engine::CacheRecord;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Step, Why, units};

use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "dead-cache",
    title: "cache is in use",
    category: Category::Cache,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("dead_cache.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let cache = facts.probes()?.cache.get()?;
    let dead: Vec<&CacheRecord> =
        cache.iter().filter(|record| is_dead(record, facts.now)).collect();
    let bytes: u64 = dead.iter().map(|record| record.bytes).sum();
    if bytes < WORTH_A_WORD {
        return Ok(());
    }
    let message = format!(
        "{} of {} in all, used once and not for {DAYS} days",
        counted(dead.len(), "cache record", "cache records"),
        units::size(bytes)
    );
    let ids = dead.iter().map(|record| record.id.clone()).collect();
    let fix =
        Fix::risky("Remove exactly these records", Step::PruneCache { ids, bytes }).for_good();
    found.push(
        rule.on_engine(message)
            .because("records", units::count(dead.len() as u64), "DiskUsage of the builder")
            .costs(Saving::Bytes(bytes), Basis::Measured)
            .fix(fix),
    );
    Ok(())
}

const DAYS: i64 = 60;
const WORTH_A_WORD: u64 = 1_000_000_000;

fn is_dead(record: &CacheRecord, now: i64) -> bool {
    let Some(last) = record.last_used.or(record.created) else { return false };
    let idle = now - last > DAYS * 86400;
    idle && record.kind == "regular" && record.usage_count <= 1 && !record.in_use && !record.shared
}
