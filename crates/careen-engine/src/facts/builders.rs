//! The builders of the buildx store, read from its files and tried with a quick connection.
//!
//! One unreadable file there breaks every buildx command (seen with buildx 0.29); here it is a
//! problem of that one builder.

use std::fs;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use careen_model::Why;
use careen_model::engine::{Builder, Endpoint};
use serde::Deserialize;

use crate::endpoint::without_credentials;

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
    endpoint: Option<String>,
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
) -> Result<Vec<Builder>, Why> {
    let store = match env("BUILDX_CONFIG").filter(|value| !value.is_empty()) {
        Some(folder) => folder.into(),
        None => config.join("buildx"),
    };
    let current = current(env, &store, engine);
    let built_in = engine.context.clone().unwrap_or_else(|| "default".to_owned());
    let mut builders = vec![Builder {
        is_current: current.as_ref().is_none_or(|name| *name == built_in),
        name: built_in,
        driver: "docker".to_owned(),
        endpoint: engine.address.clone(),
        idle_days: None,
        problem: None,
    }];
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
        let asked: Vec<_> =
            names.iter().map(|name| (name, scope.spawn(|| stored(&store, name, now)))).collect();
        let answers = asked.into_iter().map(|(name, thread)| {
            thread.join().unwrap_or_else(|_| broken(name, "the probe stopped".to_owned()))
        });
        answers.collect::<Vec<_>>()
    });
    for mut builder in stored {
        builder.is_current = current.as_ref() == Some(&builder.name);
        builders.push(builder);
    }
    if !builders.iter().any(|builder| builder.is_current) {
        // `current` names a removed builder: buildx falls back without a word.
        builders[0].is_current = true;
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

fn stored(store: &Path, name: &str, now: SystemTime) -> Builder {
    let path = store.join("instances").join(name);
    let instance = fs::read_to_string(&path)
        .map_err(|err| err.to_string())
        .and_then(|text| serde_json::from_str::<Instance>(&text).map_err(|err| err.to_string()));
    let mut builder = match instance {
        Ok(instance) => builder(instance),
        Err(error) => broken(name, format!("its file {} cannot be read: {error}", path.display())),
    };
    builder.idle_days = idle_days(&store.join("activity").join(name), now);
    builder
}

fn broken(name: &str, problem: String) -> Builder {
    Builder {
        name: name.to_owned(),
        driver: String::new(),
        endpoint: String::new(),
        is_current: false,
        idle_days: None,
        problem: Some(problem),
    }
}

fn builder(instance: Instance) -> Builder {
    let nodes = instance.nodes.unwrap_or_default();
    let endpoints: Vec<_> = nodes.into_iter().filter_map(|node| node.endpoint).collect();
    let problem = match endpoints.first() {
        None => Some("it has no node".to_owned()),
        Some(_) => endpoints.iter().find_map(|endpoint| unreachable(endpoint)),
    };
    let shown: Vec<_> = endpoints.iter().map(|endpoint| without_credentials(endpoint)).collect();
    Builder {
        name: instance.name,
        driver: instance.driver.unwrap_or_default(),
        endpoint: shown.join(", "),
        is_current: false,
        idle_days: None,
        problem,
    }
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
        for b in builders {
            use std::fmt::Write;
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
        assert_eq!((builders[0].name.as_str(), builders[0].is_current), ("desktop-linux", true));
    }
}
