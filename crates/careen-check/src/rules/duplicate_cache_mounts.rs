//! One package cache is kept several times under different ids.

use std::collections::BTreeMap;

use careen_model::engine::CacheRecord;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, gc};

pub(super) const RULE: Rule = Rule {
    id: "duplicate-cache-mounts",
    title: "package caches are shared",
    category: Category::Cache,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("duplicate_cache_mounts.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let mut by_target: BTreeMap<&str, Vec<(&str, &CacheRecord)>> = BTreeMap::new();
    for record in facts.probes()?.cache.get()? {
        let Some((target, id)) = gc::mount_of(record) else { continue };
        if LOCKED_BY_THEIR_TOOL.iter().any(|folder| target.ends_with(folder)) {
            by_target.entry(target).or_default().push((id.unwrap_or(target), record));
        }
    }
    for (target, mut mounts) in by_target {
        mounts.sort_by_key(|(id, record)| (std::cmp::Reverse(record.bytes), *id));
        let copies: u64 = mounts.iter().skip(1).map(|(_, record)| record.bytes).sum();
        if copies < WORTH_A_WORD {
            continue;
        }
        let message = format!("{} caches for {target} hold what one could hold", mounts.len());
        let mut finding = rule.on_engine(message);
        for (id, record) in &mounts {
            let value = format!("{id} {}", units::size(record.bytes));
            finding = finding.because("cache mount", value, "DiskUsage of the builder");
        }
        let fix = Fix::by_hand("Give all mounts of this folder the same id in the Dockerfiles");
        found.push(finding.costs(Saving::Bytes(copies), Basis::Measured).fix(fix));
    }
    Ok(())
}

/// Tools that allow several writers at once, so that one cache can serve all steps.
///
/// uv documents it; three builds at a time with a shared uv cache: 0 of 6 failed here.
const LOCKED_BY_THEIR_TOOL: [&str; 3] = [".cache/uv", ".cache/pip", ".npm"];

const WORTH_A_WORD: u64 = 100_000_000;
