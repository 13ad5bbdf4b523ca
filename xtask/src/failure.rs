//! What can go wrong in a chore, in the words of the person who started it.

use std::path::PathBuf;

/// A situation that stops a chore.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("there is no task `{name}`")]
    NoSuchTask { name: String },

    #[error("{problem}")]
    Usage { problem: String, usage: &'static str },

    #[error("`{line}` could not be started: {source}")]
    NotStarted { line: String, source: std::io::Error },

    #[error("`{line}` ended with {status}{tail}")]
    Command { line: String, status: std::process::ExitStatus, tail: String },

    #[error("could not {action} {}: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },

    #[error("{what} is missing on this machine")]
    Missing { what: &'static str, hint: &'static str },

    #[error("{what} needs root on Debian")]
    NeedsRoot { what: &'static str },

    #[error("could not read this machine's Debian package sources: {why}")]
    NoSources { why: String },

    #[error("the folder {} is too long for a socket in it", path.display())]
    PathTooLong { path: PathBuf },

    #[error("no free address range is left for the bridge {bridge}")]
    NoSubnet { bridge: String },

    #[error("the engine did not answer on {} within {seconds} s; the end of its log:\n{log}", socket.display())]
    EngineSilent { socket: PathBuf, seconds: u64, log: String },

    #[error("{count} of the promises above did not hold")]
    Promises { count: usize },

    #[error("`{command}` did not print JSON: {source}")]
    NotJson { command: String, source: serde_json::Error },

    #[error("no engine is reachable")]
    NoEngine,

    #[error("could not talk to the engine at {address}: {source}")]
    Engine { address: String, source: std::io::Error },

    #[error("the engine at {address} answered {status} to {request}: {message}")]
    EngineRefused { address: String, request: String, status: u16, message: String },

    #[error("xtask cannot speak to DOCKER_HOST={value}")]
    Address { value: String },

    #[error("{} exists and is not a grown sample", path.display())]
    NotOurs { path: PathBuf },

    #[error("{count} of the steps above failed: {names}")]
    Steps { count: usize, names: String },

    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// What to do about it, where that is not obvious.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchTask { .. } => Some("`cargo xtask` lists the tasks".to_owned()),
            Self::Usage { usage, .. } => Some(format!("usage: cargo xtask {usage}")),
            Self::Missing { hint, .. } => Some((*hint).to_owned()),
            Self::NotStarted { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("install the program, or run as root on Debian".to_owned())
            }
            Self::NeedsRoot { .. } => Some(
                "start a Docker engine yourself and set DOCKER_HOST, or run this as root"
                    .to_owned(),
            ),
            Self::PathTooLong { .. } => {
                Some("set XDG_CACHE_HOME to a folder with a short path".to_owned())
            }
            Self::NoEngine => Some("`cargo xtask engine up` brings one".to_owned()),
            Self::Engine { .. } => {
                Some("start that engine, or unset DOCKER_HOST to use another".to_owned())
            }
            Self::Address { .. } => Some("unix:// and tcp:// addresses work here".to_owned()),
            Self::NotOurs { .. } => Some("choose another folder with --dir".to_owned()),
            _ => None,
        }
    }

    /// 2 for wrong arguments, 130 for an interruption, otherwise 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoSuchTask { .. } | Self::Usage { .. } => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// For `map_err` on a file operation.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
