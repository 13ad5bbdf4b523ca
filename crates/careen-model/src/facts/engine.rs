//! Facts about the client, the engine and its builders, as far as they answered.

use std::path::PathBuf;

use crate::Fact;

/// Everything the engine probes found out.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineFacts {
    /// Where we look for the engine, and who said so.
    pub endpoint: Endpoint,
    pub client: Fact<Client>,
    /// The engine itself, or why it did not answer.
    pub engine: Fact<Engine>,
    pub builders: Fact<Vec<Builder>>,
    /// Records of the build cache.
    pub cache: Fact<Vec<CacheRecord>>,
    /// Seconds that the engine's clock is ahead of ours.
    pub clock_ahead: Fact<f64>,
    /// The engine's default bridge network: MTU option, or the kernel's default when unset.
    pub bridge: Fact<Bridge>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `unix:///var/run/docker.sock`, credentials removed.
    pub address: String,
    /// `DOCKER_HOST`, `DOCKER_CONTEXT`, `config.json` or `default`.
    pub chosen_by: String,
    /// Name of the Docker context, when one is in force.
    pub context: Option<String>,
    /// A unix socket here; what travels stays on this machine.
    pub is_local: bool,
}

/// The `docker` program and its plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub path: PathBuf,
    pub version: Fact<String>,
    /// Path of the buildx plugin, when the client can find one.
    pub buildx: Option<PathBuf>,
    /// Which builder a plain `docker build` would really run.
    pub builder: ClientBuilder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientBuilder {
    /// BuildKit through the buildx plugin.
    Buildx,
    /// BuildKit inside the engine, asked by an old client without plugin.
    BuiltInBuildKit,
    /// The legacy builder: no cache mounts, no secrets, no parallel stages.
    Classic,
    /// `DOCKER_BUILDKIT=1` without buildx on a new client: `docker build` fails.
    Broken,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Engine {
    pub version: String,
    pub api_version: String,
    pub flavour: Flavour,
    pub operating_system: String,
    pub kernel: String,
    pub architecture: String,
    pub data_root: PathBuf,
    pub storage_driver: String,
    /// Images live in the containerd store: other export costs and cache rules.
    pub containerd_store: bool,
    pub cpus: u64,
    pub memory_bytes: u64,
    pub rootless: bool,
    pub http_proxy: Option<String>,
    pub https_proxy: Option<String>,
    pub no_proxy: Option<String>,
    /// Warnings the engine prints about itself.
    pub warnings: Vec<String>,
    /// Answers on the BuildKit gRPC endpoint.
    pub buildkit: Fact<BuildKit>,
    /// Garbage collection rules of the worker, when it tells them.
    pub gc_rules: Fact<Vec<GcRule>>,
    /// Bytes of all image layers, each counted once. The build cache is not among them.
    pub layers_bytes: Fact<u64>,
    pub images: Fact<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildKit {
    /// `v0.0.0+unknown` on Debian: decide by capability, never by this.
    pub version: Option<String>,
    /// Named contexts, sub-requests such as lint, history: what the probe found.
    pub capabilities: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    Native,
    DockerDesktop,
    RancherDesktop,
    OrbStack,
    Colima,
    Podman,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcRule {
    pub filters: Vec<String>,
    pub keep_seconds: u64,
    pub reserved_bytes: u64,
    pub max_used_bytes: u64,
    pub min_free_bytes: u64,
    pub all: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    pub name: String,
    /// `docker`, `docker-container`, `kubernetes`, `remote`.
    pub driver: String,
    pub endpoint: String,
    pub is_current: bool,
    /// Days since the last use, when the store knows.
    pub idle_days: Option<u64>,
    /// What is wrong with it, in a fragment: unreadable file, endpoint refuses.
    pub problem: Option<String>,
    /// Where the problem lies, when there is one.
    pub fault: BuilderFault,
}

/// Where the problem of a builder lies, which decides on its cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BuilderFault {
    /// Its file, its endpoint, or the machine behind it: a new builder of the same settings would
    /// be as bad.
    #[default]
    Settings,
    /// Its own container or what that keeps: a new container cures it.
    Container,
    /// Its container is paused, and nothing else.
    Paused,
}

/// One row of the build cache, times in seconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheRecord {
    pub id: String,
    /// `regular`, `source.local`, `source.git.checkout`, `exec.cachemount`, `frontend`, `internal`.
    pub kind: String,
    pub bytes: u64,
    pub in_use: bool,
    /// Shared with an image: pruning it frees nothing.
    pub shared: bool,
    pub mutable: bool,
    pub created: Option<i64>,
    /// Nanoseconds on top of the seconds of `created`.
    pub created_nanos: u32,
    pub last_used: Option<i64>,
    pub usage_count: u64,
    pub description: String,
    /// Ids of the records that it was made on top of; old engines tell one at most.
    pub parents: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    pub name: String,
    pub mtu: Option<u32>,
}
