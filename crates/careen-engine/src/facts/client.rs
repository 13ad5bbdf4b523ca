//! The `docker` program: where it is, and which builder its plain `build` really runs.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use careen_model::engine::{Client, ClientBuilder};
use careen_model::{Fact, Why};
use serde::Deserialize;

/// `docker --version` takes 20 to 60 ms here; a wrapper script that hangs must not hang us.
const LIMIT: Duration = Duration::from_millis(1500);

/// Where the Docker client looks for plugins beside its configuration (docker/cli
/// `cli-plugins/manager/manager_unix.go`).
const SYSTEM_FOLDERS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/// The client as found on this machine, before the engine has had its say.
pub(super) struct Found {
    path: PathBuf,
    version: Fact<String>,
    buildx: Option<PathBuf>,
    /// Value of `DOCKER_BUILDKIT`.
    buildkit: Option<String>,
    /// `docker builder` is an alias for buildx (`docker buildx install` on old clients).
    is_alias: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ConfigFile {
    #[serde(rename = "cliPluginsExtraDirs")]
    extra: Vec<PathBuf>,
    aliases: std::collections::BTreeMap<String, String>,
}

pub(super) fn gather(
    env: &(dyn Fn(&str) -> Option<String> + Sync),
    config: &Path,
) -> Result<Found, Why> {
    let path =
        program(env).ok_or_else(|| Why::NotOnThisSystem { what: "docker program".into() })?;
    let file = std::fs::read_to_string(config.join("config.json"))
        .ok()
        .and_then(|text| serde_json::from_str::<ConfigFile>(&text).ok())
        .unwrap_or_default();
    Ok(Found {
        version: ask_version(&path),
        path,
        buildx: buildx(config, &file.extra),
        buildkit: env("DOCKER_BUILDKIT").filter(|value| !value.is_empty()),
        is_alias: file.aliases.get("builder").is_some_and(|alias| alias == "buildx"),
    })
}

impl Found {
    /// `prefers_buildkit`: the engine answered `Builder-Version: 2`; `None` when none answered.
    pub(super) fn judged(self, prefers_buildkit: Option<bool>) -> Client {
        let major = self.version.known().and_then(|v| v.split('.').next()?.parse().ok());
        let builder = builder(&Question {
            major,
            has_buildx: self.buildx.is_some(),
            is_alias: self.is_alias,
            buildkit: self.buildkit.as_deref().and_then(parse_bool),
            prefers_buildkit: prefers_buildkit.unwrap_or(false),
        });
        Client { path: self.path, version: self.version, buildx: self.buildx, builder }
    }
}

struct Question {
    major: Option<u32>,
    has_buildx: bool,
    is_alias: bool,
    buildkit: Option<bool>,
    prefers_buildkit: bool,
}

/// What `docker build` runs (docker/cli `cmd/docker/builder.go` since 23.0, and
/// `cli/command/image/build.go` of 20.10 before).
fn builder(question: &Question) -> ClientBuilder {
    let is_new = question.major.is_none_or(|major| major >= 23);
    match (is_new, question.buildkit, question.has_buildx) {
        (_, Some(false), _) | (true, None, false) => ClientBuilder::Classic,
        (true, _, true) => ClientBuilder::Buildx,
        (true, Some(true), false) => ClientBuilder::Broken,
        (false, _, true) if question.is_alias => ClientBuilder::Buildx,
        (false, Some(true), _) => ClientBuilder::BuiltInBuildKit,
        (false, None, _) if question.prefers_buildkit => ClientBuilder::BuiltInBuildKit,
        (false, None, _) => ClientBuilder::Classic,
    }
}

/// Go's `strconv.ParseBool`; the client refuses anything else.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn program(env: &(dyn Fn(&str) -> Option<String> + Sync)) -> Option<PathBuf> {
    let path = env("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("docker")).find(|file| is_program(file))
}

fn buildx(config: &Path, extra: &[PathBuf]) -> Option<PathBuf> {
    let own = [config.join("cli-plugins")];
    let folders = own.into_iter().chain(extra.iter().cloned());
    let folders = folders.chain(SYSTEM_FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join("docker-buildx")).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// `docker --version` says it without asking the engine, unlike `docker version`.
fn ask_version(docker: &Path) -> Fact<String> {
    let what = || format!("`{} --version`", docker.display());
    match run(docker) {
        Ok(Some(text)) => match version_in(&text) {
            Some(version) => Fact::Known(version),
            None => Fact::Unknown(Why::Unreadable {
                what: what(),
                error: "it gives no version".to_owned(),
            }),
        },
        Ok(None) => Fact::Unknown(Why::TooSlow { what: what() }),
        Err(err) => Fact::Unknown(Why::Unreadable { what: what(), error: err.to_string() }),
    }
}

fn run(docker: &Path) -> std::io::Result<Option<String>> {
    let mut child = Command::new(docker)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut output = child.stdout.take().expect("piped above");
    let (sender, receiver) = std::sync::mpsc::channel();
    // Left behind when the program hangs: it ends with the program, which is killed below.
    std::thread::spawn(move || {
        let mut text = String::new();
        let result = output.by_ref().take(4096).read_to_string(&mut text).map(|_| text);
        let _ = sender.send(result);
    });
    let started = Instant::now();
    let text = receiver.recv_timeout(LIMIT);
    if text.is_err() || started.elapsed() >= LIMIT {
        let _ = child.kill();
    }
    let _ = child.wait();
    text.ok().transpose()
}

/// `Docker version 28.2.2, build e6534b4` → `28.2.2`.
fn version_in(text: &str) -> Option<String> {
    let rest = text.split("version ").nth(1)?;
    let version: String = rest.chars().take_while(|c| !c.is_whitespace() && *c != ',').collect();
    (!version.is_empty()).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_build_runs_what_the_client_would_run() {
        let cases = [
            // (major, buildx, alias, DOCKER_BUILDKIT, engine prefers BuildKit)
            ((Some(28), true, false, None, true), ClientBuilder::Buildx),
            ((Some(28), false, false, None, true), ClientBuilder::Classic),
            ((Some(28), false, false, Some(true), true), ClientBuilder::Broken),
            ((Some(28), true, false, Some(false), true), ClientBuilder::Classic),
            ((Some(20), false, false, None, false), ClientBuilder::Classic),
            ((Some(20), false, false, None, true), ClientBuilder::BuiltInBuildKit),
            ((Some(20), true, false, Some(true), false), ClientBuilder::BuiltInBuildKit),
            ((Some(20), true, true, None, false), ClientBuilder::Buildx),
            ((None, true, false, None, false), ClientBuilder::Buildx),
        ];
        for ((major, has_buildx, is_alias, buildkit, prefers_buildkit), expected) in cases {
            let question = Question { major, has_buildx, is_alias, buildkit, prefers_buildkit };
            assert_eq!(builder(&question), expected, "{major:?} {has_buildx} {buildkit:?}");
        }
    }

    #[test]
    fn versions_are_read_as_printed() {
        let cases = [
            ("Docker version 28.2.2, build e6534b4\n", Some("28.2.2")),
            ("Docker version 20.10.24+dfsg1, build 297e128\n", Some("20.10.24+dfsg1")),
            ("podman version 4.3.1\n", Some("4.3.1")),
            ("hello\n", None),
        ];
        for (text, expected) in cases {
            assert_eq!(version_in(text).as_deref(), expected);
        }
    }
}
