//! The one error of this crate: each variant is a situation a person can be in.
//!
//! "No engine", "no permission" and "the engine said no" are different situations with different
//! cures, so they are never folded into one text.

use std::io;
use std::time::Duration;

/// Why a question to the engine, or a build, has no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nothing listens where we look.
    #[error("no engine answers at {socket}")]
    Absent { socket: String },
    /// The socket exists and we may not use it.
    #[error("no permission to use {socket}")]
    Denied { socket: String },
    /// The engine answered, with a refusal. `status` is an HTTP status, or a gRPC code below 100.
    #[error("the engine refused ({status}): {message}")]
    Refused { status: u16, message: String },
    /// The connection opened and did not answer in our time.
    #[error("{what} did not answer within {} s", limit.as_secs_f32())]
    Silent { what: String, limit: Duration },
    /// The connection ended in the middle, or what came is not what this protocol says.
    #[error("the connection to the engine broke: {message}")]
    Broken { message: String },
    /// This engine, or this client, cannot do what was asked.
    #[error("not supported: {what}")]
    Unsupported { what: String },
    /// The engine is behind a transport that this client does not speak.
    #[error("{address} needs {transport}, which is not supported")]
    Remote { address: String, transport: &'static str },
    /// A name that configuration points to does not exist or cannot be read.
    #[error("{what} cannot be used: {reason}")]
    Misconfigured { what: String, reason: String },
    /// A file of the context cannot be sent. The engine would have stored it empty.
    #[error("the context cannot be sent: {message}")]
    Context { message: String },
    /// A file on our side could not be written or read.
    #[error("{what}: {reason}")]
    Local { what: String, reason: String },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The build ran and failed.
    #[error("{}", .0.message)]
    BuildFailed(Box<BuildFailure>),
}

/// What the engine told about a failed build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildFailure {
    /// The engine's own text, secrets removed.
    pub message: String,
    /// The step that failed, when the engine or its events name one.
    pub step: Option<String>,
    /// Exit code of the command that failed.
    pub exit_code: Option<i32>,
    /// Where in the Dockerfile, first and last line, counted from 1.
    pub lines: Option<(u32, u32)>,
}

impl EngineError {
    /// What to do about it, or `None` when the message says all there is.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            EngineError::Absent { .. } => Some(
                "start the engine (`systemctl start docker`, or Docker Desktop), or set DOCKER_HOST to where it listens",
            ),
            EngineError::Denied { .. } => Some(
                "add yourself to the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), or run as that user",
            ),
            EngineError::Silent { .. } => Some(
                "the engine is hung or the address is wrong: look at its log (`journalctl -u docker`), then restart it",
            ),
            EngineError::Broken { .. } => {
                Some("the engine may have been stopped: see whether it runs, then try again")
            }
            EngineError::Remote { .. } => Some(
                "forward its socket (`ssh -NL /tmp/docker.sock:/var/run/docker.sock HOST`) and set DOCKER_HOST=unix:///tmp/docker.sock",
            ),
            EngineError::Misconfigured { .. } => {
                Some("`docker context ls` and `docker buildx ls` list what exists")
            }
            EngineError::Context { .. } => Some(
                "make the file readable, rename it, or list it in .dockerignore; Docker would store an unreadable file empty without saying so",
            ),
            EngineError::Refused { .. }
            | EngineError::Unsupported { .. }
            | EngineError::Local { .. }
            | EngineError::Cancelled
            | EngineError::BuildFailed(_) => None,
        }
    }

    /// Whether no engine could be reached at all, as against one that answered badly.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            EngineError::Absent { .. }
                | EngineError::Denied { .. }
                | EngineError::Silent { .. }
                | EngineError::Misconfigured { .. }
                | EngineError::Remote { .. }
        )
    }

    /// The situation behind a failed connection attempt.
    pub(crate) fn connecting(socket: &str, err: &io::Error) -> EngineError {
        let socket = socket.to_owned();
        match err.kind() {
            io::ErrorKind::PermissionDenied => EngineError::Denied { socket },
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable => EngineError::Absent { socket },
            io::ErrorKind::TimedOut => {
                EngineError::Silent { what: socket, limit: crate::dial::PATIENCE }
            }
            _ => EngineError::Broken { message: format!("{socket}: {err}") },
        }
    }

    pub(crate) fn broken(err: impl std::fmt::Display) -> EngineError {
        EngineError::Broken { message: err.to_string() }
    }

    pub(crate) fn local(what: impl std::fmt::Display, err: impl std::fmt::Display) -> EngineError {
        EngineError::Local { what: what.to_string(), reason: err.to_string() }
    }

    /// A gRPC status outside of a build.
    pub(crate) fn status(status: &tonic::Status) -> EngineError {
        use tonic::Code;
        let message = status.message().to_owned();
        // The transport reports a connection that could not be opened or broke through the
        // status's source; the dialer's own error is at the end of that chain.
        if let Some(err) = dialed(status) {
            return err;
        }
        // A cause of its own: the transport's words, not an answer of the engine.
        if std::error::Error::source(status).is_some() {
            return EngineError::Broken { message: last_cause(status) };
        }
        match status.code() {
            Code::Unimplemented => EngineError::Unsupported { what: message },
            Code::Cancelled => EngineError::Cancelled,
            Code::Unavailable => EngineError::Broken { message },
            code => {
                EngineError::Refused { status: u16::try_from(code as i32).unwrap_or(2), message }
            }
        }
    }
}

/// The dialer's error at the bottom of a transport error, if that is what happened.
fn dialed(err: &(dyn std::error::Error + 'static)) -> Option<EngineError> {
    let mut next = err.source();
    while let Some(err) = next {
        if let Some(own) = err.downcast_ref::<EngineError>() {
            return Some(own.clone());
        }
        next = err.source();
    }
    None
}

/// A transport error while opening a channel.
pub(crate) fn transport(err: &tonic::transport::Error) -> EngineError {
    dialed(err).unwrap_or_else(|| EngineError::Broken { message: last_cause(err) })
}

/// The words at the end of a chain of causes; those before it say "transport error".
fn last_cause(err: &(dyn std::error::Error + 'static)) -> String {
    let mut last = err;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_connections_are_told_apart() {
        let cases = [
            (io::ErrorKind::NotFound, "no engine answers at /s"),
            (io::ErrorKind::ConnectionRefused, "no engine answers at /s"),
            (io::ErrorKind::PermissionDenied, "no permission to use /s"),
            (io::ErrorKind::TimedOut, "/s did not answer within 2 s"),
            (io::ErrorKind::BrokenPipe, "the connection to the engine broke: /s: broken pipe"),
        ];
        for (kind, text) in cases {
            assert_eq!(EngineError::connecting("/s", &io::Error::from(kind)).to_string(), text);
        }
    }
}
