//! Where the engine is: environment, Docker contexts, the default socket.
//!
//! The order is the Docker client's: `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of
//! `config.json`, then the default socket. `BUILDKIT_HOST` and builders count only for builds.

use std::fs;
use std::path::{Path, PathBuf};

use careen_model::engine::Endpoint;
use serde::Deserialize;

use crate::{EngineError, digest::sha256_hex};

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// An address, who chose it, and the way there.
#[derive(Debug, Clone)]
pub struct Target {
    /// What a person should read; credentials removed.
    pub endpoint: Endpoint,
    pub(crate) route: Route,
}

/// The way to the engine or the builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// A Docker engine behind a unix socket.
    Unix(PathBuf),
    /// A Docker engine behind plain TCP, `host:port`.
    Tcp(String),
    /// BuildKit itself behind a unix socket: no REST, no image store.
    BuildKitUnix(PathBuf),
    /// BuildKit itself behind plain TCP.
    BuildKitTcp(String),
    /// A program whose standard streams are the BuildKit connection.
    Program(Vec<String>),
    /// Configuration names something that we cannot use.
    Nowhere(EngineError),
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Endpoints", default)]
    endpoints: std::collections::HashMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host", default)]
    host: String,
}

/// Finds the engine that the `docker` program would use. Reads files, opens no connection.
///
/// What cannot be used (a context that does not exist, an unknown scheme) is a target too:
/// connecting to it gives the reason.
pub fn resolve(env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Target {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let verify_tls = set("DOCKER_TLS_VERIFY").is_some();
    if let Some(host) = set("DOCKER_HOST") {
        return Target::from_address(&host, "DOCKER_HOST", None, verify_tls);
    }
    let config = config_directory(env, home);
    if let Some(name) = set("DOCKER_CONTEXT") {
        return from_context(&name, "DOCKER_CONTEXT", &config)
            .unwrap_or_else(|| default_socket(&set, "default", Some("default")));
    }
    let current = fs::read_to_string(config.join("config.json"))
        .ok()
        .and_then(|text| serde_json::from_str::<ConfigFile>(&text).ok())
        .map(|file| file.current_context)
        .filter(|name| !name.is_empty());
    current
        .and_then(|name| from_context(&name, "config.json", &config))
        .unwrap_or_else(|| default_socket(&set, "default", None))
}

/// Finds the builder of a build: `builder` or `BUILDX_BUILDER` by name through `docker buildx
/// dial-stdio`, `BUILDKIT_HOST` directly, otherwise the engine itself.
pub fn resolve_builder(
    env: &dyn Fn(&str) -> Option<String>,
    home: &Path,
    builder: Option<&str>,
) -> Target {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let named = builder.map(str::to_owned).or_else(|| set("BUILDX_BUILDER"));
    match (named, set("BUILDKIT_HOST")) {
        (Some(name), _) if name == "default" => resolve(env, home),
        (Some(name), _) => Target::buildx(&name, Path::new("docker")),
        (None, Some(address)) => Target::buildkit(&address),
        (None, None) => resolve(env, home),
    }
}

/// `$DOCKER_CONFIG`, or `~/.docker`.
pub fn config_directory(env: &dyn Fn(&str) -> Option<String>, home: &Path) -> PathBuf {
    match env("DOCKER_CONFIG").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => home.join(".docker"),
    }
}

/// `None` for the built-in context named `default`.
fn from_context(name: &str, chosen_by: &str, config: &Path) -> Option<Target> {
    if name == "default" {
        return None;
    }
    let what = format!("Docker context `{name}`");
    let folder = sha256_hex(name.as_bytes());
    let meta = config.join("contexts/meta").join(&folder).join("meta.json");
    let host = match fs::read_to_string(&meta) {
        Ok(text) => host_of_context(&text),
        Err(err) => Err(match err.kind() {
            std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
            _ => format!("{}: {err}", meta.display()),
        }),
    };
    let has_tls = config.join("contexts/tls").join(&folder).join("docker").is_dir();
    Some(match host {
        Ok(host) => Target::from_address(&host, chosen_by, Some(name), has_tls),
        Err(reason) => {
            let error = EngineError::Misconfigured { what, reason };
            Target::new(name.to_owned(), chosen_by, Some(name), Route::Nowhere(error))
        }
    })
}

/// The engine's address in the text of a context's `meta.json`.
fn host_of_context(text: &str) -> Result<String, String> {
    let meta: ContextMeta = serde_json::from_str(text).map_err(|err| err.to_string())?;
    let host = meta.endpoints.get("docker").map(|endpoint| endpoint.host.clone());
    host.filter(|host| !host.is_empty()).ok_or_else(|| "it names no docker endpoint".to_owned())
}

fn default_socket(
    set: &dyn Fn(&str) -> Option<String>,
    chosen_by: &str,
    context: Option<&str>,
) -> Target {
    let rootless = set("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("docker.sock"));
    let socket = match rootless {
        Some(rootless) if !Path::new(DEFAULT_SOCKET).exists() && rootless.exists() => rootless,
        _ => PathBuf::from(DEFAULT_SOCKET),
    };
    let address = format!("unix://{}", socket.display());
    Target::new(address, chosen_by, context, Route::Unix(socket))
}

impl Target {
    /// A Docker engine at an address such as `unix:///var/run/docker.sock` or `tcp://host:2375`.
    pub fn engine(address: &str) -> Target {
        Target::from_address(address, "argument", None, false)
    }

    /// BuildKit itself, `unix:///run/buildkit/buildkitd.sock` or `tcp://host:1234`, without an
    /// engine around it: builds give archives, never an image in a store.
    pub fn buildkit(address: &str) -> Target {
        let route = if let Some(path) = address.strip_prefix("unix://") {
            Route::BuildKitUnix(PathBuf::from(path))
        } else if let Some(rest) = address.strip_prefix("tcp://") {
            Route::BuildKitTcp(with_port(rest, 1234))
        } else {
            Route::Nowhere(EngineError::Unsupported { what: format!("builder address {address}") })
        };
        Target::new(without_credentials(address), "BUILDKIT_HOST", None, route)
    }

    /// Any builder that buildx knows, through `docker buildx dial-stdio` (buildx 0.13 or later).
    pub fn buildx(builder: &str, docker: &Path) -> Target {
        let docker = docker.display().to_string();
        let argv = [&docker, "buildx", "dial-stdio", "--builder", builder].map(str::to_owned);
        let address = format!("buildx:{builder}");
        Target::new(address, "builder", None, Route::Program(argv.to_vec()))
    }

    /// Whether an engine with a REST interface and an image store is behind the address.
    pub fn is_engine(&self) -> bool {
        matches!(self.route, Route::Unix(_) | Route::Tcp(_))
    }

    fn new(address: String, chosen_by: &str, context: Option<&str>, route: Route) -> Target {
        let is_local = matches!(route, Route::Unix(_) | Route::BuildKitUnix(_));
        let endpoint = Endpoint {
            address,
            chosen_by: chosen_by.to_owned(),
            context: context.map(str::to_owned),
            is_local,
        };
        Target { endpoint, route }
    }

    fn from_address(
        address: &str,
        chosen_by: &str,
        context: Option<&str>,
        has_tls: bool,
    ) -> Target {
        let route = route_of(address, has_tls);
        Target::new(without_credentials(address), chosen_by, context, route)
    }
}

fn route_of(address: &str, has_tls: bool) -> Route {
    let remote = |transport| {
        let address = without_credentials(address);
        Route::Nowhere(EngineError::Remote { address, transport })
    };
    let Some((scheme, rest)) = address.split_once("://") else {
        let what = format!("engine address `{}`", without_credentials(address));
        let reason = "it has no scheme such as unix:// or tcp://".to_owned();
        return Route::Nowhere(EngineError::Misconfigured { what, reason });
    };
    match scheme {
        "unix" => Route::Unix(PathBuf::from(if rest.is_empty() { DEFAULT_SOCKET } else { rest })),
        "tcp" | "http" if has_tls => remote("TLS"),
        "https" => remote("TLS"),
        "tcp" | "http" => Route::Tcp(with_port(rest.trim_end_matches('/'), 2375)),
        "ssh" => remote("ssh"),
        "npipe" => remote("a named pipe"),
        _ => {
            let what = format!("engine addresses of the kind {scheme}://");
            Route::Nowhere(EngineError::Unsupported { what })
        }
    }
}

fn with_port(rest: &str, port: u16) -> String {
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let has_port = host.rsplit_once(':').is_some_and(|(before, port)| {
        port.parse::<u16>().is_ok() && (!before.contains(':') || before.ends_with(']'))
    });
    if has_port { host.to_owned() } else { format!("{host}:{port}") }
}

/// `ssh://me:secret@host` → `ssh://host`.
pub(crate) fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(target: &Target) -> String {
        let Endpoint { address, chosen_by, context, is_local } = &target.endpoint;
        let context = context.as_deref().unwrap_or("-");
        format!("{address} by {chosen_by} context {context} local {is_local} {:?}", target.route)
    }

    fn check(variables: &[(&str, &str)], home: &Path, expected: &str) {
        let env = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned())
        };
        assert_eq!(described(&resolve(&env, home)), expected);
    }

    fn home_with_contexts() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = home.path().join(".docker").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("config.json", r#"{"currentContext": "colima", "auths": {}}"#);
        let meta = |name: &str| format!("contexts/meta/{}/meta.json", sha256_hex(name.as_bytes()));
        let host = |host: &str| {
            format!(
                r#"{{"Name":"x","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
            )
        };
        write(&meta("colima"), &host("unix:///c/docker.sock"));
        write(&meta("far"), &host("tcp://me:pw@far:2376"));
        write(&format!("contexts/tls/{}/docker/ca.pem", sha256_hex(b"far")), "x");
        write(&meta("broken"), "{");
        home
    }

    #[test]
    fn the_order_is_that_of_the_docker_client() {
        let home = home_with_contexts();
        let home = home.path();
        check(
            &[("DOCKER_HOST", "unix:///x.sock"), ("DOCKER_CONTEXT", "far")],
            home,
            "unix:///x.sock by DOCKER_HOST context - local true Unix(\"/x.sock\")",
        );
        check(
            &[],
            home,
            "unix:///c/docker.sock by config.json context colima local true Unix(\"/c/docker.sock\")",
        );
        check(
            &[("DOCKER_CONTEXT", "default")],
            home,
            "unix:///var/run/docker.sock by default context default local true Unix(\"/var/run/docker.sock\")",
        );
        check(
            &[],
            Path::new("/nowhere"),
            "unix:///var/run/docker.sock by default context - local true Unix(\"/var/run/docker.sock\")",
        );
    }

    #[test]
    fn addresses_we_cannot_use_say_why() {
        let home = home_with_contexts();
        let reason = |variables: &[(&str, &str)]| {
            let env = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned())
            };
            let target = resolve(&env, home.path());
            let Route::Nowhere(err) = &target.route else { panic!("{target:?}") };
            format!("{} → {err}", target.endpoint.address)
        };
        let cases: [(&[(&str, &str)], &str); 6] = [
            (
                &[("DOCKER_CONTEXT", "gone")],
                "gone → Docker context `gone` cannot be used: it does not exist",
            ),
            (
                &[("DOCKER_CONTEXT", "broken")],
                "broken → Docker context `broken` cannot be used: EOF while parsing an object at line 1 column 1",
            ),
            (
                &[("DOCKER_CONTEXT", "far")],
                "tcp://far:2376 → tcp://far:2376 needs TLS, which is not supported",
            ),
            (
                &[("DOCKER_HOST", "npipe:////./pipe/docker")],
                "npipe:////./pipe/docker → npipe:////./pipe/docker needs a named pipe, which is not supported",
            ),
            (
                &[("DOCKER_HOST", "ssh://me@far")],
                "ssh://far → ssh://far needs ssh, which is not supported",
            ),
            (
                &[("DOCKER_HOST", "localhost")],
                "localhost → engine address `localhost` cannot be used: it has no scheme such as unix:// or tcp://",
            ),
        ];
        for (variables, expected) in cases {
            assert_eq!(reason(variables), expected);
        }
    }

    #[test]
    fn ports_are_added_where_missing() {
        for (given, expected) in
            [("host", "host:2375"), ("host:1", "host:1"), ("[::1]", "[::1]:2375"), ("u@h:9", "h:9")]
        {
            assert_eq!(with_port(given, 2375), expected);
        }
    }

    #[test]
    fn a_build_may_go_elsewhere_than_the_engine() {
        let env = |name: &str| match name {
            "BUILDKIT_HOST" => Some("unix:///run/b.sock".to_owned()),
            _ => None,
        };
        let route = |builder| resolve_builder(&env, Path::new("/nowhere"), builder).route;
        assert_eq!(route(None), Route::BuildKitUnix("/run/b.sock".into()));
        assert_eq!(route(Some("default")), Route::Unix(DEFAULT_SOCKET.into()));
        let Route::Program(argv) = route(Some("big")) else { panic!() };
        assert_eq!(argv.join(" "), "docker buildx dial-stdio --builder big");
    }
}
