//! What the builder's garbage collection does, by engine version.
//!
//! The defaults changed three times without notice; the rows are read from the sources named in
//! them. Every rule compares its limit with the whole unshared cache and then removes only records
//! that match its filter and have been idle long enough.

use careen_model::engine::{CacheRecord, Engine};

/// Seconds of idleness after which rule 0 removes cache mounts, local sources and git checkouts.
const RULE_0_IDLE: i64 = 48 * 3600;

/// How the engine's own builder collects garbage unless its configuration says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Regime {
    /// Before 28.2.0: off unless `builder.gc` is configured; the cache grows until the disk is
    /// full. Docker Desktop turns it on with 20 GB.
    Off,
    /// 28.2.0 to 28.5.0: limits 80 times too small (`total/80` instead of `total*80/100`, repaired
    /// by moby 1a7d7cc), so fresh large layers are removed at once (buildkit#6227).
    TooSmall,
    /// 28.5.1 to 29.5: 80 % of the disk at most, 20 % kept free, 10 % reserved.
    Sane,
    /// From 29.6.0 (moby 0538c9a): the same, and rule 0 works for the first time.
    Rule0,
}

/// The regimes as data: from this version on.
const REGIMES: [((u32, u32, u32), Regime); 4] = [
    ((29, 6, 0), Regime::Rule0),
    ((28, 5, 1), Regime::Sane),
    ((28, 2, 0), Regime::TooSmall),
    ((0, 0, 0), Regime::Off),
];

impl Regime {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Regime::Off => "off by default (before 28.2.0)",
            Regime::TooSmall => "on, with limits 80 times too small (28.2.0 to 28.5.0)",
            Regime::Sane => "80 % of the disk at most (28.5.1 to 29.5)",
            Regime::Rule0 => "also removes what is idle for 48 h (from 29.6.0)",
        }
    }
}

/// `28.5.2`, `20.10.24+dfsg1`, `29.0.0-rc.1` → three numbers. `None`: not a version.
pub(crate) fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.trim_start_matches('v').splitn(3, '.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    let major = parts.next()??;
    let mut next = || parts.next().flatten().unwrap_or(0);
    Some((major, next(), next()))
}

/// The regime of this engine; `None` when its version says nothing.
pub(crate) fn regime(engine: &Engine) -> Option<Regime> {
    let version = version(&engine.version)?;
    let row = REGIMES.iter().find(|(from, _)| version >= *from);
    row.map(|(_, regime)| *regime)
}

/// Seconds of idleness and bytes of cache from which on rule 0 removes cache mounts.
///
/// Read from the rules that the engine tells, else its defaults; `None` when the rules it tells
/// have none about cache mounts.
pub(crate) fn rule_0(engine: &Engine, disk_bytes: Option<u64>) -> Option<(i64, u64)> {
    let Some(rules) = engine.gc_rules.known() else {
        return Some((RULE_0_IDLE, rule_0_limit(disk_bytes)));
    };
    let about_mounts = |filter: &String| filter.contains("exec.cachemount");
    let rule =
        rules.iter().find(|rule| rule.keep_seconds > 0 && rule.filters.iter().any(about_mounts))?;
    let idle = i64::try_from(rule.keep_seconds).ok()?;
    let limit = match rule.max_used_bytes.max(rule.reserved_bytes) {
        0 => rule_0_limit(disk_bytes),
        told => told,
    };
    Some((idle, limit))
}

/// The limit above which rule 0 acts: max(512 MB, 13.8 % of the reserved 10 % of the disk).
///
/// The engine derives it from the size of the disk that holds its data (moby, builder defaults).
fn rule_0_limit(disk_bytes: Option<u64>) -> u64 {
    let share = disk_bytes.unwrap_or(0) / 10 * 138 / 1000;
    share.max(512_000_000)
}

/// Bytes that count against the limits: not shared with an image.
pub(crate) fn unshared_bytes(cache: &[CacheRecord]) -> u64 {
    cache.iter().filter(|record| !record.shared).map(|record| record.bytes).sum()
}

/// Bytes that a prune could free now.
pub(crate) fn reclaimable_bytes(cache: &[CacheRecord]) -> u64 {
    let free = cache.iter().filter(|record| !record.shared && !record.in_use);
    free.map(|record| record.bytes).sum()
}

/// Target and id of a cache mount, read from the description that the engine gives it.
///
/// `cached mount /root/.cache/uv from exec /bin/sh -c uv sync with id "uv"`; engines before 23
/// leave the id out.
pub(crate) fn mount_of(record: &CacheRecord) -> Option<(&str, Option<&str>)> {
    if record.kind != "exec.cachemount" {
        return None;
    }
    let rest = record.description.strip_prefix("cached mount ")?;
    let (target, _) = rest.split_once(" from exec")?;
    let id = rest.rsplit_once(" with id \"").and_then(|(_, id)| id.strip_suffix('"'));
    Some((target, id))
}

#[cfg(test)]
mod tests {
    use careen_model::engine::GcRule;

    use super::*;

    #[test]
    fn versions_in_the_wild() {
        let check = |text| version(text);
        assert_eq!(check("20.10.24+dfsg1"), Some((20, 10, 24)));
        assert_eq!(check("29.6.0-rc.1"), Some((29, 6, 0)));
        assert_eq!(check("v0.31"), Some((0, 31, 0)));
        assert_eq!(check("dev"), None);
    }

    #[test]
    fn rule_0_is_what_the_engine_tells() {
        let mut engine =
            careen_test::Machine::healthy().engine.and_then(|facts| match facts.engine {
                careen_model::Fact::Known(engine) => Some(engine),
                careen_model::Fact::Unknown(_) => None,
            });
        let engine = engine.as_mut().expect("a healthy machine has an engine");
        assert_eq!(rule_0(engine, None), Some((48 * 3600, 512_000_000)));
        let rule = |filter: &str, max_used_bytes| GcRule {
            filters: vec![filter.to_owned()],
            keep_seconds: 3600,
            reserved_bytes: 0,
            max_used_bytes,
            min_free_bytes: 0,
            all: false,
        };
        let mut check = |rules: Vec<GcRule>, expected| {
            engine.gc_rules = careen_model::Fact::Known(rules);
            assert_eq!(rule_0(engine, None), expected);
        };
        check(vec![], None);
        check(vec![rule("type==regular", 7)], None);
        check(vec![rule("type==exec.cachemount", 7)], Some((3600, 7)));
        check(vec![rule("type==source.local,type==exec.cachemount", 0)], Some((3600, 512_000_000)));
    }

    #[test]
    fn the_limit_follows_the_disk() {
        assert_eq!(rule_0_limit(Some(1_000_000_000_000)), 13_800_000_000);
        assert_eq!(rule_0_limit(Some(250_000_000_000)), 3_450_000_000);
        assert_eq!(rule_0_limit(None), 512_000_000);
    }
}
