//! Every fact under the name that the older tool documented, with better ones beside it.

use std::time::Duration;

use careen_model::context::Sized;
use careen_model::host::SpaceRole;
use careen_model::legacy::{Group, Value};
use careen_model::{
    Category, ContextFacts, Diagnosis, Fact, Finding, Safety, Saving, Severity, Step, Why, units,
};

use crate::{Facts, RULES, essential, gc, need};

/// The context is too large from here on; the goal is a tenth of it.
const TOO_LARGE: u64 = 100_000_000;

/// The six groups, in the documented order. A fact we do not have is `Null` with the reason.
pub fn legacy(facts: &Facts, diagnosis: &Diagnosis) -> Vec<Group> {
    vec![
        ("environment", environment(facts)),
        ("disk", disk(facts)),
        ("cache", cache(facts)),
        ("dockerignore", dockerignore(facts)),
        ("context", context(facts)),
        ("recommendations", Value::List(diagnosis.findings.iter().map(recommendation).collect())),
    ]
}

fn environment(facts: &Facts) -> Value {
    let host = facts.host();
    let mount = host.clone().and_then(|host| host.context_mount.get());
    let is_wsl = host.clone().and_then(|host| host.wsl.get()).map(Option::is_some);
    let client = facts.probes().map(|probes| &probes.client);
    let has_client = client.clone().and_then(|client| match client {
        Fact::Known(_) => Ok(true),
        Fact::Unknown(Why::NotOnThisSystem { .. } | Why::Absent { .. }) => Ok(false),
        Fact::Unknown(why) => Err(why.clone()),
    });
    let has_buildx = client.and_then(|client| match client {
        Fact::Known(client) => Ok(client.buildx.is_some()),
        Fact::Unknown(Why::NotOnThisSystem { .. } | Why::Absent { .. }) => Ok(false),
        Fact::Unknown(why) => Err(why.clone()),
    });
    let answers = facts.probes().and_then(|probes| match &probes.engine {
        Fact::Known(_) => Ok(true),
        Fact::Unknown(Why::NotAsked) => Err(Why::NotAsked),
        Fact::Unknown(_) => Ok(false),
    });
    let latency = host.and_then(|host| host.context_latency.get());
    Value::Map(vec![
        ("is_wsl", value(is_wsl, Value::Bool)),
        ("on_windows_mount", value(mount.clone().map(|m| m.class.is_windows()), Value::Bool)),
        ("current_path", value(facts.project().map(|p| p.root.display().to_string()), Value::Text)),
        ("docker_available", value(has_client, Value::Bool)),
        ("buildx_available", value(has_buildx, Value::Bool)),
        ("engine_answers", value(answers, Value::Bool)),
        ("file_system", value(mount.map(|m| m.fs_type.clone()), Value::Text)),
        ("lookup_ms", value(latency.clone().map(|l| over(l.lookup_ns, 1e6)), Value::Number)),
        ("slower_than_home", value(latency.map(|l| l.ratio()), Value::Number)),
    ])
}

fn disk(facts: &Facts) -> Value {
    let free = |role| room(facts, role).map(|room| gigabytes(room.free_bytes));
    let need = need::engine_bytes(facts);
    let enough = room(facts, SpaceRole::EngineData).map(|room| room.free_bytes >= need.bytes);
    Value::Map(vec![
        ("root_available_gb", value(free(SpaceRole::Root), Value::Number)),
        ("sufficient_space", value(enough, Value::Bool)),
        ("docker_data_gb", value(data_bytes(facts).map(gigabytes), Value::Number)),
        ("engine_available_gb", value(free(SpaceRole::EngineData), Value::Number)),
        ("windows_drive_available_gb", value(free(SpaceRole::VirtualDiskHost), Value::Number)),
        ("needed_gb", Value::Number(gigabytes(need.bytes))),
        ("needed_because", Value::Text(need.because)),
    ])
}

/// Image layers and build cache. Records shared with an image count with the image.
fn data_bytes(facts: &Facts) -> Result<u64, Why> {
    let probes = facts.probes()?;
    let layers = *probes.engine.get()?.layers_bytes.get()?;
    let cache = probes.cache.get()?.iter().filter(|record| !record.shared);
    Ok(layers + cache.map(|record| record.bytes).sum::<u64>())
}

fn room(facts: &Facts, role: SpaceRole) -> Result<&careen_model::host::Room, Why> {
    let spaces = &facts.host()?.space;
    let space = spaces.iter().find(|space| space.role == role);
    let what = match role {
        SpaceRole::VirtualDiskHost => "virtual disk on a Windows drive",
        SpaceRole::EngineData => "engine data",
        _ => "such file system",
    };
    space.ok_or_else(|| Why::NotOnThisSystem { what: what.into() })?.found.get()
}

fn cache(facts: &Facts) -> Value {
    let records = facts.probes().and_then(|probes| probes.cache.get());
    let bytes = records.clone().map(|records| records.iter().map(|r| r.bytes).sum::<u64>());
    let exists = records.clone().map(|records| !records.is_empty());
    let free = records.clone().map(|records| gc::reclaimable_bytes(records));
    let reason = records.map(|records| reason_to_clean(facts, gc::reclaimable_bytes(records)));
    let regime = facts.engine().map(|engine| gc::regime(engine).map(gc::Regime::name));
    let told = |reason: Option<String>| match reason {
        Some(reason) => Value::Text(reason),
        None => Value::Null { why: "the cache is healthy".into() },
    };
    Value::Map(vec![
        ("cache_size_gb", value(bytes.map(gigabytes), Value::Number)),
        ("cache_exists", value(exists, Value::Bool)),
        ("needs_cleanup", value(reason.clone().map(|reason| reason.is_some()), Value::Bool)),
        ("cleanup_reason", value(reason, told)),
        ("reclaimable_gb", value(free.map(gigabytes), Value::Number)),
        (
            "collector",
            value(regime, |name| name.map_or(unknown("version"), |n| Value::Text(n.to_owned()))),
        ),
    ])
}

/// A cache is cleaned when its disk is short of room, and for no other reason of size.
fn reason_to_clean(facts: &Facts, reclaimable: u64) -> Option<String> {
    let room = need::room(facts, SpaceRole::EngineData)?;
    let need = need::engine_bytes(facts);
    (room.free_bytes < need.bytes && reclaimable > 0).then(|| {
        let (free, wanted) = (units::size(room.free_bytes), units::size(need.bytes));
        format!("{free} free, {wanted} needed, {} reclaimable", units::size(reclaimable))
    })
}

fn dockerignore(facts: &Facts) -> Value {
    let missing = facts.context().map(|context| {
        let text = context.ignore.text.as_deref().filter(|_| context.ignore.exists);
        essential::missing(text.unwrap_or(""))
    });
    // More than 60 % of the names are covered.
    let all = essential::ALL.len();
    let enough = missing.clone().map(|missing| (all - missing.len()) * 5 > all * 3);
    let names = missing.map(|missing| {
        missing.iter().map(|essential| Value::Text(essential.name.to_owned())).collect()
    });
    let exists = facts.context().map(|context| context.ignore.exists);
    let path = facts.context().map(|context| context.ignore.path.display().to_string());
    Value::Map(vec![
        ("exists", value(exists, Value::Bool)),
        ("has_essential_patterns", value(enough, Value::Bool)),
        ("missing_patterns", value(names, Value::List)),
        ("in_force", value(path, Value::Text)),
    ])
}

fn context(facts: &Facts) -> Value {
    let context = facts.context();
    let of = |get: fn(&ContextFacts) -> Value| value(context.clone(), get);
    Value::Map(vec![
        ("estimated_size_mb", of(|context| Value::Number(over(context.sent.bytes, 1e6)))),
        ("large_files", of(|context| Value::List(context.top_files.iter().map(large).collect()))),
        ("context_too_large", of(|context| Value::Bool(context.sent.bytes > TOO_LARGE))),
        ("entries", of(|context| Value::Count(context.sent.entries))),
        ("kept_size_mb", of(|context| Value::Number(over(context.kept.bytes, 1e6)))),
    ])
}

/// `[size in MB, path]`.
fn large(file: &Sized) -> Value {
    let size = Value::Number(over(file.amount.bytes, 1e6));
    Value::List(vec![size, Value::Text(file.path.display().to_string())])
}

fn recommendation(finding: &Finding) -> Value {
    let fix = finding.fixes.first();
    let title = fix.map_or(String::new(), |fix| fix.title.clone());
    let steps = fix.map_or(&[][..], |fix| &fix.steps);
    let commands = steps.iter().map(|step| match step {
        Step::Show { command } => Value::Text(command.clone()),
        Step::Edit { .. } | Step::Write { .. } | Step::PruneCache { .. } => {
            let risky = fix.is_some_and(|fix| fix.safety < Safety::Safe);
            let risky = if risky { " --risky" } else { "" };
            Value::Text(format!("careen fix --only {}{risky}", finding.rule))
        }
        Step::RemoveLeftovers { .. } => Value::Text("careen fix --clean-system".to_owned()),
        Step::RecreateBuilder { .. } => Value::Text("careen fix --recreate-builder".to_owned()),
    });
    Value::Map(vec![
        ("priority", Value::Text(priority(finding).into())),
        ("issue", Value::Text(finding.message.clone())),
        ("impact", Value::Text(impact(finding))),
        ("fix", Value::Text(title)),
        ("commands", Value::List(commands.collect())),
        ("rule", Value::Text(finding.rule.into())),
    ])
}

/// Critical: nothing good comes of building now. High: costs time or bytes each build.
fn priority(finding: &Finding) -> &'static str {
    let category = RULES.iter().find(|rule| rule.id == finding.rule).map(|rule| rule.category);
    match (finding.severity, category) {
        (Severity::Error, _) => "critical",
        (
            Severity::Warning,
            Some(
                Category::Cache
                | Category::Context
                | Category::Ignore
                | Category::Disk
                | Category::Dockerfile,
            ),
        ) => "high",
        _ => "medium",
    }
}

fn impact(finding: &Finding) -> String {
    let time = |seconds: f64| units::time(Duration::from_secs_f64(seconds));
    match finding.cost.map(|cost| cost.saving) {
        Some(Saving::Seconds(s)) => format!("{} of the next build", time(s)),
        Some(Saving::SecondsPerRebuild(s)) => {
            format!("{} of each build after a source change", time(s))
        }
        Some(Saving::Bytes(bytes)) => format!("{} moved or stored", units::size(bytes)),
        Some(Saving::MayFail) => "the next build may fail".to_owned(),
        None => "not measured".to_owned(),
    }
}

fn value<T>(fact: Result<T, Why>, show: impl FnOnce(T) -> Value) -> Value {
    match fact {
        Ok(known) => show(known),
        Err(why) => Value::Null { why: why.to_string() },
    }
}

fn unknown(what: &str) -> Value {
    Value::Null { why: format!("the {what} says nothing") }
}

fn gigabytes(bytes: u64) -> f64 {
    over(bytes, 1e9)
}

#[expect(clippy::cast_precision_loss, reason = "sizes below 9 PB are exact")]
fn over(bytes: u64, unit: f64) -> f64 {
    bytes as f64 / unit
}
