//! One command in an image of the store, in a container that is removed afterwards.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::command::{Channel, Exec, ExecOutput, RootFs};
use crate::connection::within;
use crate::rest::{PATIENT, empty, encoded, json as body};
use crate::{CancelToken, Connection, EngineError, dial};

/// A process that forks without end must not take the machine with it.
const MOST_PROCESSES: u64 = 4096;
/// After a kill the engine needs a moment to close the streams.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// Label with the time at which the container's careen has surely ended with it.
const OVER: &str = "careen.over";
/// A container outlives its limit by so long at most, unless its careen was killed.
const SLACK: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Waited {
    status_code: i64,
}

/// Runs a command in an image: no network, no entry point, killed at its limit, container removed
/// whatever happens.
pub fn run_in_image(
    connection: &Connection,
    image: &str,
    exec: &Exec,
    cancel: &CancelToken,
) -> Result<ExecOutput, EngineError> {
    connection.block_on(async {
        let started = Instant::now();
        let id = create(connection, image, exec).await?;
        let result = tokio::select! {
            result = run(connection, &id, exec, started) => result,
            () = cancel.cancelled() => Err(EngineError::Cancelled),
        };
        let path = format!("/containers/{id}?force=1&v=1");
        let removed = connection.tell(Method::DELETE, &path, empty(), PATIENT).await;
        let output = result?;
        removed.map(|()| output)
    })
}

/// Removes containers that a careen left behind when it was killed; returns how many.
///
/// Only those whose time is over: until then another careen may be at work in them.
pub fn remove_leftovers(connection: &Connection) -> Result<usize, EngineError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Left {
        id: String,
        labels: HashMap<String, String>,
    }
    connection.block_on(async {
        let filters = encoded(r#"{"label":["careen=test"]}"#);
        let list = format!("/containers/json?all=1&filters={filters}");
        let left: Vec<Left> = connection.ask(Method::GET, &list, empty(), PATIENT).await?;
        let now = now();
        let is_over = |left: &&Left| {
            left.labels.get(OVER).and_then(|at| at.parse::<u64>().ok()).is_some_and(|at| at < now)
        };
        let mut removed = 0;
        for left in left.iter().filter(is_over) {
            let path = format!("/containers/{}?force=1&v=1", encoded(&left.id));
            match connection.tell(Method::DELETE, &path, empty(), PATIENT).await {
                // Another careen was quicker.
                Err(EngineError::Refused { status: 404 | 409, .. }) => (),
                result => {
                    result?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn over_at(exec: &Exec) -> u64 {
    now().saturating_add(exec.limit.saturating_add(SLACK).as_secs())
}

async fn create(connection: &Connection, image: &str, exec: &Exec) -> Result<String, EngineError> {
    let mut container = json!({
        "Image": image,
        "Entrypoint": exec.argv,
        "Cmd": [],
        "Env": exec.env,
        "AttachStdout": true,
        "AttachStderr": true,
        "NetworkDisabled": true,
        "Labels": { "careen": "test", OVER: over_at(exec).to_string() },
        "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": exec.root == RootFs::ReadOnly,
            "PidsLimit": MOST_PROCESSES,
            "LogConfig": { "Type": "none" },
        },
    });
    if let Some(user) = &exec.user {
        container["User"] = json!(user);
    }
    if let Some(folder) = &exec.working_dir {
        container["WorkingDir"] = json!(folder);
    }
    let created: Created =
        connection.ask(Method::POST, "/containers/create", body(&container), PATIENT).await?;
    Ok(encoded(&created.id))
}

async fn run(
    connection: &Connection,
    id: &str,
    exec: &Exec,
    started: Instant,
) -> Result<ExecOutput, EngineError> {
    let mut output = ExecOutput::default();
    // Attached before the start: nothing that it prints is lost.
    let mut stream = attach(connection, id).await?;
    let start = format!("/containers/{id}/start");
    connection.tell(Method::POST, &start, empty(), PATIENT).await?;
    let left = exec.limit.saturating_sub(started.elapsed());
    let collected = tokio::time::timeout(left, collect(&mut stream, &mut output)).await;
    if let Ok(result) = collected {
        result?;
    } else {
        output.timed_out = true;
        kill(connection, id).await?;
        let rest = collect(&mut stream, &mut output);
        let _ = tokio::time::timeout(AFTER_KILL, rest).await;
    }
    let wait = format!("/containers/{id}/wait");
    let waited: Waited = connection.ask(Method::POST, &wait, empty(), PATIENT).await?;
    output.code = i32::try_from(waited.status_code).ok().filter(|_| !output.timed_out);
    output.took = started.elapsed();
    Ok(output)
}

async fn kill(connection: &Connection, id: &str) -> Result<(), EngineError> {
    let path = format!("/containers/{id}/kill");
    match connection.tell(Method::POST, &path, empty(), PATIENT).await {
        // It ended by itself in the same moment.
        Err(EngineError::Refused { status: 409, .. }) => Ok(()),
        result => result,
    }
}

/// The container's output streams, over a connection that changes from HTTP to raw frames.
async fn attach(
    connection: &Connection,
    id: &str,
) -> Result<impl AsyncRead + Unpin + use<>, EngineError> {
    within(PATIENT, "attaching to the container", async {
        let stream = dial::raw(connection.route()).await?;
        let (mut sender, http) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(EngineError::broken)?;
        tokio::spawn(http.with_upgrades());
        let request = Request::post(format!("/containers/{id}/attach?stream=1&stdout=1&stderr=1"))
            .header("host", "docker")
            .header("connection", "Upgrade")
            .header("upgrade", "tcp")
            .body(empty())
            .map_err(EngineError::broken)?;
        let response = sender.send_request(request).await.map_err(EngineError::broken)?;
        if response.status().as_u16() != 101 {
            let status = response.status().as_u16();
            let bytes = crate::rest::read_all(response).await.unwrap_or_default();
            return Err(EngineError::Refused { status, message: crate::rest::message_of(&bytes) });
        }
        hyper::upgrade::on(response).await.map(TokioIo::new).map_err(EngineError::broken)
    })
    .await
}

/// Reads frames of eight bytes of head (stream, three zeros, length) and data, to the end.
async fn collect(
    stream: &mut (impl AsyncRead + Unpin),
    output: &mut ExecOutput,
) -> Result<(), EngineError> {
    let mut buffer = vec![0; 32 << 10];
    loop {
        let mut head = [0_u8; 8];
        match stream.read_exact(&mut head).await {
            Ok(_) => {}
            Err(err) if err.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(err) => return Err(EngineError::broken(err)),
        }
        let channel = if head[0] == 2 { Channel::Err } else { Channel::Out };
        let mut left = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        while left > 0 {
            let room = left.min(buffer.len());
            let n = stream.read(&mut buffer[..room]).await.map_err(EngineError::broken)?;
            if n == 0 {
                return Err(EngineError::broken("the output ended within a frame"));
            }
            output.take(channel, &buffer[..n]);
            left -= n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_apart() {
        let bytes: &[u8] = &[1, 0, 0, 0, 0, 0, 0, 2, b'h', b'i', 2, 0, 0, 0, 0, 0, 0, 1, b'!'];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut output = ExecOutput::default();
        let mut rest = bytes;
        runtime.block_on(collect(&mut rest, &mut output)).unwrap();
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"hi"[..], &b"!"[..]));
        let mut cut = &bytes[..9];
        assert!(runtime.block_on(collect(&mut cut, &mut output)).is_err());
    }
}
