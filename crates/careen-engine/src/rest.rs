//! The engine's REST interface: one request per connection, over whatever the route is.

use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Either, Empty, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_stream::wrappers::ReceiverStream;

use crate::connection::within;
use crate::{Connection, EngineError, dial};

/// Questions that only read the engine's memory. Measured under 60 ms on both test engines.
pub(crate) const QUICK: Duration = Duration::from_secs(2);
/// Questions for which the engine has to look at its disk.
pub(crate) const PATIENT: Duration = Duration::from_mins(1);
/// An answer that is read into memory may have at most this many bytes.
const LARGEST_ANSWER: usize = 64 << 20;
/// Size of the pieces in which archives are sent.
const PIECE: usize = 256 << 10;

type Upload = StreamBody<ReceiverStream<Result<Frame<Bytes>, std::io::Error>>>;
pub(crate) type Body = Either<Either<Empty<Bytes>, Full<Bytes>>, Upload>;

/// What `/_ping` told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Newest API version the engine speaks, such as `1.51`.
    pub api_version: Option<String>,
    /// `2` when the engine would rather be asked for BuildKit; absent on old engines.
    pub builder_version: Option<String>,
    /// Whether Podman answers in the engine's place.
    pub is_podman: bool,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// The engine's own sentence in an error body, or the body itself.
pub(crate) fn message_of(body: &[u8]) -> String {
    match serde_json::from_slice::<Message>(body) {
        Ok(message) => message.message,
        Err(_) => String::from_utf8_lossy(body).trim().chars().take(500).collect(),
    }
}

pub(crate) fn empty() -> Body {
    Either::Left(Either::Left(Empty::new()))
}

pub(crate) fn json(value: &serde_json::Value) -> Body {
    Either::Left(Either::Right(Full::new(Bytes::from(value.to_string()))))
}

/// Percent-encodes a query value or a path segment. Slashes stay: image names contain them.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

impl Connection {
    /// The cheapest question there is. Answers or fails in at most 2 s.
    pub fn ping(&self) -> Result<Ping, EngineError> {
        self.block_on(self.ping_async())
    }

    pub(crate) async fn ping_async(&self) -> Result<Ping, EngineError> {
        within(QUICK, "the engine", async {
            let response = self.send(Method::GET, "/_ping", empty()).await?;
            let header = |name: &str| {
                response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
            };
            Ok(Ping {
                api_version: header("api-version"),
                builder_version: header("builder-version"),
                is_podman: header("libpod-api-version").is_some(),
            })
        })
        .await
    }

    /// Sends a request and gives the answer once its head is here and says success.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Response<Incoming>, EngineError> {
        if !self.is_engine() && !matches!(self.route(), crate::endpoint::Route::Nowhere(_)) {
            let what = format!("{method} {path}: this is a builder without an engine");
            return Err(EngineError::Unsupported { what });
        }
        let stream = dial::raw(self.route()).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(EngineError::broken)?;
        tokio::spawn(connection.with_upgrades());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "docker")
            .header("content-type", "application/json")
            .body(body)
            .map_err(EngineError::broken)?;
        let response = sender.send_request(request).await.map_err(EngineError::broken)?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let body = read_all(response).await.unwrap_or_default();
        Err(EngineError::Refused { status: status.as_u16(), message: message_of(&body) })
    }

    /// Asks and reads the whole JSON answer, all of it within `limit`.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Body,
        limit: Duration,
    ) -> Result<T, EngineError> {
        let name = path.split('?').next().unwrap_or(path);
        within(limit, &format!("the engine's {name}"), async {
            let response = self.send(method, path, body).await?;
            let bytes = read_all(response).await?;
            serde_json::from_slice(&bytes)
                .map_err(|err| EngineError::broken(format!("{name}: {err}")))
        })
        .await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, EngineError> {
        self.ask(Method::GET, path, empty(), QUICK).await
    }

    /// Sends a request whose answer does not matter beyond success.
    pub(crate) async fn tell(
        &self,
        method: Method,
        path: &str,
        body: Body,
        limit: Duration,
    ) -> Result<(), EngineError> {
        let name = path.split('?').next().unwrap_or(path);
        within(limit, &format!("the engine's {name}"), async {
            let response = self.send(method, path, body).await?;
            read_all(response).await.map(drop)
        })
        .await
    }

    /// Copies the body of an answer into `sink`; gives the number of bytes.
    pub(crate) async fn download(
        &self,
        path: &str,
        sink: &mut dyn Write,
    ) -> Result<u64, EngineError> {
        let head = self.send(Method::GET, path, empty());
        let mut body = within(PATIENT, &format!("the engine's {path}"), head).await?.into_body();
        let mut total = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(EngineError::broken)?;
            let Some(bytes) = frame.data_ref() else { continue };
            sink.write_all(bytes).map_err(|err| EngineError::local("the archive", err))?;
            total += bytes.len() as u64;
        }
        Ok(total)
    }

    /// Sends everything that `source` gives as the body of a POST; gives the answer's body.
    pub(crate) async fn upload(
        &self,
        path: &str,
        source: Box<dyn Read + Send>,
    ) -> Result<Vec<u8>, EngineError> {
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        let reading = tokio::task::spawn_blocking(move || pump(source, &sender));
        let body = Either::Right(StreamBody::new(ReceiverStream::new(receiver)));
        let response = self.send(Method::POST, path, body).await?;
        let answer = read_all(response).await?;
        match reading.await {
            Ok(Ok(())) => Ok(answer),
            Ok(Err(err)) => Err(EngineError::local("the archive", err)),
            Err(err) => Err(EngineError::local("the archive", err)),
        }
    }
}

fn pump(
    mut source: Box<dyn Read + Send>,
    sender: &tokio::sync::mpsc::Sender<Result<Frame<Bytes>, std::io::Error>>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                let piece = Bytes::copy_from_slice(&buffer[..n]);
                if sender.blocking_send(Ok(Frame::data(piece))).is_err() {
                    // The engine has heard enough; its answer says why.
                    return Ok(());
                }
            }
            Err(err) if err.kind() == std::io::ErrorKind::Interrupted => {}
            Err(err) => {
                let told = std::io::Error::new(err.kind(), err.to_string());
                let _ = sender.blocking_send(Err(told));
                return Err(err);
            }
        }
    }
}

pub(crate) async fn read_all(response: Response<Incoming>) -> Result<Vec<u8>, EngineError> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(EngineError::broken)?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
        if bytes.len() > LARGEST_ANSWER {
            return Err(EngineError::broken("the answer is over 64 MiB"));
        }
    }
    Ok(bytes)
}

/// Seconds since the Unix epoch.
pub(crate) fn epoch(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_query() {
        assert_eq!(encoded("reg:5000/a/b:1 2&x=é"), "reg:5000/a/b:1%202%26x%3D%C3%A9");
    }

    #[test]
    fn the_engines_sentence_is_taken_out_of_its_json() {
        assert_eq!(message_of(br#"{"message":"no such image"}"#), "no such image");
        assert_eq!(message_of(b"plain\n"), "plain");
    }
}
