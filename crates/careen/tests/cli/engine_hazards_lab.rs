//! A project, an engine and the `docker` that belongs to it: what a hazard does without careen.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{Run, Sandbox, finish, skip};

/// Someone who may use the engine and owns nothing.
const NOBODY: u32 = 65_534;

pub(crate) struct Lab {
    pub(crate) sandbox: Sandbox,
    pub(crate) name: String,
    /// The folder of the engine, when it is one of ours, with its own client.
    kit: Option<PathBuf>,
}

/// Runs the check with a fresh project on each engine, with the client that belongs to it.
pub(crate) fn on_each_engine(files: &[(&str, &str)], check: impl Fn(&Lab)) {
    let Ok(sockets) = std::env::var("CAREEN_ENGINES") else {
        return skip("CAREEN_ENGINES is not set");
    };
    for socket in sockets.split(':').filter(|socket| !socket.is_empty()) {
        let kit = Path::new(socket).parent().map(|folder| folder.join("kit"));
        let lab = Lab {
            sandbox: Sandbox::new(files).with_engine(format!("unix://{socket}")),
            name: socket.to_owned(),
            kit: kit.filter(|kit| kit.join("bin/docker").exists()),
        };
        check(&lab);
    }
}

impl Lab {
    pub(crate) fn project(&self) -> PathBuf {
        self.sandbox.project()
    }

    fn command(&self, program: Command, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(program, arguments);
        if let Some(kit) = &self.kit {
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{}:{path}", kit.join("bin").display()));
            command.env("DOCKER_CONFIG", kit.join("cli"));
        }
        command.env("BUILDX_CONFIG", self.sandbox.path("home/buildx"));
        command.env("DOCKER_BUILDKIT", "1").env("BUILDKIT_PROGRESS", "plain");
        command
    }

    /// `docker` in the project.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        let program = self.kit.as_ref().map_or("docker".into(), |kit| kit.join("bin/docker"));
        self.command(Command::new(program), arguments)
    }

    pub(crate) fn careen(&self, arguments: &[&str]) -> Command {
        self.command(Command::new(env!("CARGO_BIN_EXE_careen")), arguments)
    }

    /// `docker build` of the project with BuildKit; the files of the image go to the folder `out`.
    pub(crate) fn build(&self) -> Run {
        let out = self.out();
        let _ = fs::remove_dir_all(&out);
        let output = format!("type=local,dest={}", out.display());
        // With `.` all projects of one machine would share a stored copy on 20.10.
        let project = self.project();
        let project = project.to_str().unwrap();
        finish(self.docker(&["build", "--progress=plain", "--output", &output, project]))
    }

    /// Where the files of the image are after a build.
    pub(crate) fn out(&self) -> PathBuf {
        self.sandbox.path("out")
    }

    /// True for a client whose builder is buildx, false for BuildKit of 20.10's client.
    pub(crate) fn has_buildx(&self) -> bool {
        finish(self.docker(&["buildx", "version"])).code == Some(0)
    }

    /// What the doctor finds, by rule.
    pub(crate) fn doctor(&self) -> Vec<String> {
        rules(&finish(self.careen(&["doctor", "--format", "json"])))
    }

    #[track_caller]
    pub(crate) fn warns(&self, rule: &str) {
        let found = self.doctor();
        assert!(found.iter().any(|known| known == rule), "{}: {rule} not in {found:?}", self.name);
    }

    #[track_caller]
    pub(crate) fn is_silent(&self, rule: &str) {
        let found = self.doctor();
        assert!(found.iter().all(|known| known != rule), "{}: {rule} in {found:?}", self.name);
    }

    /// The same command as another user, who may reach the engine.
    pub(crate) fn as_nobody(&self, mut command: Command) -> Run {
        let home = self.sandbox.path("nobody");
        fs::create_dir_all(&home).unwrap();
        std::os::unix::fs::chown(&home, Some(NOBODY), None).unwrap();
        command.env("HOME", &home).env("XDG_DATA_HOME", &home).env("BUILDX_CONFIG", &home);
        finish({
            command.uid(NOBODY).gid(0);
            command
        })
    }
}

/// The rules of a doctor's document.
pub(crate) fn rules(run: &Run) -> Vec<String> {
    let document = run.json();
    let findings = document["findings"].as_array().unwrap_or_else(|| panic!("no findings\n{run}"));
    findings.iter().filter_map(|finding| Some(finding["rule"].as_str()?.to_owned())).collect()
}

/// Bytes of the context as the client of a build tells them: `transferring context: 30.01MB`.
#[track_caller]
pub(crate) fn sent(run: &Run) -> f64 {
    assert_eq!(run.code, Some(0), "{run}");
    let text = format!("{}{}", run.out, run.err);
    let mut told = text.lines().filter_map(|line| line.split_once("transferring context: "));
    let last = told.next_back().unwrap_or_else(|| panic!("no transfer\n{run}")).1;
    let last = last.split_whitespace().next().unwrap();
    let end = last.find(|ch: char| ch.is_ascii_alphabetic()).unwrap();
    let factor = match &last[end..] {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        other => panic!("no unit is called {other}"),
    };
    last[..end].parse::<f64>().unwrap() * factor
}
