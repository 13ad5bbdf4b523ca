//! The few requests that chores send to an engine, over its Unix or TCP socket.
//!
//! HTTP/1.0 on purpose: the engine then answers without chunks and closes the connection.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::failure::Failure;

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(PathBuf),
    Tcp(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(place) => write!(f, "tcp://{place}"),
        }
    }
}

/// What an engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) version: String,
    pub(crate) driver: String,
}

/// An answer whose body is still to be read.
struct Answer {
    status: u16,
    body: BufReader<Box<dyn Read>>,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Address {
    /// Reads a value of `DOCKER_HOST`.
    pub(crate) fn parse(value: &str) -> Result<Self, Failure> {
        match value.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(PathBuf::from(path))),
            Some(("tcp", place)) if env::var_os("DOCKER_TLS_VERIFY").is_none() => {
                Ok(Self::Tcp(place.trim_end_matches('/').to_owned()))
            }
            _ => Err(Failure::Address { value: value.to_owned() }),
        }
    }

    /// The engine that a Docker client would use here: `DOCKER_HOST`, else a default socket.
    pub(crate) fn reachable() -> Result<Option<(Self, About)>, Failure> {
        if let Some(value) = env::var("DOCKER_HOST").ok().filter(|value| !value.is_empty()) {
            let address = Self::parse(&value)?;
            let about = address.about()?;
            return Ok(Some((address, about)));
        }
        let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default();
        let sockets = [
            PathBuf::from("/var/run/docker.sock"),
            runtime.join("docker.sock"),
            home.join(".docker/run/docker.sock"),
            home.join(".docker/desktop/docker.sock"),
        ];
        let mut candidates = sockets.into_iter().filter(|path| path.is_absolute()).map(Self::Unix);
        Ok(candidates.find_map(|a| a.about().ok().map(|about| (a, about))))
    }

    /// Version and storage driver; an error when nobody answers.
    pub(crate) fn about(&self) -> Result<About, Failure> {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or("unknown").to_owned();
        let info = self.get("/info")?;
        Ok(About { version: text(&info, "ServerVersion"), driver: text(&info, "Driver") })
    }

    /// The labels of an image; none when the engine does not have it.
    pub(crate) fn image_labels(&self, name: &str) -> Result<Option<Value>, Failure> {
        let path = format!("/images/{name}/json");
        match self.get(&path) {
            Ok(image) => Ok(Some(image["Config"]["Labels"].clone())),
            Err(Failure::EngineRefused { status: 404, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What the engine tells of an image.
    pub(crate) fn image(&self, name: &str) -> Result<Value, Failure> {
        self.get(&format!("/images/{name}/json"))
    }

    /// Pulls an image; gives up when the engine is silent for `patience`.
    pub(crate) fn pull(&self, name: &str, tag: &str, patience: Duration) -> Result<(), Failure> {
        let path = format!("/images/create?fromImage={name}&tag={tag}");
        self.follow(&path, self.send("POST", &path, None, Some(patience))?)
    }

    /// Imports a tarball of a file tree; `changes` are Dockerfile instructions.
    pub(crate) fn import(
        &self,
        name: &str,
        tag: &str,
        changes: &[String],
        tarball: File,
    ) -> Result<(), Failure> {
        let mut path = format!("/images/create?fromSrc=-&repo={name}&tag={tag}");
        for change in changes {
            path.push_str("&changes=");
            path.push_str(&percent_encode(change));
        }
        self.follow(&path, self.send("POST", &path, Some(tarball), None)?)
    }

    fn get(&self, path: &str) -> Result<Value, Failure> {
        let mut answer = self.send("GET", path, None, Some(Duration::from_secs(10)))?;
        let mut text = String::new();
        answer.body.read_to_string(&mut text).map_err(|err| self.broken(err))?;
        if answer.status != 200 {
            return Err(self.refused(&format!("GET {path}"), answer.status, &text));
        }
        serde_json::from_str(&text).map_err(|err| self.broken(io::Error::other(err)))
    }

    /// Reads a stream of progress lines to its end; an `error` in it is the result.
    fn follow(&self, path: &str, answer: Answer) -> Result<(), Failure> {
        let request = format!("POST {}", path.split("&changes").next().unwrap_or(path));
        if answer.status != 200 {
            let mut text = String::new();
            let _ = BufReader::new(answer.body).read_to_string(&mut text);
            return Err(self.refused(&request, answer.status, &text));
        }
        for line in answer.body.lines() {
            let line = line.map_err(|err| self.broken(err))?;
            let Ok(progress) = serde_json::from_str::<Value>(&line) else { continue };
            if let Some(message) = progress["error"].as_str() {
                return Err(self.refused(&request, answer.status, message));
            }
        }
        Ok(())
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<File>,
        patience: Option<Duration>,
    ) -> Result<Answer, Failure> {
        self.exchange(method, path, body, patience).map_err(|err| self.broken(err))
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<File>,
        patience: Option<Duration>,
    ) -> io::Result<Answer> {
        let mut stream: Box<dyn Stream> = match self {
            Self::Unix(socket) => {
                let stream = UnixStream::connect(socket)?;
                stream.set_read_timeout(patience)?;
                Box::new(stream)
            }
            Self::Tcp(place) => {
                let stream = TcpStream::connect(place)?;
                stream.set_read_timeout(patience)?;
                Box::new(stream)
            }
        };
        let length = body.as_ref().map_or(Ok(0), |file| file.metadata().map(|m| m.len()))?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: engine\r\nContent-Type: application/x-tar\r\n\
             Content-Length: {length}\r\n\r\n"
        )?;
        if let Some(mut file) = body {
            io::copy(&mut file, &mut stream)?;
        }
        stream.flush()?;
        let reader: Box<dyn Read> = Box::new(ReadHalf(stream));
        let mut body = BufReader::new(reader);
        let status = read_head(&mut body)?;
        Ok(Answer { status, body })
    }

    fn broken(&self, source: io::Error) -> Failure {
        let silent = matches!(source.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        let source = if silent {
            io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
        } else {
            source
        };
        Failure::Engine { address: self.to_string(), source }
    }

    fn refused(&self, request: &str, status: u16, text: &str) -> Failure {
        let parsed = serde_json::from_str::<Value>(text).ok();
        let message = parsed.as_ref().and_then(|value| value["message"].as_str()).unwrap_or(text);
        Failure::EngineRefused {
            address: self.to_string(),
            request: request.to_owned(),
            status,
            message: message.trim().to_owned(),
        }
    }
}

struct ReadHalf(Box<dyn Stream>);

impl Read for ReadHalf {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Reads status line and headers, up to the body.
fn read_head(reader: &mut impl BufRead) -> io::Result<u16> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    let Some(status) = status else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("odd answer {line:?}")));
    };
    loop {
        line.clear();
        let end = reader.read_line(&mut line)? == 0;
        if end || line.trim().is_empty() {
            return Ok(status);
        }
    }
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).expect("four bits are one digit").to_ascii_uppercase()
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.extend(['%', hex(byte >> 4), hex(byte & 15)]),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unix_or_tcp() {
        let check = |value: &str, expected: Option<&str>| {
            let found = Address::parse(value).ok().map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{value}");
        };
        check("unix:///run/x.sock", Some("unix:///run/x.sock"));
        check("tcp://127.0.0.1:2375/", Some("tcp://127.0.0.1:2375"));
        check("unix://run/x.sock", None);
        check("ssh://host", None);
        check("", None);
    }

    #[test]
    fn the_body_begins_after_the_empty_line() {
        let mut reader = io::Cursor::new(b"HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n{}".to_vec());
        assert_eq!(read_head(&mut reader).unwrap(), 404);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "{}");
        assert!(read_head(&mut io::Cursor::new(b"SSH-2.0\r\n".to_vec())).is_err());
    }

    #[test]
    fn changes_survive_the_query_string() {
        assert_eq!(percent_encode("ENV A=b c&d"), "ENV%20A%3Db%20c%26d");
    }
}
