//! Raw connections: sockets, programs that speak on their standard streams, HTTP upgrades.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::EngineError;
use crate::endpoint::Route;

/// How long we wait for an engine to accept and greet. A healthy local one takes under 5 ms
/// (measured); buildx waits 20 s for a dead one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// `docker buildx dial-stdio` starts two processes and may start a builder first.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(10);
/// A sane HTTP head is below this; more is not an engine.
const LONGEST_HEAD: usize = 16 * 1024;

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A two-way byte stream, whatever it runs over.
pub(crate) struct Pipe(Box<dyn Duplex>);

impl Pipe {
    pub(crate) fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Pipe {
        Pipe(Box::new(stream))
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl tonic::transport::server::Connected for Pipe {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

/// A fresh connection to whatever is at the end of the route, nothing sent yet.
pub(crate) async fn raw(route: &Route) -> Result<Pipe, EngineError> {
    match route {
        Route::Unix(path) | Route::BuildKitUnix(path) => unix(path).await,
        Route::Tcp(address) | Route::BuildKitTcp(address) => tcp(address).await,
        Route::Program(argv) => program(argv),
        Route::Nowhere(err) => Err(err.clone()),
    }
}

/// The connection on which BuildKit speaks gRPC.
pub(crate) async fn buildkit(route: &Route) -> Result<Pipe, EngineError> {
    match route {
        Route::Unix(_) | Route::Tcp(_) => upgrade(route, "/grpc", &[]).await,
        _ => raw(route).await,
    }
}

/// How long opening the route may take.
pub(crate) fn patience(route: &Route) -> Duration {
    match route {
        Route::Program(_) => PROGRAM_PATIENCE,
        _ => PATIENCE,
    }
}

async fn unix(path: &Path) -> Result<Pipe, EngineError> {
    let name = path.display().to_string();
    match timeout(PATIENCE, UnixStream::connect(path)).await {
        Ok(Ok(stream)) => Ok(Pipe::new(stream)),
        Ok(Err(err)) => Err(EngineError::connecting(&name, &err)),
        Err(_) => Err(EngineError::Silent { what: name, limit: PATIENCE }),
    }
}

async fn tcp(address: &str) -> Result<Pipe, EngineError> {
    match timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => {
            // Small requests must not wait for an acknowledgement that is 40 ms away.
            let _ = stream.set_nodelay(true);
            Ok(Pipe::new(stream))
        }
        // A host name that does not resolve has no kind of its own.
        Ok(Err(err)) if err.raw_os_error().is_none() => {
            Err(EngineError::Absent { socket: format!("{address} ({err})") })
        }
        Ok(Err(err)) => Err(EngineError::connecting(address, &err)),
        Err(_) => Err(EngineError::Silent { what: address.to_owned(), limit: PATIENCE }),
    }
}

fn program(argv: &[String]) -> Result<Pipe, EngineError> {
    let (name, rest) = argv.split_first().expect("a program route has a program");
    let mut child = tokio::process::Command::new(name)
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|err| match err.kind() {
            io::ErrorKind::NotFound => EngineError::Unsupported {
                what: format!("builders behind `{name}`: no such program"),
            },
            _ => EngineError::local(name, err),
        })?;
    let input = child.stdin.take().expect("piped above");
    let output = child.stdout.take().expect("piped above");
    // The program ends when its input is closed; somebody has to take its exit status.
    tokio::spawn(async move { child.wait().await });
    Ok(Pipe::new(tokio::io::join(output, input)))
}

/// An HTTP/1.1 `Upgrade: h2c` request; what follows the 101 answer is the raw stream.
pub(crate) async fn upgrade(
    route: &Route,
    path: &str,
    headers: &[(&str, String)],
) -> Result<Pipe, EngineError> {
    let exchange = async {
        let mut stream = BufReader::new(raw(route).await?);
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n"
        );
        for (name, value) in headers {
            request.push_str(name);
            request.push_str(": ");
            request.push_str(value);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(EngineError::broken)?;
        stream.flush().await.map_err(EngineError::broken)?;
        let head = read_head(&mut stream).await?;
        if status_of(&head) == Some(101) {
            // The reader keeps what came after the head, and passes writes through.
            return Ok(Pipe::new(stream));
        }
        let body = timeout(Duration::from_millis(300), read_body(&mut stream)).await;
        Err(refusal(path, &head, &body.unwrap_or_default()))
    };
    match timeout(PATIENCE, exchange).await {
        Ok(result) => result,
        Err(_) => {
            Err(EngineError::Silent { what: format!("the engine's {path}"), limit: PATIENCE })
        }
    }
}

async fn read_head(stream: &mut BufReader<Pipe>) -> Result<String, EngineError> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let n = stream.read_until(b'\n', &mut head).await.map_err(EngineError::broken)?;
        if n == 0 {
            return Err(EngineError::broken("it was closed during the greeting"));
        }
        if head.len() > LONGEST_HEAD {
            return Err(EngineError::broken("the greeting is not HTTP"));
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn read_body(stream: &mut BufReader<Pipe>) -> Vec<u8> {
    stream.fill_buf().await.map(<[u8]>::to_vec).unwrap_or_default()
}

fn status_of(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

/// What an answer other than "101 Switching Protocols" means.
fn refusal(path: &str, head: &str, body: &[u8]) -> EngineError {
    match status_of(head) {
        Some(404) => {
            EngineError::Unsupported { what: format!("BuildKit: this engine has no {path}") }
        }
        Some(status) => EngineError::Refused { status, message: crate::rest::message_of(body) },
        None => EngineError::broken("the answer is not HTTP"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_upgrade_are_told_apart() {
        let cases = [
            (
                "HTTP/1.1 404 Not Found\r\n\r\n",
                "",
                "not supported: BuildKit: this engine has no /grpc",
            ),
            (
                "HTTP/1.1 403 Forbidden\r\n\r\n",
                r#"{"message":"by policy"}"#,
                "the engine refused (403): by policy",
            ),
            ("SSH-2.0-x", "", "the connection to the engine broke: the answer is not HTTP"),
        ];
        for (head, body, expected) in cases {
            assert_eq!(refusal("/grpc", head, body.as_bytes()).to_string(), expected);
        }
    }
}
