//! The other ways to a builder: BuildKit itself behind a socket, and `docker buildx dial-stdio`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use careen_engine::{
    BuildRequest, CancelToken, Connection, EngineError, Exec, Output, Target, open_result,
    recreate_steps,
};
use careen_model::BuilderCache;
use careen_test::bare_builder::{serve_tcp, serve_unix};
use support::{Files, on_each_engine, request, run, unique};

/// What must work wherever only the gRPC channel is at hand.
fn check(builder: &Connection) {
    // Own content: builds of one file at the same moment share steps, and each tells both.
    let own = unique();
    let request = BuildRequest { output: Output::None, ..request("bare") };
    let files = Files::new("FROM scratch\nCOPY a /\nCOPY b /\n").with("context", "a", &own).with(
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
        serve_unix(&path, Path::new(socket)).unwrap();
        let target = Target::buildkit(&format!("unix://{}", path.display()));
        check(&Connection::open(&target).unwrap());
    });
}

/// The `docker` with buildx of `CAREEN_CLIENT`, a folder with `bin` and the configuration `cli`;
/// else the one of this machine.
fn docker() -> Option<Command> {
    let client = std::env::var_os("CAREEN_CLIENT").map(PathBuf::from);
    let docker = || match &client {
        Some(folder) => {
            let mut docker = Command::new(folder.join("bin/docker"));
            docker.env("DOCKER_CONFIG", folder.join("cli"));
            docker
        }
        None => Command::new("docker"),
    };
    let has_buildx = docker().args(["buildx", "version"]).output();
    if has_buildx.is_ok_and(|output| output.status.success()) {
        return Some(docker());
    }
    eprintln!("skipped: there is no docker program with buildx");
    None
}

/// A script that runs that `docker` for one engine with a store of builders of its own.
fn docker_script(folder: &Path, engine: &str) -> Option<PathBuf> {
    let docker = docker()?;
    let config =
        docker.get_envs().find_map(|(name, value)| value.filter(|_| name == "DOCKER_CONFIG"));
    let config = config.map_or(String::new(), |path| format!("DOCKER_CONFIG={}", path.display()));
    let script = format!(
        "#!/bin/sh\nexec env DOCKER_HOST=unix://{engine} BUILDX_CONFIG={} {config} {} \"$@\"\n",
        folder.join("buildx").display(),
        docker.get_program().display(),
    );
    let path = folder.join("docker");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Some(path)
}

#[test]
fn an_engine_behind_dial_stdio_builds() {
    on_each_engine(|_, socket| {
        let folder = tempfile::tempdir().unwrap();
        let Some(docker) = docker_script(folder.path(), socket) else { return };
        check(&Connection::open(&Target::buildx("default", &docker)).unwrap());
    });
}

#[test]
fn an_engine_behind_a_remote_builder_builds_also_when_that_is_made_again() {
    on_each_engine(|_, socket| {
        let folder = tempfile::tempdir().unwrap();
        let Some(docker) = docker_script(folder.path(), socket) else { return };
        let buildx = |words: &[&str]| {
            let output = Command::new(&docker).arg("buildx").args(words).output().unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
            text(&output.stdout)
        };
        let endpoint = format!("tcp://127.0.0.1:{}", serve_tcp(Path::new(socket)).unwrap());
        buildx(&["create", "--name", "far", "--driver", "remote", &endpoint]);
        let store = folder.path().join("buildx");
        let before = fs::read(store.join("instances/far")).unwrap();
        let steps = recreate_steps(&store, "far", BuilderCache::Kept).unwrap();
        for step in &steps {
            assert_eq!(step[..2], ["docker", "buildx"]);
            let words: Vec<&str> = step[2..].iter().map(String::as_str).collect();
            buildx(&words);
        }
        assert_eq!(fs::read(store.join("instances/far")).unwrap(), before);
        assert!(buildx(&["ls"]).contains(&endpoint));
        check(&Connection::open(&Target::buildx("far", &docker)).unwrap());
    });
}

#[test]
fn a_builder_program_that_fails_is_reported() {
    let missing = Connection::open(&Target::buildx("x", Path::new("/no/such/docker")));
    assert!(matches!(missing, Err(EngineError::Unsupported { .. })), "{missing:?}");
    let failing = Connection::open(&Target::buildx("x", Path::new("false")));
    assert!(matches!(failing, Err(EngineError::Broken { .. })), "{failing:?}");
}
