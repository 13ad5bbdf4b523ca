//! What a section of the doctor says when nothing is wrong: the facts it looked at, on one line.

use careen_model::{
    Category, ContextFacts, EngineFacts, Fact, HostFacts,
    engine::{CacheRecord, ClientBuilder},
    host::SpaceRole,
    units,
};

use crate::{Subject, words};

/// The facts of one category in a phrase; `None` when there are none to tell.
pub(super) fn of(category: Category, subject: &Subject<'_>) -> Option<String> {
    match category {
        Category::Client => client(subject.engine?),
        Category::Engine => Some(words::engine(subject.engine?)),
        Category::Builder => builders(subject.engine?),
        Category::Cache => subject.engine?.cache.known().map(|records| cache(records)),
        Category::Disk => disk(subject.host?),
        Category::Context => Some(context(subject.known_context()?)),
        Category::Ignore => Some(ignore(subject.known_context()?)),
        Category::Dockerfile => Some(words::shown(&subject.project?.dockerfile.known()?.path)),
        Category::Secrets => Some(secrets(subject.known_context()?)),
        Category::Network => network(subject.host?),
    }
}

fn client(facts: &EngineFacts) -> Option<String> {
    let client = facts.client.known()?;
    let version = client.version.known().map_or("of unknown version", String::as_str);
    let builds = match client.builder {
        ClientBuilder::Buildx => "builds with buildx",
        ClientBuilder::BuiltInBuildKit => "builds with the engine's BuildKit",
        ClientBuilder::Classic => "builds with the legacy builder",
        ClientBuilder::Broken => "cannot build: BuildKit is asked for, buildx is missing",
    };
    let context = facts.endpoint.context.as_ref();
    let context = context.map_or(String::new(), |name| format!(", context {name}"));
    Some(format!("docker {version}, {builds}{context}"))
}

fn builders(facts: &EngineFacts) -> Option<String> {
    let builders = facts.builders.known()?;
    let current = builders.iter().find(|builder| builder.is_current);
    let others = builders.len() - usize::from(current.is_some());
    let problems = builders.iter().filter(|builder| builder.problem.is_some()).count();
    let mut parts = vec![match current {
        Some(current) => format!("{} ({})", current.name, current.driver),
        None => "none chosen".to_owned(),
    }];
    if others > 0 {
        parts.push(format!("{others} more"));
    }
    if problems > 0 {
        parts.push(format!("{problems} with a problem"));
    }
    Some(parts.join(", "))
}

fn cache(records: &[CacheRecord]) -> String {
    let bytes = records.iter().map(|record| record.bytes).sum();
    let busy: u64 = records.iter().filter(|record| record.in_use).map(|record| record.bytes).sum();
    let busy = if busy > 0 { format!(", {} in use", units::size(busy)) } else { String::new() };
    format!("{} in {}{busy}", units::size(bytes), words::many(records.len(), "record"))
}

fn disk(host: &HostFacts) -> Option<String> {
    let mut seen = Vec::new();
    let mut parts = Vec::new();
    for space in &host.space {
        let Some(room) = space.found.known() else { continue };
        if seen.contains(&room.device) {
            continue;
        }
        seen.push(room.device);
        let (free, total) = (units::size(room.free_bytes), units::size(room.total_bytes));
        parts.push(format!("{} {free} free of {total}", role(space.role)));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

pub(crate) fn role(role: SpaceRole) -> &'static str {
    match role {
        SpaceRole::Root => "/",
        SpaceRole::Context => "context",
        SpaceRole::EngineData => "engine",
        SpaceRole::Temporary => "temporary",
        SpaceRole::VirtualDiskHost => "Windows drive",
    }
}

/// `41 218 entries, 1.9 GB kept, 700.2 MB read by the build, walked in 3.1 s`.
pub(super) fn context(facts: &ContextFacts) -> String {
    format!(
        "{}, {} kept, {} read by the build, walked in {}",
        words::many(usize::try_from(facts.kept.entries).unwrap_or(usize::MAX), "entry"),
        units::size(facts.kept.bytes),
        units::size(facts.sent.bytes),
        words::seconds_of(facts.walk_seconds),
    )
}

fn ignore(facts: &ContextFacts) -> String {
    let path = words::shown(&facts.ignore.path);
    match &facts.ignore.text {
        Some(text) if facts.ignore.exists => {
            let rules =
                text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
            format!("{path}, {}", words::many(rules.count(), "pattern"))
        }
        _ if facts.ignore.exists => path,
        _ => format!("no {path}"),
    }
}

fn secrets(facts: &ContextFacts) -> String {
    match facts.secrets.len() {
        0 => "nothing that looks like a secret would be sent".to_owned(),
        1 => "1 file that a COPY can reach looks like a secret".to_owned(),
        n => format!("{n} files that a COPY can reach look like secrets"),
    }
}

fn network(host: &HostFacts) -> Option<String> {
    let mtu = host.default_mtu.known()?;
    let proxy = if host.proxy.is_empty() { "no proxy" } else { "through a proxy" };
    Some(format!("MTU {mtu}, {proxy}"))
}

/// `9p on /mnt/c (C:\), 1.3 ms per lookup, 1190× slower than the home disk`.
pub(super) fn latency(host: &HostFacts) -> Option<String> {
    let mount = match &host.context_mount {
        Fact::Known(mount) => words::mount(mount),
        Fact::Unknown(_) => return None,
    };
    let Some(latency) = host.context_latency.known() else { return Some(mount) };
    let lookup = per_lookup(latency.lookup_ns);
    let ratio = latency.ratio();
    let slower = if ratio >= 2.0 {
        format!(", {} slower than the home disk", units::ratio(ratio))
    } else {
        String::new()
    };
    Some(format!("{mount}, {lookup} per lookup{slower}"))
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn per_lookup(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000_000 => format!("{:.1} µs", nanoseconds as f64 / 1e3),
        _ => format!("{:.1} ms", nanoseconds as f64 / 1e6),
    }
}
