//! The engine's own word on itself, and what follows from it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bollard_buildkit_proto::moby::buildkit::v1::{BuildHistoryRequest, InfoRequest};
use careen_model::engine::{Bridge, BuildKit, CacheRecord, Engine, Flavour};
use careen_model::{Fact, Why};
use serde::Deserialize;

use super::{LIMIT, why};
use crate::cache::Worker;
use crate::connection::within;
use crate::endpoint::without_credentials;
use crate::rest::epoch;
use crate::time::parse_time;
use crate::{Connection, EngineError, Ping, gateway};

/// The doctor has 400 ms for everything.
const LAYERS_LIMIT: Duration = Duration::from_millis(250);

/// Everything that only the engine could tell.
pub(super) struct Asked {
    pub(super) engine: Fact<Engine>,
    pub(super) cache: Fact<Vec<CacheRecord>>,
    pub(super) clock_ahead: Fact<f64>,
    pub(super) bridge: Fact<Bridge>,
    /// The engine wants clients to use BuildKit (`Builder-Version: 2`), when it says so.
    pub(super) prefers_buildkit: Option<bool>,
}

impl Asked {
    pub(super) fn failed(err: &EngineError) -> Asked {
        let why = match err {
            // An address that this client cannot use is no engine, not an engine's weakness.
            EngineError::Unsupported { .. } => Why::NoEngine { error: err.to_string() },
            err => why("the engine", err),
        };
        Asked {
            engine: Fact::Unknown(why.clone()),
            cache: Fact::Unknown(why.clone()),
            clock_ahead: Fact::Unknown(why.clone()),
            bridge: Fact::Unknown(why),
            prefers_buildkit: None,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Told {
    server_version: String,
    operating_system: String,
    kernel_version: String,
    architecture: String,
    docker_root_dir: String,
    driver: String,
    driver_status: Option<Vec<Vec<String>>>,
    security_options: Option<Vec<String>>,
    #[serde(rename = "NCPU")]
    cpus: u64,
    mem_total: u64,
    http_proxy: String,
    https_proxy: String,
    no_proxy: String,
    warnings: Option<Vec<String>>,
    images: Option<u64>,
    name: String,
    system_time: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    options: Option<std::collections::BTreeMap<String, String>>,
}

pub(super) async fn gather(connection: &Connection) -> Asked {
    if !connection.is_engine() {
        return builder_only(connection).await;
    }
    // One cheap question first: a dead engine is found out once, not seven times.
    let ping = match connection.ping_async().await {
        Ok(ping) => ping,
        Err(err) => return Asked::failed(&err),
    };
    let (told, bridge, worker, cache, capabilities, layers) = tokio::join!(
        told(connection),
        bridge(connection),
        connection.worker(LIMIT),
        connection.cache_async(LIMIT),
        capabilities(connection),
        layers(connection),
    );
    let (engine, clock_ahead) = match told {
        Ok((told, ahead)) => {
            let mut engine = engine(&told, &ping, worker, capabilities);
            engine.layers_bytes = layers;
            (Fact::Known(engine), ahead)
        }
        Err(err) => {
            let why = why("the engine's description", &err);
            (Fact::Unknown(why.clone()), Fact::Unknown(why))
        }
    };
    Asked {
        engine,
        cache: cache.map_err(|err| why("the build cache", &err)).into(),
        clock_ahead,
        bridge: bridge.into(),
        prefers_buildkit: Some(ping.builder_version.as_deref() == Some("2")),
    }
}

/// BuildKit without an engine around it knows its cache and nothing else we ask for.
async fn builder_only(connection: &Connection) -> Asked {
    match connection.cache_async(LIMIT).await {
        Err(err) => Asked::failed(&err),
        Ok(records) => {
            let nothing = || Why::NotSupported { what: "engine facts: a bare builder".to_owned() };
            Asked {
                engine: Fact::Unknown(nothing()),
                cache: Fact::Known(records),
                clock_ahead: Fact::Unknown(nothing()),
                bridge: Fact::Unknown(nothing()),
                prefers_buildkit: None,
            }
        }
    }
}

/// `/info`, and by how many seconds its clock is ahead: the engine's time lies somewhere between
/// our question and its answer, so the middle is off by at most half the round trip.
async fn told(connection: &Connection) -> Result<(Told, Fact<f64>), EngineError> {
    let before = epoch(SystemTime::now());
    let told: Told = within(LIMIT, "the engine's /info", connection.get("/info")).await?;
    let after = epoch(SystemTime::now());
    let ahead = match parse_time(&told.system_time) {
        Some(theirs) => Fact::Known(ahead_of(theirs, before, after)),
        None => Fact::Unknown(Why::NotSupported { what: "telling its time".to_owned() }),
    };
    Ok((told, ahead))
}

/// Zero while the engine's time lies between question and answer: no skew can be shown.
fn ahead_of(theirs: f64, before: f64, after: f64) -> f64 {
    if theirs < before {
        theirs - before
    } else if theirs > after {
        theirs - after
    } else {
        0.0
    }
}

/// Engines from API 1.42 on count images alone; older ones walk containers and volumes as well,
/// which took minutes on busy ones (moby#31719), hence the short limit.
async fn layers(connection: &Connection) -> Fact<u64> {
    #[derive(Deserialize)]
    struct Usage {
        #[serde(rename = "LayersSize")]
        layers: u64,
    }
    let asked = connection.get::<Usage>("/system/df?type=image");
    match tokio::time::timeout(LAYERS_LIMIT, asked).await {
        Ok(Ok(usage)) => Fact::Known(usage.layers),
        Ok(Err(err)) => Fact::Unknown(why("the size of its images", &err)),
        Err(_) => Fact::Unknown(Why::TooSlow { what: "the size of the engine's images".into() }),
    }
}

async fn bridge(connection: &Connection) -> Result<Bridge, Why> {
    let network: Network = within(LIMIT, "the engine's bridge", connection.get("/networks/bridge"))
        .await
        .map_err(|err| why("a bridge network", &err))?;
    let options = network.options.unwrap_or_default();
    Ok(Bridge {
        name: options.get("com.docker.network.bridge.name").cloned().unwrap_or_default(),
        mtu: options.get("com.docker.network.driver.mtu").and_then(|mtu| mtu.parse().ok()),
    })
}

/// What answers: `control.…` for calls, the identifiers of the gateway for the rest.
async fn capabilities(connection: &Connection) -> Result<Vec<String>, EngineError> {
    let asked = async {
        let mut client = connection.control().await?;
        let mut other = client.clone();
        let history = BuildHistoryRequest {
            early_exit: true,
            r#ref: "careen-asks-whether-this-exists".to_owned(),
            ..BuildHistoryRequest::default()
        };
        let (info, history, gateway) = tokio::join!(
            client.info(InfoRequest::default()),
            async {
                // A stream may open and only then say that it does not exist.
                let mut stream = other.listen_build_history(history).await?.into_inner();
                stream.message().await
            },
            gateway::capabilities(connection),
        );
        let answers = |code: Option<tonic::Code>| code != Some(tonic::Code::Unimplemented);
        let mut found = gateway?;
        if answers(info.err().map(|err| err.code())) {
            found.push("control.info".to_owned());
        }
        if answers(history.err().map(|err| err.code())) {
            found.push("control.history".to_owned());
        }
        found.sort();
        Ok(found)
    };
    within(LIMIT, "BuildKit's capabilities", asked).await
}

fn engine(
    told: &Told,
    ping: &Ping,
    worker: Result<Worker, EngineError>,
    capabilities: Result<Vec<String>, EngineError>,
) -> Engine {
    let text = |value: &str| (!value.is_empty()).then(|| without_credentials(value));
    let status = told.driver_status.as_deref().unwrap_or_default();
    let security = told.security_options.as_deref().unwrap_or_default();
    let version = worker.as_ref().ok().and_then(|worker| worker.version.clone());
    Engine {
        version: told.server_version.clone(),
        api_version: ping.api_version.clone().unwrap_or_default(),
        flavour: flavour(told, ping),
        operating_system: told.operating_system.clone(),
        kernel: told.kernel_version.clone(),
        architecture: told.architecture.clone(),
        data_root: PathBuf::from(&told.docker_root_dir),
        storage_driver: told.driver.clone(),
        containerd_store: status.iter().flatten().any(|v| v == "io.containerd.snapshotter.v1"),
        cpus: told.cpus,
        memory_bytes: told.mem_total,
        rootless: security.iter().any(|option| option.starts_with("name=rootless")),
        http_proxy: text(&told.http_proxy),
        https_proxy: text(&told.https_proxy),
        no_proxy: text(&told.no_proxy),
        warnings: told.warnings.clone().unwrap_or_default(),
        buildkit: capabilities
            .map(|capabilities| BuildKit { version, capabilities })
            .map_err(|err| why("BuildKit", &err))
            .into(),
        gc_rules: gc_rules(worker),
        layers_bytes: Fact::Unknown(Why::NotAsked),
        images: match told.images {
            Some(count) => Fact::Known(count),
            None => Fact::Unknown(Why::NotSupported { what: "counting images".to_owned() }),
        },
    }
}

/// An engine that does not tell its rules (20.10) is not an engine without rules.
fn gc_rules(worker: Result<Worker, EngineError>) -> Fact<Vec<careen_model::engine::GcRule>> {
    match worker {
        Ok(worker) if worker.rules.is_empty() && worker.version.is_none() => {
            Fact::Unknown(Why::NotSupported { what: "telling its collection rules".to_owned() })
        }
        Ok(worker) => Fact::Known(worker.rules),
        Err(err) => Fact::Unknown(why("collection rules", &err)),
    }
}

fn flavour(told: &Told, ping: &Ping) -> Flavour {
    let system = told.operating_system.as_str();
    if ping.is_podman {
        Flavour::Podman
    } else if system.contains("Docker Desktop") {
        Flavour::DockerDesktop
    } else if system.contains("Rancher Desktop") || told.name.contains("rancher-desktop") {
        Flavour::RancherDesktop
    } else if system.contains("OrbStack") {
        Flavour::OrbStack
    } else if told.name.starts_with("colima") {
        Flavour::Colima
    } else if system.is_empty() {
        Flavour::Other
    } else {
        Flavour::Native
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_is_only_what_the_round_trip_cannot_explain() {
        assert_eq!(ahead_of(10.0, 9.0, 11.0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(ahead_of(15.0, 9.0, 11.0).to_bits(), 4.0_f64.to_bits());
        assert_eq!(ahead_of(5.0, 9.0, 11.0).to_bits(), (-4.0_f64).to_bits());
    }

    #[test]
    fn flavours_go_by_what_the_engine_says() {
        let ping = |is_podman| Ping { api_version: None, builder_version: None, is_podman };
        let told = |operating_system: &str, name: &str| Told {
            operating_system: operating_system.to_owned(),
            name: name.to_owned(),
            ..Told::default()
        };
        let cases = [
            ("Docker Desktop", "docker-desktop", false, Flavour::DockerDesktop),
            ("OrbStack", "orbstack", false, Flavour::OrbStack),
            ("Rancher Desktop WSL Distribution", "x", false, Flavour::RancherDesktop),
            ("Alpine Linux v3.20", "lima-rancher-desktop", false, Flavour::RancherDesktop),
            ("Ubuntu 24.04 LTS", "colima", false, Flavour::Colima),
            ("fedora", "x", true, Flavour::Podman),
            ("Debian GNU/Linux 12 (bookworm)", "vm", false, Flavour::Native),
            ("", "", false, Flavour::Other),
        ];
        for (system, name, is_podman, expected) in cases {
            assert_eq!(flavour(&told(system, name), &ping(is_podman)), expected, "{system}");
        }
    }
}
