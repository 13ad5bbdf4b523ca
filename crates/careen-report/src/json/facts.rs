//! The facts in full, under names of our own that carry their unit.

use careen_model::{
    ContextFacts, EngineFacts, HistoryFacts, HostFacts, ProjectFacts,
    context::{Amount, Sized},
    engine::{Builder, CacheRecord, Client, ClientBuilder, Engine, GcRule},
    host::{Latency, Mount, MountClass, MountFoundBy, Room, Space, SpaceRole, WslVersion},
    legacy::Value,
    project::ProjectKind,
};

use super::value::{fact, list, none, option, path, round, seconds, text};
use crate::{Subject, words};

pub(super) fn all(subject: &Subject<'_>) -> Value {
    let unasked = |why: &str| Value::Null { why: why.to_owned() };
    let not_asked = || unasked("not asked for");
    Value::Map(vec![
        ("project", subject.project.map_or_else(not_asked, project)),
        ("host", subject.host.map_or_else(not_asked, host)),
        ("engine", subject.engine.map_or_else(not_asked, engine)),
        ("context", subject.context.map_or_else(not_asked, |known| fact(known, context))),
        ("history", subject.history.map_or_else(not_asked, history)),
    ])
}

pub(super) fn count(n: u64) -> Value {
    Value::Count(n)
}

fn epoch(seconds: i64) -> Value {
    u64::try_from(seconds).map_or_else(|_| none(), Value::Count)
}

fn project(facts: &ProjectFacts) -> Value {
    let python = |python: &careen_model::project::Python| {
        Value::Map(vec![
            ("name", option(python.name.as_ref(), text)),
            ("requires", option(python.requires.as_ref(), text)),
            ("dependencies", list(&python.dependencies, text)),
            ("groups", list(&python.groups, text)),
            ("is_package", Value::Bool(python.is_package)),
            ("has_lock", Value::Bool(python.has_lock)),
        ])
    };
    Value::Map(vec![
        ("root", path(&facts.root)),
        ("dockerfile", fact(&facts.dockerfile, |source| path(&source.path))),
        ("dockerfile_from", fact(&facts.dockerfile, |source| text(&source.from))),
        ("context", path(&facts.context)),
        ("target", option(facts.target.as_ref(), text)),
        ("kinds", list(&facts.kinds, |kind| text(kind_name(*kind)))),
        ("python", fact(&facts.python, python)),
        ("has_git", Value::Bool(facts.has_git)),
        ("compose", option(facts.compose.as_deref(), path)),
        ("devcontainer", option(facts.devcontainer.as_deref(), path)),
        ("broken", list(&facts.broken, |why| text(why.to_string()))),
    ])
}

fn kind_name(kind: ProjectKind) -> &'static str {
    match kind {
        ProjectKind::Python => "python",
        ProjectKind::MachineLearning => "machine-learning",
        ProjectKind::Node => "node",
        ProjectKind::Rust => "rust",
        ProjectKind::Go => "go",
        ProjectKind::Java => "java",
    }
}

fn host(facts: &HostFacts) -> Value {
    let system = &facts.system;
    let wsl = |wsl: &Option<careen_model::host::Wsl>| {
        option(wsl.as_ref(), |wsl| {
            let version = match wsl.version {
                WslVersion::One => 1,
                WslVersion::Two => 2,
            };
            Value::Map(vec![
                ("version", count(version)),
                ("distribution", option(wsl.distribution.as_ref(), text)),
                ("witnesses", list(&wsl.witnesses, text)),
            ])
        })
    };
    Value::Map(vec![
        ("os", text(&system.os)),
        ("kernel", text(&system.kernel)),
        ("architecture", text(&system.architecture)),
        ("distribution", fact(&system.distribution, text)),
        ("cpus", count(system.cpus as u64)),
        ("memory_bytes", fact(&system.memory_bytes, |n| count(*n))),
        ("memory_limit_bytes", fact(&system.memory_limit_bytes, |n| option(*n, count))),
        ("in_container", Value::Bool(system.in_container)),
        ("user_id", count(u64::from(system.user_id))),
        ("wsl", fact(&facts.wsl, wsl)),
        ("context_mount", fact(&facts.context_mount, mount)),
        ("dockerfile_mount", fact(&facts.dockerfile_mount, mount)),
        ("context_latency", fact(&facts.context_latency, latency)),
        ("space", list(&facts.space, space)),
        (
            "tools",
            list(&facts.tools, |tool| {
                let found = option(tool.path.as_deref(), path);
                Value::Map(vec![("name", text(tool.name)), ("path", found)])
            }),
        ),
        (
            "proxy",
            list(&facts.proxy, |proxy| {
                Value::Map(vec![("name", text(&proxy.name)), ("value", text(&proxy.value))])
            }),
        ),
        ("ci", option(facts.ci, text)),
        ("agent", option(facts.agent, text)),
        ("default_mtu", fact(&facts.default_mtu, |mtu| count(u64::from(*mtu)))),
        (
            "bridges",
            fact(&facts.bridges, |bridges| {
                list(bridges, |link| {
                    Value::Map(vec![
                        ("name", text(&link.name)),
                        ("mtu", count(u64::from(link.mtu))),
                        ("up", Value::Bool(link.up)),
                    ])
                })
            }),
        ),
        (
            "windows_clock_ahead_seconds",
            fact(&facts.windows_clock_ahead, |ahead| Value::Number(round(*ahead))),
        ),
    ])
}

fn mount(mount: &Mount) -> Value {
    let found_by = match mount.found_by {
        MountFoundBy::Id => "mount-id",
        MountFoundBy::LongestPrefix => "longest-prefix",
    };
    Value::Map(vec![
        ("point", path(&mount.point)),
        ("fs_type", text(&mount.fs_type)),
        ("source", text(&mount.source)),
        ("options", text(&mount.options)),
        ("class", text(class_name(mount.class))),
        ("windows_path", option(mount.windows_path.as_ref(), text)),
        ("found_by", text(found_by)),
    ])
}

fn class_name(class: MountClass) -> &'static str {
    match class {
        MountClass::LocalDisk => "local-disk",
        MountClass::Memory => "memory",
        MountClass::Overlay => "overlay",
        MountClass::DrvFs => "drvfs",
        MountClass::WindowsNineP => "windows-9p",
        MountClass::WindowsVirtioNineP => "windows-virtio-9p",
        MountClass::WindowsVirtioFs => "windows-virtiofs",
        MountClass::NineP => "9p",
        MountClass::VirtioFs => "virtiofs",
        MountClass::DesktopShare => "desktop-share",
        MountClass::SshFs => "sshfs",
        MountClass::Fuse => "fuse",
        MountClass::Nfs => "nfs",
        MountClass::Smb => "smb",
        MountClass::Encrypted => "encrypted",
        MountClass::Other => "other",
    }
}

fn latency(latency: &Latency) -> Value {
    Value::Map(vec![
        ("lookup_ns", count(latency.lookup_ns)),
        ("sync_ns", count(latency.sync_ns)),
        ("warm_ns", count(latency.warm_ns)),
        ("reference_ns", count(latency.reference_ns)),
        ("samples", count(u64::from(latency.samples))),
        ("ratio", Value::Number(round(latency.ratio()))),
    ])
}

fn space(space: &Space) -> Value {
    let room = |room: &Room| {
        Value::Map(vec![
            ("total_bytes", count(room.total_bytes)),
            ("free_bytes", count(room.free_bytes)),
            ("total_inodes", count(room.total_inodes)),
            ("free_inodes", count(room.free_inodes)),
            ("device", count(room.device)),
            ("in_memory", Value::Bool(room.in_memory)),
        ])
    };
    let role = match space.role {
        SpaceRole::Root => "root",
        SpaceRole::Context => "context",
        SpaceRole::EngineData => "engine-data",
        SpaceRole::Temporary => "temporary",
        SpaceRole::VirtualDiskHost => "virtual-disk-host",
    };
    Value::Map(vec![
        ("role", text(role)),
        ("path", path(&space.path)),
        ("room", fact(&space.found, room)),
    ])
}

fn engine(facts: &EngineFacts) -> Value {
    let endpoint = &facts.endpoint;
    let bridge = |bridge: &careen_model::engine::Bridge| {
        Value::Map(vec![
            ("name", text(&bridge.name)),
            ("mtu", option(bridge.mtu, |mtu| count(u64::from(mtu)))),
        ])
    };
    Value::Map(vec![
        ("address", text(&endpoint.address)),
        ("chosen_by", text(&endpoint.chosen_by)),
        ("docker_context", option(endpoint.context.as_ref(), text)),
        ("is_local", Value::Bool(endpoint.is_local)),
        ("client", fact(&facts.client, client)),
        ("server", fact(&facts.engine, server)),
        ("builders", fact(&facts.builders, |builders| list(builders, builder))),
        ("cache", fact(&facts.cache, |records| list(records, cache_record))),
        ("clock_ahead_seconds", fact(&facts.clock_ahead, |ahead| Value::Number(round(*ahead)))),
        ("bridge", fact(&facts.bridge, bridge)),
    ])
}

fn client(client: &Client) -> Value {
    let builder = match client.builder {
        ClientBuilder::Buildx => "buildx",
        ClientBuilder::BuiltInBuildKit => "built-in-buildkit",
        ClientBuilder::Classic => "classic",
        ClientBuilder::Broken => "broken",
    };
    Value::Map(vec![
        ("path", path(&client.path)),
        ("version", fact(&client.version, text)),
        ("buildx", option(client.buildx.as_deref(), path)),
        ("builder", text(builder)),
    ])
}

fn server(engine: &Engine) -> Value {
    let buildkit = |kit: &careen_model::engine::BuildKit| {
        Value::Map(vec![
            ("version", option(kit.version.as_ref(), text)),
            ("capabilities", list(&kit.capabilities, text)),
        ])
    };
    Value::Map(vec![
        ("version", text(&engine.version)),
        ("api_version", text(&engine.api_version)),
        ("flavour", text(words::flavour(engine.flavour))),
        ("operating_system", text(&engine.operating_system)),
        ("kernel", text(&engine.kernel)),
        ("architecture", text(&engine.architecture)),
        ("data_root", path(&engine.data_root)),
        ("storage_driver", text(&engine.storage_driver)),
        ("containerd_store", Value::Bool(engine.containerd_store)),
        ("cpus", count(engine.cpus)),
        ("memory_bytes", count(engine.memory_bytes)),
        ("rootless", Value::Bool(engine.rootless)),
        ("http_proxy", option(engine.http_proxy.as_ref(), text)),
        ("https_proxy", option(engine.https_proxy.as_ref(), text)),
        ("no_proxy", option(engine.no_proxy.as_ref(), text)),
        ("warnings", list(&engine.warnings, text)),
        ("buildkit", fact(&engine.buildkit, buildkit)),
        ("layers_bytes", fact(&engine.layers_bytes, |bytes| count(*bytes))),
        ("gc_rules", fact(&engine.gc_rules, |rules| list(rules, gc_rule))),
        ("images", fact(&engine.images, |n| count(*n))),
    ])
}

fn gc_rule(rule: &GcRule) -> Value {
    Value::Map(vec![
        ("filters", list(&rule.filters, text)),
        ("keep_seconds", count(rule.keep_seconds)),
        ("reserved_bytes", count(rule.reserved_bytes)),
        ("max_used_bytes", count(rule.max_used_bytes)),
        ("min_free_bytes", count(rule.min_free_bytes)),
        ("all", Value::Bool(rule.all)),
    ])
}

fn builder(builder: &Builder) -> Value {
    Value::Map(vec![
        ("name", text(&builder.name)),
        ("driver", text(&builder.driver)),
        ("endpoint", text(&builder.endpoint)),
        ("is_current", Value::Bool(builder.is_current)),
        ("idle_days", option(builder.idle_days, count)),
        ("problem", option(builder.problem.as_ref(), text)),
    ])
}

fn cache_record(record: &CacheRecord) -> Value {
    Value::Map(vec![
        ("id", text(&record.id)),
        ("kind", text(&record.kind)),
        ("bytes", count(record.bytes)),
        ("in_use", Value::Bool(record.in_use)),
        ("shared", Value::Bool(record.shared)),
        ("mutable", Value::Bool(record.mutable)),
        ("created", option(record.created, epoch)),
        ("last_used", option(record.last_used, epoch)),
        ("usage_count", count(record.usage_count)),
        ("description", text(&record.description)),
    ])
}

pub(super) fn context(facts: &ContextFacts) -> Value {
    let ignore = &facts.ignore;
    let problems = list(&ignore.problems, |problem| {
        Value::Map(vec![
            ("line", option(problem.line, |line| count(u64::from(line)))),
            ("message", text(&problem.message)),
            ("fatal", Value::Bool(problem.fatal)),
        ])
    });
    Value::Map(vec![
        ("root", path(&facts.root)),
        ("dockerfile", path(&facts.dockerfile)),
        (
            "ignore_file",
            Value::Map(vec![
                ("path", path(&ignore.path)),
                ("exists", Value::Bool(ignore.exists)),
                ("dedicated", Value::Bool(ignore.dedicated)),
                ("problems", problems),
            ]),
        ),
        ("everything", fact(&facts.everything, amount)),
        ("kept", amount(&facts.kept)),
        ("sent", amount(&facts.sent)),
        ("top_files", list(&facts.top_files, sized)),
        ("top_folders", list(&facts.top_folders, sized)),
        (
            "secrets",
            list(&facts.secrets, |secret| {
                Value::Map(vec![
                    ("path", path(&secret.path)),
                    ("because", text(secret.because)),
                    ("reach", text(reach_name(secret.reach))),
                ])
            }),
        ),
        (
            "hazards",
            list(&facts.hazards, |hazard| {
                Value::Map(vec![
                    ("kind", text(hazard_name(hazard.kind))),
                    ("path", path(&hazard.path)),
                    ("note", text(&hazard.note)),
                    ("amount", amount(&hazard.amount)),
                ])
            }),
        ),
        (
            "categories",
            list(&facts.categories, |row| {
                let amount = amount(&row.amount);
                Value::Map(vec![("category", text(row.category)), ("amount", amount)])
            }),
        ),
        ("walk_seconds", Value::Number(round(facts.walk_seconds))),
        ("unreadable", list(&facts.unreadable, |file| path(file))),
    ])
}

fn hazard_name(kind: careen_model::context::HazardKind) -> &'static str {
    use careen_model::context::HazardKind;
    match kind {
        HazardKind::ZeroByte => "zero-byte",
        HazardKind::Unreadable => "unreadable",
        HazardKind::Special => "special",
        HazardKind::Vanished => "vanished",
        HazardKind::NotUtf8 => "not-utf8",
        HazardKind::WideWildcard => "wide-wildcard",
        HazardKind::LinkUsedTwice => "link-used-twice",
        HazardKind::UnreadableFolder => "unreadable-folder",
        HazardKind::Sparse => "sparse",
        HazardKind::Hot => "hot",
        HazardKind::ExcludedStillSent => "excluded-still-sent",
        HazardKind::ReadsIgnored => "reads-ignored",
        HazardKind::SameSizeAndTime => "same-size-and-time",
        HazardKind::Mistaken => "mistaken",
    }
}

fn reach_name(reach: careen_model::context::Reach) -> &'static str {
    use careen_model::context::Reach;
    match reach {
        Reach::Unknown => "unknown",
        Reach::BuildStage => "build-stage",
        Reach::FinalImage => "final-image",
    }
}

pub(super) fn amount(amount: &Amount) -> Value {
    Value::Map(vec![
        ("entries", count(amount.entries)),
        ("files", count(amount.files)),
        ("bytes", count(amount.bytes)),
    ])
}

pub(super) fn sized(sized: &Sized) -> Value {
    Value::Map(vec![
        ("path", path(&sized.path)),
        ("files", count(sized.amount.files)),
        ("bytes", count(sized.amount.bytes)),
    ])
}

fn history(facts: &HistoryFacts) -> Value {
    list(&facts.builds, |build| {
        Value::Map(vec![
            ("label", text(&build.label)),
            ("started_at", epoch(build.started_at)),
            ("outcome", text(words::outcome(build.outcome))),
            ("total_seconds", Value::Number(seconds(build.total))),
        ])
    })
}
