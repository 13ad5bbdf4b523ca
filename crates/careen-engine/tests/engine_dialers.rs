//! The other ways to a builder: BuildKit itself behind a socket, and `docker buildx dial-stdio`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use careen_engine::{
    BuildRequest, CancelToken, Connection, EngineError, Exec, Output, Target, open_result,
};
use support::{Files, on_each_engine, request, run, unique};

/// Makes an engine look like BuildKit alone: every connection is the engine's gRPC stream.
fn serve_bare(socket: &Path, engine: &str) {
    let listener = UnixListener::bind(socket).unwrap();
    let engine = engine.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(mut server) = UnixStream::connect(&engine) else { return };
            let head =
                "POST /grpc HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
            server.write_all(head.as_bytes()).unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                server.read_exact(&mut byte).unwrap();
                answer.push(byte[0]);
            }
            let pairs = [(&client, &server), (&server, &client)];
            for (from, to) in pairs {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || io::copy(&mut from, &mut to));
            }
        }
    });
}

/// What must work wherever only the gRPC channel is at hand.
fn check(builder: &Connection) {
    let request = BuildRequest { output: Output::None, ..request("bare") };
    let files = Files::new("FROM scratch\nCOPY a /\nCOPY b /\n").with("context", "a", "a").with(
        "context",
        "b",
        &unique(),
    );
    let first = run(builder, &request, &files);
    first.result.unwrap();
    assert_eq!(first.record.context().unwrap().entries, 2);
    let again = run(builder, &request, &files);
    again.result.unwrap();
    assert_eq!(again.record.run_and_cached(), (0, 2), "{:#?}", again.record.steps);
    assert!(!builder.cache_records().unwrap().is_empty());
    assert!(matches!(builder.ping(), Err(EngineError::Unsupported { .. })));
    let mut store = request.clone();
    store.output = Output::Store;
    let err = run(builder, &store, &files).result.unwrap_err();
    assert!(matches!(err, EngineError::Unsupported { .. }), "{err:?}");

    let cancel = CancelToken::new();
    let result = open_result(builder, &request, Arc::new(files), &mut |_| {}, &cancel).unwrap();
    let nothing = Exec::new(["/nothing"], Duration::from_secs(20));
    assert!(result.exec(&nothing, &cancel).is_err(), "there is no program in it");
}

#[test]
fn an_engine_as_bare_buildkit_builds() {
    on_each_engine(|_, socket| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("buildkitd.sock");
        serve_bare(&path, socket);
        let target = Target::buildkit(&format!("unix://{}", path.display()));
        check(&Connection::open(&target).unwrap());
    });
}

#[test]
fn an_engine_behind_dial_stdio_builds() {
    let has_buildx = Command::new("docker").args(["buildx", "version"]).output();
    if !has_buildx.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no docker program with buildx");
        return;
    }
    on_each_engine(|_, socket| {
        let folder = tempfile::tempdir().unwrap();
        let docker = folder.path().join("docker");
        let script = format!("#!/bin/sh\nDOCKER_HOST=unix://{socket} exec docker \"$@\"\n");
        fs::write(&docker, script).unwrap();
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
        check(&Connection::open(&Target::buildx("default", &docker)).unwrap());
    });
}

#[test]
fn a_builder_program_that_fails_is_reported() {
    let missing = Connection::open(&Target::buildx("x", Path::new("/no/such/docker")));
    assert!(matches!(missing, Err(EngineError::Unsupported { .. })), "{missing:?}");
    let failing = Connection::open(&Target::buildx("x", Path::new("false")));
    assert!(matches!(failing, Err(EngineError::Broken { .. })), "{failing:?}");
}
