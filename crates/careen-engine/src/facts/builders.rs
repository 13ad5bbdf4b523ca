//! The builders of the buildx store, read from its files and tried with a quick connection.
//!
//! One unreadable file there breaks every buildx command (seen with buildx 0.29); here it is a
//! problem of that one builder.

use std::fs;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use careen_model::Why;
use careen_model::engine::{Builder, BuilderFault, Endpoint};
use serde::Deserialize;

use crate::buildx::buildx_store;
use crate::endpoint::without_credentials;
use crate::rest::{encoded, epoch};
use crate::time::parse_time;
use crate::{Connection, EngineError};

/// buildx waits 20 s for a dead endpoint.
const QUICK: Duration = Duration::from_millis(200);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    name: String,
    driver: Option<String>,
    nodes: Option<Vec<Node>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    #[serde(default)]
    name: String,
    endpoint: Option<String>,
}

/// A builder as the store tells of it.
pub(super) struct Stored {
    pub(super) builder: Builder,
    /// Its containers on the engine that we ask.
    containers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    state: State,
    #[serde(default)]
    restart_count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    status: String,
    #[serde(default)]
    exit_code: i64,
    #[serde(default)]
    started_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Current {
    #[serde(default)]
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    global: bool,
}

/// The built-in builder of the engine first, then those of the store by name.
pub(super) fn gather(
    env: &(dyn Fn(&str) -> Option<String> + Sync),
    config: &Path,
    engine: &Endpoint,
    now: SystemTime,
) -> Result<Vec<Stored>, Why> {
    let store = buildx_store(env, config);
    let current = current(env, &store, engine);
    let built_in = engine.context.clone().unwrap_or_else(|| "default".to_owned());
    let own = Builder {
        is_current: current.as_ref().is_none_or(|name| *name == built_in),
        name: built_in,
        driver: "docker".to_owned(),
        endpoint: engine.address.clone(),
        idle_days: None,
        problem: None,
        fault: BuilderFault::default(),
    };
    let mut builders = vec![Stored { builder: own, containers: vec![] }];
    let entries = match fs::read_dir(store.join("instances")) {
        Ok(entries) => entries,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(builders),
        Err(err) if err.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Why::Denied { what: store.display().to_string() });
        }
        Err(err) => {
            let what = store.display().to_string();
            return Err(Why::Unreadable { what, error: err.to_string() });
        }
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    // Dead endpoints wait side by side, not one after the other.
    let stored = std::thread::scope(|scope| {
        let asked: Vec<_> = names
            .iter()
            .map(|name| (name, scope.spawn(|| read(&store, name, engine, now))))
            .collect();
        let answers = asked.into_iter().map(|(name, thread)| {
            thread.join().unwrap_or_else(|_| broken(name, "the probe stopped".to_owned()))
        });
        answers.collect::<Vec<_>>()
    });
    for mut one in stored {
        one.builder.is_current = current.as_ref() == Some(&one.builder.name);
        builders.push(one);
    }
    if !builders.iter().any(|one| one.builder.is_current) {
        // `current` names a removed builder: buildx falls back without a word.
        builders[0].builder.is_current = true;
    }
    Ok(builders)
}

/// The name that buildx would use, `None` for the engine's own.
fn current(
    env: &(dyn Fn(&str) -> Option<String> + Sync),
    store: &Path,
    engine: &Endpoint,
) -> Option<String> {
    if let Some(name) = env("BUILDX_BUILDER").filter(|value| !value.is_empty()) {
        return Some(name);
    }
    let text = fs::read_to_string(store.join("current")).ok()?;
    let current: Current = serde_json::from_str(&text).ok()?;
    let is_ours = current.global
        || current.key == engine.address
        || engine.context.as_ref() == Some(&current.key);
    (is_ours && !current.name.is_empty()).then_some(current.name)
}

/// Asks the engine for the containers of builders that look well in the store.
pub(super) async fn look(
    connection: &Connection,
    stored: Vec<Stored>,
    now: SystemTime,
) -> Vec<Builder> {
    let mut builders = Vec::new();
    for Stored { mut builder, containers } in stored {
        for name in &containers {
            if builder.problem.is_some() {
                break;
            }
            let path = format!("/containers/{}/json", encoded(name));
            match connection.get::<Container>(&path).await {
                Ok(container) => {
                    if let Some((problem, fault)) = trouble(&container, now) {
                        (builder.problem, builder.fault) = (Some(problem), fault);
                    }
                }
                // The next build makes it.
                Err(EngineError::Refused { status: 404, .. }) => {}
                Err(err) => {
                    builder.problem = Some(format!("the engine tells nothing of {name}: {err}"));
                }
            }
        }
        builders.push(builder);
    }
    builders
}

/// What is wrong with a container in this state. One that was stopped or killed is started again
/// by the next build (seen with buildx 0.29).
fn trouble(container: &Container, now: SystemTime) -> Option<(String, BuilderFault)> {
    let state = &container.state;
    let again = "its container starts and ends again and again";
    match state.status.as_str() {
        "paused" => Some(("its container is paused".to_owned(), BuilderFault::Paused)),
        "restarting" => {
            let problem = format!("{again}, with code {}", state.exit_code);
            Some((problem, BuilderFault::Container))
        }
        // Between two ends it runs for a moment.
        "running" if container.restart_count > 0 && just_started(state, now) => {
            let problem = format!("{again}, {} times so far", container.restart_count);
            Some((problem, BuilderFault::Container))
        }
        "dead" => {
            let problem = "its container is dead: the engine could not remove it".to_owned();
            Some((problem, BuilderFault::Container))
        }
        _ => None,
    }
}

/// A container that has run for this long is not restarted at once any more (moby
/// `restartmanager/restartmanager.go`).
const SETTLED: f64 = 10.0;

fn just_started(state: &State, now: SystemTime) -> bool {
    parse_time(&state.started_at).is_some_and(|at| epoch(now) - at < SETTLED)
}

fn read(store: &Path, name: &str, engine: &Endpoint, now: SystemTime) -> Stored {
    let path = store.join("instances").join(name);
    let instance = fs::read_to_string(&path)
        .map_err(|err| err.to_string())
        .and_then(|text| serde_json::from_str::<Instance>(&text).map_err(|err| err.to_string()));
    let mut stored = match instance {
        Ok(instance) => builder(instance, engine),
        Err(error) => broken(name, format!("its file {} cannot be read: {error}", path.display())),
    };
    stored.builder.idle_days = idle_days(&store.join("activity").join(name), now);
    stored
}

fn broken(name: &str, problem: String) -> Stored {
    let builder = Builder {
        name: name.to_owned(),
        driver: String::new(),
        endpoint: String::new(),
        is_current: false,
        idle_days: None,
        problem: Some(problem),
        fault: BuilderFault::Settings,
    };
    Stored { builder, containers: vec![] }
}

fn builder(instance: Instance, engine: &Endpoint) -> Stored {
    let nodes = instance.nodes.unwrap_or_default();
    let driver = instance.driver.unwrap_or_default();
    let own = engine.context.as_deref().unwrap_or("default");
    let containers = nodes.iter().filter(|node| {
        let endpoint = node.endpoint.as_deref();
        let is_here = endpoint == Some(own) || endpoint == Some(&engine.address);
        is_here && driver == "docker-container"
    });
    // So buildx names them (buildx `driver/manager.go`, `builder/node.go`).
    let containers = containers.map(|node| format!("buildx_buildkit_{}", node.name)).collect();
    let endpoints: Vec<_> = nodes.into_iter().filter_map(|node| node.endpoint).collect();
    let problem = match endpoints.first() {
        None => Some("it has no node".to_owned()),
        Some(_) => endpoints.iter().find_map(|endpoint| unreachable(endpoint)),
    };
    let shown: Vec<_> = endpoints.iter().map(|endpoint| without_credentials(endpoint)).collect();
    let builder = Builder {
        name: instance.name,
        driver,
        endpoint: shown.join(", "),
        is_current: false,
        idle_days: None,
        problem,
        fault: BuilderFault::Settings,
    };
    Stored { builder, containers }
}

/// Whether an endpoint that is an address refuses a connection. Context names are not tried:
/// the doctor speaks of that engine itself.
fn unreachable(endpoint: &str) -> Option<String> {
    if let Some(path) = endpoint.strip_prefix("unix://") {
        let err = std::os::unix::net::UnixStream::connect(path).err()?;
        return Some(format!("nothing answers at {path}: {err}"));
    }
    let address = endpoint.strip_prefix("tcp://")?;
    let address = address.rsplit_once('@').map_or(address, |(_, host)| host);
    // Only literal addresses: resolving a name may use the network for seconds.
    let address = address.parse::<std::net::SocketAddr>().ok().or_else(|| {
        let host = address.strip_prefix("localhost:")?;
        ("127.0.0.1", host.parse().ok()?).to_socket_addrs().ok()?.next()
    })?;
    let err = std::net::TcpStream::connect_timeout(&address, QUICK).err()?;
    Some(format!("nothing answers at {address}: {err}"))
}

/// buildx rewrites the file at each use, so its time is the last use.
fn idle_days(activity: &Path, now: SystemTime) -> Option<u64> {
    let used = activity.metadata().ok()?.modified().ok()?;
    Some(now.duration_since(used).unwrap_or_default().as_secs() / 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_damaged_store_still_lists_every_builder() {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join("buildx");
        let write = |path: &str, text: &str| {
            let path = store.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("current", r#"{"Key":"unix:///e.sock","Name":"big","Global":false}"#);
        write("instances/bad", "garbage");
        write(
            "instances/big",
            r#"{"Name":"big","Driver":"docker-container","Nodes":[{"Name":"big0","Endpoint":"default"}],"Dynamic":false}"#,
        );
        write(
            "instances/dead",
            r#"{"Name":"dead","Driver":"remote","Nodes":[{"Name":"d0","Endpoint":"unix:///nowhere/b.sock"}]}"#,
        );
        write("instances/void", r#"{"Name":"void","Driver":"remote","Nodes":null}"#);
        write("activity/big", "2026-11-01T00:00:00Z");
        let used = store.join("activity/big").metadata().unwrap().modified().unwrap();
        let now = used + Duration::from_secs(3 * 86_400 + 5);
        let engine = Endpoint {
            address: "unix:///e.sock".into(),
            chosen_by: "default".into(),
            context: None,
            is_local: true,
        };
        let builders = gather(&|_| None, home.path(), &engine, now).unwrap();
        let mut text = String::new();
        for stored in builders {
            use std::fmt::Write;
            let b = stored.builder;
            let problem = b.problem.as_deref().unwrap_or("-");
            writeln!(
                text,
                "{}|{}|{}|{}|{:?}|{problem}",
                b.name, b.driver, b.endpoint, b.is_current, b.idle_days
            )
            .unwrap();
        }
        let text = text.replace(store.to_str().unwrap(), "STORE");
        expect![[r"
            default|docker|unix:///e.sock|false|None|-
            bad|||false|None|its file STORE/instances/bad cannot be read: expected value at line 1 column 1
            big|docker-container|default|true|Some(3)|-
            dead|remote|unix:///nowhere/b.sock|false|None|nothing answers at /nowhere/b.sock: No such file or directory (os error 2)
            void|remote||false|None|it has no node
        "]]
        .assert_eq(&text);
    }

    #[test]
    fn containers_in_trouble_are_told_from_those_that_the_next_build_starts() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_008);
        let check = |json: &str, expected: Option<(&str, BuilderFault)>| {
            let container: Container = serde_json::from_str(json).unwrap();
            let found = trouble(&container, now);
            let found = found.as_ref().map(|(problem, fault)| (problem.as_str(), *fault));
            assert_eq!(found, expected, "{json}");
        };
        for status in ["running", "exited", "created", "removing"] {
            check(&format!(r#"{{"State":{{"Status":"{status}","ExitCode":137}}}}"#), None);
        }
        check(
            r#"{"State":{"Status":"paused"}}"#,
            Some(("its container is paused", BuilderFault::Paused)),
        );
        check(
            r#"{"State":{"Status":"restarting","ExitCode":2},"RestartCount":9}"#,
            Some((
                "its container starts and ends again and again, with code 2",
                BuilderFault::Container,
            )),
        );
        let running = |started: &str| {
            format!(
                r#"{{"State":{{"Status":"running","StartedAt":"{started}"}},"RestartCount":4}}"#
            )
        };
        check(
            &running("2023-11-14T22:13:21.5Z"),
            Some((
                "its container starts and ends again and again, 4 times so far",
                BuilderFault::Container,
            )),
        );
        check(&running("2023-11-14T22:00:00Z"), None);
    }

    #[test]
    fn no_store_means_the_engines_own_builder() {
        let engine = Endpoint {
            address: "unix:///e.sock".into(),
            chosen_by: "x".into(),
            context: Some("desktop-linux".into()),
            is_local: true,
        };
        let home = tempfile::tempdir().unwrap();
        let builders = gather(&|_| None, home.path(), &engine, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(builders.len(), 1);
        let own = &builders[0].builder;
        assert_eq!((own.name.as_str(), own.is_current), ("desktop-linux", true));
    }
}
