//! Each access to the context costs many times what it costs on the user's own disk.

use careen_model::host::{Latency, Mount};
use careen_model::{
    Basis, Category, ContextFacts, Fact, Finding, Findings, Fix, Saving, Severity, Why, units,
};

use crate::rules::mounts::{called, remedy};
use crate::{Check, Facts, Fixable, Rule, Status, Topic, price};

pub(super) const RULE: Rule = Rule {
    id: "slow-context",
    title: "file system of the context",
    category: Category::Context,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("slow_context.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let host = facts.host()?;
    let latency = *host.context_latency.get()?;
    if latency.lookup_ns < SLOW_NS || latency.ratio() < 10.0 {
        return Ok(());
    }
    let mut finding = match &host.context_mount {
        Fact::Known(mount) => blame(rule, mount, latency),
        Fact::Unknown(_) => rule.on_context(message("a slow file system", latency)),
    };
    if latency.lookup_ns < VERY_SLOW_NS {
        finding.severity = Severity::Warning;
    }
    finding = finding
        .because("lookup here", nanoseconds(latency.lookup_ns), "statx of names that do not exist")
        .because("lookup on your disk", nanoseconds(latency.reference_ns), "the same probe");
    found.push(match &facts.context {
        Fact::Known(context) => priced(finding, context, latency),
        Fact::Unknown(_) => finding,
    });
    Ok(())
}

/// Local disks answer in 1 to 4 µs, overlay and local FUSE in 10 to 60 µs (measured).
const SLOW_NS: u64 = 60_000;

/// Network file systems and 9p start here.
const VERY_SLOW_NS: u64 = 250_000;

fn blame(rule: &Rule, mount: &Mount, latency: Latency) -> Finding {
    let fix = Fix::by_hand(remedy(mount.class).0);
    let fix = remedy(mount.class).1.iter().fold(fix, |fix, command| fix.show(*command));
    let value = format!("{} ({})", mount.fs_type, mount.point.display());
    rule.on_context(message(&called(mount), latency))
        .because("file system", value, "/proc/self/mountinfo")
        .fix(fix)
}

fn message(what: &str, latency: Latency) -> String {
    format!("the context lies on {what}: {} slower than your disk", units::ratio(latency.ratio()))
}

/// What would be saved: reading the same files here and on the user's own disk.
fn priced(finding: Finding, context: &ContextFacts, latency: Latency) -> Finding {
    let here = price::read_seconds(latency, context.kept);
    let saved = here - price::reference_seconds(latency, context.kept);
    let entries = units::count(context.kept.entries);
    finding
        .because("entries to read", entries, "walk of the context")
        .costs(Saving::Seconds(saved), Basis::Modelled)
}

fn nanoseconds(ns: u64) -> String {
    match ns {
        0..1000 => format!("{ns} ns"),
        1000..1_000_000 => format!("{}.{} µs", ns / 1000, ns % 1000 / 100),
        _ => format!("{}.{} ms", ns / 1_000_000, ns % 1_000_000 / 100_000),
    }
}
