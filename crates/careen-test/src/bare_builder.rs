//! Makes an engine look like BuildKit alone: every connection is the engine's gRPC stream.
//!
//! The threads end with the process of the test.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

const UPGRADE: &str =
    "POST /grpc HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

/// Serves the builder of the engine at `engine` on a new socket.
pub fn serve_unix(socket: &Path, engine: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    let engine = engine.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let clones = client
                .try_clone()
                .and_then(|second| client.try_clone().map(|third| [second, third]));
            if let Ok([second, end]) = clones {
                connect(&engine, client, second, move || drop(end.shutdown(Shutdown::Both)));
            }
        }
    });
    Ok(())
}

/// Serves the builder of the engine at `engine` on a free port of this machine, and gives that.
pub fn serve_tcp(engine: &Path) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let engine = engine.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let clones = client
                .try_clone()
                .and_then(|second| client.try_clone().map(|third| [second, third]));
            if let Ok([second, end]) = clones {
                connect(&engine, client, second, move || drop(end.shutdown(Shutdown::Both)));
            }
        }
    });
    Ok(port)
}

/// Upgrades a new connection to the engine and copies both ways; `end` hangs up on the client.
fn connect(
    engine: &Path,
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    end: impl FnOnce() + Send + 'static,
) {
    let Ok((mut server, mut answers)) = upgrade(engine) else { return end() };
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut server);
        // The engine closes its side, and that ends the other thread.
        let _ = server.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut to);
        end();
    });
}

fn upgrade(engine: &Path) -> io::Result<(UnixStream, UnixStream)> {
    let mut server = UnixStream::connect(engine)?;
    server.write_all(UPGRADE.as_bytes())?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        server.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    server.try_clone().map(|second| (server, second))
}
