//! The build script as shell tools see it.

#![expect(clippy::print_stdout, reason = "a test says what it could not do")]

use std::fs;
use std::path::Path;
use std::process::Command;

use careen_check::generate::cases::{Gpu, infer};
use careen_check::generate::script::{ScriptRequest, build_script};
use careen_model::facts::project::Python;
use careen_model::{Fact, ProjectFacts, Why};

/// The script of a project that uses everything a script can hold.
fn script() -> String {
    let python = Python {
        dependencies: ["torch", "jax", "pillow"].map(str::to_owned).to_vec(),
        has_lock: true,
        ..Python::default()
    };
    let project = ProjectFacts {
        root: "/p".into(),
        dockerfile: Fact::Unknown(Why::NotAsked),
        context: "/p".into(),
        target: None,
        kinds: vec![],
        python: Fact::Known(python),
        has_git: true,
        compose: None,
        devcontainer: None,
        broken: vec![],
    };
    build_script(&ScriptRequest {
        project: "it's hoops",
        file_name: "build.sh",
        image: "hoops:dev",
        dockerfile: Path::new("docker/Docker file"),
        context: Path::new("."),
        target: Some("dev"),
        compose: Some(Path::new("compose.yaml")),
        build_args: &["HTTP_PROXY".to_owned()],
        secrets: &["id=ca,src=/etc/ca.crt".to_owned()],
        needed_bytes: Some(20_000_000_000),
        cases: &infer(&project, &Gpu::Present),
    })
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("build.sh");
    fs::write(&path, script()).unwrap();
    let checked =
        Command::new("shellcheck").args(["--severity=style", "--shell=sh"]).arg(&path).output();
    let Ok(checked) = checked else {
        println!("skipped: shellcheck is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
}

#[test]
fn every_shell_here_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("build.sh");
    fs::write(&path, script()).unwrap();
    let mut tried = 0;
    for shell in ["sh", "dash", "bash", "zsh", "ksh"] {
        let Ok(help) = Command::new(shell).arg(&path).arg("--help").output() else { continue };
        let text = String::from_utf8_lossy(&help.stdout);
        assert!(help.status.success(), "{shell}: {}", String::from_utf8_lossy(&help.stderr));
        assert!(text.starts_with("usage: build.sh [options]\n  --yes"), "{shell}: {text}");
        assert!(
            text.ends_with(
                "exit codes: 0 built and tested   1 a critical image test failed   2 wrong usage\n"
            ),
            "{text}"
        );
        let wrong = Command::new(shell).arg(&path).arg("--nonsense").output().unwrap();
        assert_eq!(wrong.status.code(), Some(2), "{shell}");
        tried += 1;
    }
    assert!(tried > 0);
    println!("{tried} shells read it");
}

#[test]
fn without_docker_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("build.sh");
    fs::write(&path, script()).unwrap();
    // Just enough for the script to get there.
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for tool in ["sh", "dirname", "mktemp", "rm", "date"] {
        let found =
            Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(found.trim(), bin.join(tool)).unwrap();
    }
    let ran = Command::new(bin.join("sh")).arg(&path).env("PATH", &bin).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(3), "{said}");
    assert!(said.contains("docker is not installed"), "{said}");
}
