//! The other clients on this machine: every `docker`, and buildx where there is one.

use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};

use crate::engine;
use crate::failure::Failure;
use crate::process::Call;

/// From this major version on `docker build` hands over to buildx and, where that is missing, is
/// not BuildKit at all (docker/cli `cmd/docker/builder.go`).
const BUILDX_SINCE: u32 = 23;

/// One way to build that is not careen.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) name: String,
    program: PathBuf,
    words: &'static [&'static str],
    config: Option<PathBuf>,
}

/// What there is to be compared with, and a sentence for each that cannot be.
pub(super) fn find() -> Result<(Vec<Peer>, Vec<String>), Failure> {
    let mut peers = Vec::new();
    let mut left_out = Vec::new();
    let kit = engine::modern_client()?;
    let mut seen = HashSet::new();
    for program in programs() {
        let call = Call::new(&program).args(["version", "--format", "{{.Client.Version}}"]);
        // It exits with 1 where no engine answers, after it has told its own version.
        let Ok(output) = call.into_command().output() else { continue };
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if version.is_empty() || !seen.insert(version.clone()) {
            continue;
        }
        let buildx = [None, kit.clone()].into_iter().find_map(|config| {
            let call = with(Call::new(&program), config.as_deref()).args(["buildx", "version"]);
            let answer = call.read().ok()?;
            Some((config, answer.split_whitespace().nth(1).unwrap_or("of no version").to_owned()))
        });
        let major = version.split('.').next().and_then(|word| word.parse::<u32>().ok());
        let is_old = major.is_some_and(|major| major < BUILDX_SINCE);
        if is_old || buildx.is_some() {
            let config = buildx.as_ref().and_then(|(config, _)| config.clone());
            let name = format!("docker build {version}");
            peers.push(Peer { name, program: program.clone(), words: &["build"], config });
        } else {
            left_out.push(format!(
                "{} is {version} without buildx: its `docker build` is the classic builder",
                program.display()
            ));
        }
        if let Some((config, found)) = buildx {
            let name = format!("docker {version} with buildx {found}");
            let words = &["buildx", "build", "--load"];
            peers.push(Peer { name, program, words, config });
        }
    }
    Ok((peers, left_out))
}

impl Peer {
    /// The command that builds `context` on the engine's own builder.
    pub(super) fn build(&self, engine: &str, dockerfile: &Path, context: &Path, tag: &str) -> Call {
        let call = with(Call::new(&self.program), self.config.as_deref());
        call.env("DOCKER_HOST", engine)
            .env("DOCKER_BUILDKIT", "1")
            .env("BUILDX_BUILDER", "default")
            .args(self.words)
            .args(["--tag", tag, "--file"])
            .arg(dockerfile)
            .arg(context)
    }
}

fn with(call: Call, config: Option<&Path>) -> Call {
    match config {
        Some(folder) => call.env("DOCKER_CONFIG", folder),
        None => call,
    }
}

/// Every `docker` on the PATH, in its order.
fn programs() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = env::split_paths(&path).map(|folder| folder.join("docker"));
    all.filter(|program| program.is_file()).collect()
}
