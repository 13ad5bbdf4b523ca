//! The engine will delete cache mounts after two days without a build.

use careen_model::engine::CacheRecord;
use careen_model::host::SpaceRole;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, gc, need};

pub(super) const RULE: Rule = Rule {
    id: "evicted-cache-mounts",
    title: "cache mounts survive a pause",
    category: Category::Cache,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("evicted_cache_mounts.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let engine = facts.engine()?;
    if gc::regime(engine) != Some(gc::Regime::Rule0) {
        return Ok(());
    }
    let cache = facts.probes()?.cache.get()?;
    let disk = need::room(facts, SpaceRole::EngineData).map(|room| room.total_bytes);
    // A policy of the user's own need not have such a rule.
    let Some((idle, limit)) = gc::rule_0(engine, disk) else { return Ok(()) };
    let used = gc::unshared_bytes(cache);
    let mut mounts: Vec<&CacheRecord> = cache.iter().filter(|record| is_mount(record)).collect();
    if used <= limit || mounts.is_empty() {
        return Ok(());
    }
    mounts.sort_by_key(|record| std::cmp::Reverse(record.bytes));
    let bytes: u64 = mounts.iter().map(|record| record.bytes).sum();
    let message = format!(
        "engine {} deletes {} of cache mounts after {} h without a build, the first {}",
        engine.version,
        units::size(bytes),
        idle / 3600,
        first_loss(&mounts, idle, facts.now)
    );
    let mut finding = rule
        .on_engine(message)
        .because("unshared cache", units::size(used), "DiskUsage of the builder")
        .because("rule 0 acts above", units::size(limit), "policy of the engine");
    for mount in mounts.iter().take(4) {
        finding = finding.because(
            "cache mount",
            told(mount, idle, facts.now),
            "DiskUsage of the builder",
        );
    }
    found.push(finding.costs(Saving::Bytes(bytes), Basis::Rule).fix(policy(used)));
    Ok(())
}

fn is_mount(record: &CacheRecord) -> bool {
    record.kind == "exec.cachemount" && !record.in_use && !record.shared
}

/// Hours until this record has been idle for so long; 0: it may go at any time.
fn hours_left(record: &CacheRecord, idle: i64, now: i64) -> Option<i64> {
    let since = now - record.last_used.or(record.created)?;
    Some(((idle - since) / 3600).max(0))
}

fn first_loss(mounts: &[&CacheRecord], idle: i64, now: i64) -> String {
    match mounts.iter().filter_map(|mount| hours_left(mount, idle, now)).min() {
        Some(0) => "at any time".to_owned(),
        Some(hours) => format!("in {hours} h"),
        None => "at a time the engine does not tell".to_owned(),
    }
}

fn told(mount: &CacheRecord, idle: i64, now: i64) -> String {
    let name = gc::mount_of(mount).map_or(mount.id.as_str(), |(target, id)| id.unwrap_or(target));
    let left =
        hours_left(mount, idle, now).map_or("unknown".to_owned(), |hours| format!("{hours} h"));
    format!("{name} {}, {left} left", units::size(mount.bytes))
}

/// A policy of one rule has no 48 h rule in it; half as much again as is used leaves room to grow.
fn policy(used: u64) -> Fix {
    let reserved = (used * 3 / 2).div_ceil(1_000_000_000);
    Fix::by_hand("Replace the default policy in the engine's daemon.json and restart it").show(format!(
        r#"{{"builder":{{"gc":{{"enabled":true,"policy":[{{"all":true,"reservedSpace":"{reserved}GB"}}]}}}}}}"#
    ))
}
