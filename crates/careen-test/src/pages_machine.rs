//! A healthy machine with a small project, and `key = value` lines that make it ill.
//!
//! Pages of rules about the machine say only what differs from this one. An unknown key or a value
//! that does not fit stops the test: a page never tests less than it seems to.

use std::time::Duration;

use careen_model::changes::Commit;
use careen_model::context::{
    Amount, CategoryAmount, Hazard, HazardKind, IgnoreProblem, Reach, Secret, Sized,
};
use careen_model::engine::{
    Bridge, Builder, BuilderFault, CacheRecord, ClientBuilder, Engine, Flavour,
};
use careen_model::host::{
    Latency, Link, Mount, MountClass, ProxyVariable, Space, SpaceRole, Wsl, WslVersion,
};
use careen_model::project::{ProjectKind, Python};
use careen_model::{
    BuildRecord, ChangeFacts, ContextFacts, EngineFacts, Fact, HistoryFacts, HostFacts, Namesake,
    Outcome, Phase, ProjectFacts, StepRecord, Task, Transfer, Why,
};

use crate::pages_healthy::{context, engine_facts, host, project, space};

/// Facts of one machine, one project and one moment.
#[derive(Debug, Clone)]
pub struct Machine {
    pub project: Option<ProjectFacts>,
    pub host: Option<HostFacts>,
    pub engine: Option<EngineFacts>,
    pub context: Fact<ContextFacts>,
    pub history: HistoryFacts,
    pub changes: Fact<ChangeFacts>,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

const NOW: i64 = 1_800_000_000;

impl Machine {
    /// Nothing is wrong here.
    pub fn healthy() -> Machine {
        Machine {
            project: Some(project()),
            host: Some(host()),
            engine: Some(engine_facts()),
            context: Fact::Known(context()),
            history: HistoryFacts { namesakes: Fact::Known(vec![]), ..HistoryFacts::default() },
            changes: Fact::Unknown(Why::Absent { what: "git repository".into() }),
            now: NOW,
        }
    }

    /// A healthy machine after the lines of a `facts` block.
    pub fn ill(lines: &str) -> Machine {
        let mut machine = Machine::healthy();
        for line in lines.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (key, value) =
                line.split_once('=').unwrap_or_else(|| panic!("no `key = value`: {line}"));
            machine.set(key.trim(), value.trim());
        }
        machine
    }

    /// Changes one fact.
    pub fn set(&mut self, key: &str, value: &str) {
        match key.split_once('.') {
            Some(("project", rest)) => self.set_project(rest, value),
            Some(("mount" | "dockerfile-mount" | "latency" | "space" | "host", _)) => {
                self.set_host(key, value);
            }
            Some(("engine", rest)) => self.set_engine(rest, value),
            Some(("client", rest)) => self.set_client(rest, value),
            Some(("context" | "ignore", _)) => self.set_context(key, value),
            None if key == "ignore" => self.set_context(key, value),
            _ => self.set_whole(key, value),
        }
    }

    fn set_whole(&mut self, key: &str, value: &str) {
        match key {
            "no" => match value {
                "project" => self.project = None,
                "host" => self.host = None,
                "engine" => self.engine = None,
                "context" => self.context = Fact::Unknown(Why::NotAsked),
                _ => panic!("nothing is called {value}"),
            },
            "engine" => self.engine().engine = Fact::Unknown(why(value)),
            "client" => self.engine().client = Fact::Unknown(why(value)),
            "builder" => self.engine_list("builders", value),
            "cache" => self.engine_list("cache", value),
            "bridge" => {
                self.host().bridges = match value {
                    "none" => Fact::Known(vec![]),
                    _ => Fact::Known(vec![Link {
                        name: "docker0".into(),
                        mtu: number(value),
                        up: true,
                    }]),
                }
            }
            "proxy" => {
                let (name, value) = value.split_once(' ').expect("NAME value");
                self.host().proxy.push(ProxyVariable { name: name.into(), value: value.into() });
            }
            "build" => self.history.builds.push(BuildRecord {
                label: value.into(),
                outcome: Some(Outcome::Built),
                started_at: NOW - 3600,
                ..BuildRecord::default()
            }),
            "namesake" => self.push_namesake(value),
            "step" => self.push_step(value),
            "commits" => self.push_commits(value),
            "files" => {
                let Fact::Known(changes) = &mut self.changes else {
                    panic!("`commits` come first")
                };
                changes.files.extend(value.split_whitespace().map(str::to_owned));
            }
            "exported" => self.push_export(value),
            "sent" => {
                let build = self.history.builds.last_mut().expect("a `build` line comes first");
                let bytes = size(value);
                build.transfers.push(Transfer {
                    name: "context".into(),
                    bytes,
                    ..Transfer::default()
                });
            }
            _ => panic!("no fact is called {key}"),
        }
    }

    /// `/old/app 26 h`, or `this 1 h` for the context: a build of Docker's client.
    fn push_namesake(&mut self, value: &str) {
        let (folder, hours) = value.split_once(' ').expect("FOLDER HOURS h");
        let hours: i64 = hours.trim_end_matches(" h").parse().expect("a number of hours");
        let is_this = folder == "this";
        let folder = if is_this { "/home/me/app" } else { folder };
        let Fact::Known(namesakes) = &mut self.history.namesakes else {
            panic!("the record of builds is known here")
        };
        namesakes.push(Namesake { folder: folder.into(), is_this, built_at: NOW - hours * 3600 });
    }

    /// `9 src/a.py src/b.py`: so many commits that change these files.
    fn push_commits(&mut self, value: &str) {
        let mut words = value.split_whitespace();
        let times = count(words.next().expect("a number of commits"));
        let paths: Vec<Vec<u8>> = words.map(|path| path.as_bytes().to_owned()).collect();
        if self.changes.known().is_none() {
            self.changes = Fact::Known(ChangeFacts::default());
        }
        let Fact::Known(changes) = &mut self.changes else { unreachable!("it was just made") };
        let commit = Commit { is_first: false, paths };
        changes.commits.extend((0..times).map(|_| commit.clone()));
    }

    /// `41.2 s RUN apt-get update`, into the build of the line before.
    fn push_step(&mut self, value: &str) {
        let (seconds, name) = value.split_once(" s ").expect("SECONDS s INSTRUCTION");
        let took = Duration::from_secs_f64(seconds.parse().expect("seconds"));
        let build = self.history.builds.last_mut().expect("a `build` line comes first");
        let started = build.total;
        build.total += took;
        build.steps.push(step(&format!("[stage-0 1/1] {name}"), Phase::Steps, started, took));
    }

    fn push_export(&mut self, value: &str) {
        let build = self.history.builds.last_mut().expect("a `build` line comes first");
        let took = Duration::from_secs(1);
        let mut step = step("exporting to image", Phase::Export, build.total, took);
        step.tasks.push(Task {
            name: "exporting layers".into(),
            bytes: size(value),
            started: build.total,
            ended: Some(build.total + took),
        });
        build.total += took;
        build.steps.push(step);
    }

    fn set_project(&mut self, key: &str, value: &str) {
        let project = self.project.as_mut().expect("the machine has a project");
        match key {
            "kind" => project.kinds = vec![kind(value)],
            "python" => {
                let mut python = Python { has_lock: true, ..Python::default() };
                python.is_package = match value {
                    "package" => true,
                    "application" => false,
                    _ => panic!("package or application, not {value}"),
                };
                project.python = Fact::Known(python);
            }
            _ => panic!("no fact is called project.{key}"),
        }
    }

    fn set_host(&mut self, key: &str, value: &str) {
        let host = self.host();
        let (group, rest) = key.split_once('.').expect("the caller looked");
        match (group, rest) {
            ("mount", _) => change_mount(&mut host.context_mount, rest, value),
            ("dockerfile-mount", _) => change_mount(&mut host.dockerfile_mount, rest, value),
            ("latency", _) => change_latency(&mut host.context_latency, rest, value),
            ("space", _) => change_space(&mut host.space, rest, value),
            ("host", "wsl") => {
                let version = if value == "1" { WslVersion::One } else { WslVersion::Two };
                let witnesses = vec!["/proc/sys/kernel/osrelease".into()];
                host.wsl = Fact::Known(Some(Wsl { version, distribution: None, witnesses }));
            }
            ("host", "memory") => host.system.memory_bytes = Fact::Known(size(value)),
            ("host", "memory-limit") => {
                host.system.memory_limit_bytes = Fact::Known(Some(size(value)));
            }
            ("host", "mtu") => host.default_mtu = Fact::Known(number(value)),
            ("host", "windows-clock") => {
                host.windows_clock_ahead = Fact::Known(value.parse().expect("seconds"));
            }
            _ => panic!("no fact is called {key}"),
        }
    }

    fn set_client(&mut self, key: &str, value: &str) {
        let Fact::Known(client) = &mut self.engine().client else { panic!("no client to change") };
        match key {
            "buildx" => client.buildx = (value != "none").then(|| value.into()),
            "builder" => {
                client.builder = match value {
                    "buildx" => ClientBuilder::Buildx,
                    "built-in" => ClientBuilder::BuiltInBuildKit,
                    "classic" => ClientBuilder::Classic,
                    "broken" => ClientBuilder::Broken,
                    _ => panic!("no builder is called {value}"),
                }
            }
            _ => panic!("no fact is called client.{key}"),
        }
    }

    fn set_engine(&mut self, key: &str, value: &str) {
        let facts = self.engine();
        match key {
            "clock" => facts.clock_ahead = Fact::Known(value.parse().expect("seconds")),
            "local" => facts.endpoint.is_local = value == "yes",
            "address" => facts.endpoint.address = value.into(),
            "bridge-mtu" => {
                let mtu = (value != "unset").then(|| number(value));
                facts.bridge = Fact::Known(Bridge { name: "docker0".into(), mtu });
            }
            "bridge" => facts.bridge = Fact::Unknown(why(value)),
            _ => change_engine(&mut facts.engine, key, value),
        }
    }

    /// `name driver idle=70 problem=…` (`-` for no driver) or `kind 1.2 GB idle=3h uses=2 flags description…`.
    fn engine_list(&mut self, list: &str, value: &str) {
        let facts = self.engine();
        if list == "builders" {
            let Fact::Known(builders) = &mut facts.builders else { panic!("no builders") };
            builders.push(builder(value));
            return;
        }
        let Fact::Known(cache) = &mut facts.cache else { panic!("no cache") };
        let id = format!("record{}", cache.len());
        cache.push(record(id, value));
    }

    fn set_context(&mut self, key: &str, value: &str) {
        let Fact::Known(context) = &mut self.context else { panic!("no context to change") };
        match key {
            "context.entries" => {
                context.kept.entries = count(value);
                context.sent.entries = count(value);
                context.kept.files = count(value) * 9 / 10;
                context.sent.files = count(value) * 9 / 10;
            }
            "context.bytes" => {
                context.kept.bytes = size(value);
                context.sent.bytes = size(value);
            }
            "context.sent" => context.sent.bytes = size(value),
            "context.top" => {
                let (path, bytes) = value.split_once(' ').expect("PATH SIZE");
                context.top_files.push(Sized {
                    path: path.into(),
                    amount: Amount { entries: 1, files: 1, bytes: size(bytes) },
                });
            }
            "context.folder" => {
                let (path, bytes) = value.split_once(' ').expect("PATH SIZE");
                context.top_folders.push(Sized {
                    path: path.into(),
                    amount: Amount { entries: 100, files: 90, bytes: size(bytes) },
                });
            }
            "context.hazard" => {
                let noted = value.strip_suffix(')').and_then(|value| value.split_once(" ("));
                let (value, note) = noted.unwrap_or((value, ""));
                let (kind, path) =
                    value.split_once(' ').expect("KIND PATH[ = SIZE ENTRIES][ (NOTE)]");
                let (path, amount) = path.split_once(" = ").unwrap_or((path, "0 B 1"));
                let (bytes, entries) = amount.rsplit_once(' ').expect("SIZE ENTRIES");
                let (bytes, entries) = (size(bytes), count(entries));
                let amount = Amount { entries, files: entries, bytes };
                context.hazards.push(Hazard::new(hazard(kind), path).amount(amount).note(note));
            }
            "context.secret" => context.secrets.push(secret(value)),
            "ignore.category" => {
                let (name, amount) = value.split_once(' ').expect("CATEGORY SIZE ENTRIES");
                let (bytes, entries) = amount.rsplit_once(' ').expect("SIZE ENTRIES");
                let entries = count(entries);
                context.categories.push(CategoryAmount {
                    category: Box::leak(name.to_owned().into_boxed_str()),
                    amount: Amount { entries, files: entries * 9 / 10, bytes: size(bytes) },
                });
            }
            "ignore.problem" => {
                let fatal = value.starts_with("fatal ");
                let message = value.trim_start_matches("fatal ").to_owned();
                context.ignore.problems.push(IgnoreProblem { line: Some(3), message, fatal });
            }
            "ignore" => {
                assert_eq!(value, "none", "the text of an ignore file stands in an `ignore` block");
                context.ignore.exists = false;
                context.ignore.text = None;
            }
            "ignore.dedicated" => {
                context.ignore.dedicated = true;
                context.ignore.path = value.into();
            }
            _ => panic!("no fact is called {key}"),
        }
    }

    /// Replaces the text of the ignore file in force.
    pub fn ignore_with(&mut self, text: &str) {
        let Fact::Known(context) = &mut self.context else { panic!("no context to change") };
        context.ignore.exists = true;
        context.ignore.text = Some(text.to_owned());
    }

    fn host(&mut self) -> &mut HostFacts {
        self.host.as_mut().expect("the machine has a host")
    }

    fn engine(&mut self) -> &mut EngineFacts {
        self.engine.as_mut().expect("the machine has an engine")
    }
}

fn change_mount(fact: &mut Fact<Mount>, key: &str, value: &str) {
    let Fact::Known(mount) = fact else { panic!("no mount to change") };
    match key {
        "class" => mount.class = mount_class(value),
        "type" => mount.fs_type = value.into(),
        "point" => mount.point = value.into(),
        "windows" => mount.windows_path = Some(value.into()),
        _ => panic!("no fact is called mount.{key}"),
    }
}

fn change_latency(fact: &mut Fact<Latency>, key: &str, value: &str) {
    let Fact::Known(latency) = fact else { panic!("no latency to change") };
    let ns = nanoseconds(value);
    match key {
        "lookup" => latency.lookup_ns = ns,
        "warm" => latency.warm_ns = ns,
        "reference" => latency.reference_ns = ns,
        _ => panic!("no fact is called latency.{key}"),
    }
}

fn change_space(spaces: &mut Vec<Space>, key: &str, value: &str) {
    let (role, what) = key.split_once('.').expect("space.ROLE.WHAT");
    let role = match role {
        "root" => SpaceRole::Root,
        "context" => SpaceRole::Context,
        "engine" => SpaceRole::EngineData,
        "temporary" => SpaceRole::Temporary,
        "windows" => SpaceRole::VirtualDiskHost,
        _ => panic!("no role is called {role}"),
    };
    if !spaces.iter().any(|space| space.role == role) {
        spaces.push(space(role, "/mnt/c", 9));
    }
    let space = spaces.iter_mut().find(|space| space.role == role).expect("just made");
    let Fact::Known(room) = &mut space.found else { panic!("no room to change") };
    match what {
        "free" => room.free_bytes = size(value),
        "inodes" => room.free_inodes = count(value),
        "device" => room.device = count(value),
        "memory" => room.in_memory = value == "yes",
        _ => panic!("no fact is called space.{key}"),
    }
}

fn change_engine(fact: &mut Fact<Engine>, key: &str, value: &str) {
    let Fact::Known(engine) = fact else { panic!("no engine to change") };
    match key {
        "version" => engine.version = value.into(),
        "driver" => engine.storage_driver = value.into(),
        "rootless" => engine.rootless = value == "yes",
        "memory" => engine.memory_bytes = size(value),
        "gc" => {
            assert_eq!(value, "none", "only a policy without rules can be told");
            engine.gc_rules = Fact::Known(vec![]);
        }
        "http-proxy" => engine.http_proxy = Some(value.into()),
        "https-proxy" => engine.https_proxy = Some(value.into()),
        "flavour" => {
            engine.flavour = match value {
                "desktop" => Flavour::DockerDesktop,
                "native" => Flavour::Native,
                _ => panic!("no flavour is called {value}"),
            }
        }
        _ => panic!("no fact is called engine.{key}"),
    }
}

fn builder(value: &str) -> Builder {
    let (value, problem) = match value.split_once(" problem=") {
        Some((value, problem)) => (value, Some(problem.to_owned())),
        None => (value, None),
    };
    let words: Vec<&str> = value.split_whitespace().collect();
    let idle = words.iter().find_map(|word| word.strip_prefix("idle="));
    let fault = match problem.as_deref() {
        Some("its container is paused") => BuilderFault::Paused,
        Some(problem) if problem.starts_with("its container") => BuilderFault::Container,
        _ => BuilderFault::Settings,
    };
    Builder {
        name: words[0].into(),
        driver: words[1].trim_matches('-').into(),
        endpoint: "unix:///var/run/docker.sock".into(),
        is_current: words.contains(&"current"),
        idle_days: idle.map(|days| days.parse().expect("days")),
        problem,
        fault,
    }
}

/// `exec.cachemount 6.1 GB idle=31h uses=3 : cached mount /root/.cache/uv …`.
fn record(id: String, value: &str) -> CacheRecord {
    let (head, description) = value.split_once(" : ").unwrap_or((value, ""));
    let words: Vec<&str> = head.split_whitespace().collect();
    let field = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
    let idle = field("idle=").map(|hours| {
        let hours: i64 = hours.trim_end_matches('h').parse().expect("hours");
        hours * 3600
    });
    CacheRecord {
        id,
        kind: words[0].into(),
        bytes: size(&words[1..3].join(" ")),
        in_use: words.contains(&"in-use"),
        shared: words.contains(&"shared"),
        mutable: words[0] == "exec.cachemount",
        created: idle.map(|seconds| NOW - seconds),
        created_nanos: 0,
        parents: vec![],
        last_used: idle.map(|seconds| NOW - seconds),
        usage_count: field("uses=").map_or(1, count),
        description: description.to_owned(),
    }
}

fn step(name: &str, phase: Phase, started: Duration, took: Duration) -> StepRecord {
    StepRecord {
        id: name.into(),
        name: name.into(),
        phase,
        started: Some(started),
        ended: Some(started + took),
        ..StepRecord::default()
    }
}

fn why(value: &str) -> Why {
    match value.split_once(": ") {
        Some(("none", error)) => Why::NoEngine { error: error.into() },
        Some(("denied", what)) => Why::Denied { what: what.into() },
        Some(("absent", what)) => Why::Absent { what: what.into() },
        Some(("missing", what)) => Why::NotOnThisSystem { what: what.into() },
        _ => panic!("no reason is called {value}"),
    }
}

fn kind(value: &str) -> ProjectKind {
    match value {
        "python" => ProjectKind::Python,
        "machine-learning" => ProjectKind::MachineLearning,
        "node" => ProjectKind::Node,
        _ => panic!("no kind is called {value}"),
    }
}

fn hazard(value: &str) -> HazardKind {
    match value {
        "zero-byte" => HazardKind::ZeroByte,
        "unreadable" => HazardKind::Unreadable,
        "special" => HazardKind::Special,
        "vanished" => HazardKind::Vanished,
        "not-utf8" => HazardKind::NotUtf8,
        "wide-wildcard" => HazardKind::WideWildcard,
        "link-used-twice" => HazardKind::LinkUsedTwice,
        "unreadable-folder" => HazardKind::UnreadableFolder,
        "sparse" => HazardKind::Sparse,
        "hot" => HazardKind::Hot,
        "excluded" => HazardKind::ExcludedStillSent,
        "reads-ignored" => HazardKind::ReadsIgnored,
        "same-size-and-time" => HazardKind::SameSizeAndTime,
        "mistaken" => HazardKind::Mistaken,
        _ => panic!("no hazard is called {value}"),
    }
}

/// `PATH`, in the image, or `PATH in a build stage`.
fn secret(value: &str) -> Secret {
    let (path, reach) = match value.strip_suffix(" in a build stage") {
        Some(path) => (path, Reach::BuildStage),
        None => (value, Reach::FinalImage),
    };
    Secret { path: path.into(), because: "name of a private key", reach }
}

fn mount_class(value: &str) -> MountClass {
    let all = [
        MountClass::LocalDisk,
        MountClass::Memory,
        MountClass::Overlay,
        MountClass::DrvFs,
        MountClass::WindowsNineP,
        MountClass::WindowsVirtioNineP,
        MountClass::WindowsVirtioFs,
        MountClass::NineP,
        MountClass::VirtioFs,
        MountClass::DesktopShare,
        MountClass::SshFs,
        MountClass::Fuse,
        MountClass::Nfs,
        MountClass::Smb,
        MountClass::Encrypted,
        MountClass::Other,
    ];
    let found = all.into_iter().find(|class| format!("{class:?}") == value);
    found.unwrap_or_else(|| panic!("no class is called {value}"))
}

fn count(value: &str) -> u64 {
    value.replace(' ', "").parse().unwrap_or_else(|_| panic!("no number: {value}"))
}

fn number(value: &str) -> u32 {
    value.parse().unwrap_or_else(|_| panic!("no number: {value}"))
}

/// `1.2 GB`, `300 kB`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes of a page")]
fn size(value: &str) -> u64 {
    let (number, unit) = value.split_once(' ').unwrap_or_else(|| panic!("no size: {value}"));
    let factor = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        _ => panic!("no unit is called {unit}"),
    };
    (number.parse::<f64>().unwrap_or_else(|_| panic!("no number: {number}")) * factor) as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of a page")]
fn nanoseconds(value: &str) -> u64 {
    let (number, unit) = value.split_once(' ').unwrap_or_else(|| panic!("no time: {value}"));
    let factor = match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        _ => panic!("no unit is called {unit}"),
    };
    (number.parse::<f64>().unwrap_or_else(|_| panic!("no number: {number}")) * factor) as u64
}
