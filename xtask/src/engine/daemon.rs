//! One private engine: its folder, its start, and a stop that leaves nothing behind.
//!
//! A process is ours when its executable lies in our kit. A process id alone proves nothing: a
//! killed dockerd may stay as a zombie that still answers `kill -0`.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Generation;
use super::kit::Kit;
use super::network::Bridge;
use crate::failure::Failure;
use crate::home;
use crate::http::Address;
use crate::process::{Call, tail};

/// Starting took 0.2 to 1.2 s where it was measured; a loaded machine gets a wide margin.
const START_SECONDS: u64 = 60;
/// A stop took 3.5 to 4 s where it was measured.
const STOP_SECONDS: u64 = 40;
const STEP: Duration = Duration::from_millis(100);

/// A private engine, running or not.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) generation: Generation,
    folder: PathBuf,
    kit: Kit,
    bridge: Bridge,
}

impl Daemon {
    pub(crate) fn new(generation: Generation) -> Result<Self, Failure> {
        let folder = home::engine(generation.name())?;
        let (kit, bridge) = (Kit::new(&folder), Bridge::new(&folder));
        Ok(Self { generation, folder, kit, bridge })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    pub(crate) fn address(&self) -> Address {
        Address::Unix(self.socket())
    }

    /// A `DOCKER_CONFIG` with buildx, when the programs of this generation have it.
    pub(crate) fn client_config(&self) -> Option<PathBuf> {
        self.kit.client_config()
    }

    /// Shell text that points a Docker client at this engine.
    pub(crate) fn exports(&self) -> String {
        let config = self.client_config();
        let config = config.map(|folder| format!(" DOCKER_CONFIG={}", folder.display()));
        format!(
            "export DOCKER_HOST={}{} PATH={}:$PATH",
            self.address(),
            config.unwrap_or_default(),
            self.kit.programs().display()
        )
    }

    /// The running dockerd, if there is one.
    pub(crate) fn process(&self) -> Option<Pid> {
        let program = self.kit.programs().join("dockerd");
        let own = processes().into_iter().find(|(_, executable)| *executable == program);
        own.map(|(pid, _)| pid)
    }

    pub(crate) fn pid_text(&self) -> String {
        self.process().map_or("none".to_owned(), |pid| pid.as_raw_nonzero().to_string())
    }

    /// Installs what is missing, starts, and waits for the socket.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        if self.process().is_some() && self.address().about().is_ok() {
            return Ok(());
        }
        // What an interrupted start or a killed engine left.
        self.stop()?;
        for folder in [self.folder.clone(), self.folder.join("data"), self.folder.join("run")] {
            home::create(&folder)?;
        }
        self.kit.install(self.generation)?;
        self.bridge.up()?;
        let configuration = self.folder.join("daemon.json");
        home::write(&configuration, &self.configuration())?;
        self.launch(&configuration)?;
        self.wait_for_socket()
    }

    /// Stops dockerd and removes what it leaves: processes, mounts, bridge, socket.
    pub(crate) fn stop(&self) -> Result<(), Failure> {
        if let Some(pid) = self.process() {
            eprintln!(
                "stopping the {} engine (process {})",
                self.generation.name(),
                pid.as_raw_nonzero()
            );
            signal(pid, Signal::TERM);
            wait(STOP_SECONDS, || self.process().is_none());
        }
        let left = || {
            let own =
                processes().into_iter().filter(|(_, exe)| exe.starts_with(self.kit.programs()));
            own.map(|(pid, _)| pid).collect::<Vec<_>>()
        };
        for strength in [Signal::TERM, Signal::KILL] {
            let pids = left();
            for &pid in &pids {
                signal(pid, strength);
            }
            if !pids.is_empty() {
                wait(5, || left().is_empty());
            }
        }
        self.unmount()?;
        for name in ["docker.sock", "docker.pid"] {
            let _ = fs::remove_file(self.folder.join(name));
        }
        self.bridge.down()
    }

    /// Removes the folder of a stopped engine.
    pub(crate) fn purge(&self) -> Result<(), Failure> {
        home::remove(&self.folder)
    }

    fn configuration(&self) -> String {
        let mut settings = serde_json::json!({
            "builder": { "gc": { "enabled": false } },
            "features": { "buildkit": true },
            // Tests that clean a whole engine do it on one with this label only.
            "labels": ["careen.private=true"],
        });
        let containerd = self.generation == Generation::Containerd;
        if containerd || self.generation == Generation::Modern {
            settings["features"] = serde_json::json!({ "containerd-snapshotter": containerd });
        }
        format!("{settings:#}\n")
    }

    fn launch(&self, configuration: &Path) -> Result<(), Failure> {
        let log = self.log_path();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(Failure::file("open", log))?;
        let second = log.try_clone().map_err(Failure::file("open", self.log_path()))?;
        let programs = self.kit.programs();
        let path = std::env::var("PATH").unwrap_or_default();
        let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
        let mut call = Call::new("setsid")
            .arg(programs.join("dockerd"))
            .arg(option("config-file", configuration))
            .arg(option("data-root", &self.folder.join("data")))
            .arg(option("exec-root", &self.folder.join("run")))
            .arg(option("pidfile", &self.folder.join("docker.pid")))
            .arg(format!("--host={}", self.address()))
            .arg(format!("--bridge={}", self.bridge.name()))
            .args(["--group=root", "--iptables=false", "--ip6tables=false", "--ip-masq=false"])
            .env("PATH", format!("{}:{path}", programs.display()))
            .env_remove("DOCKER_HOST");
        if let Some(libraries) = self.kit.libraries() {
            call = call.env("LD_LIBRARY_PATH", libraries);
        }
        let mut command = call.into_command();
        command.stdin(Stdio::null()).stdout(log).stderr(second);
        match command.spawn() {
            Ok(_) => Ok(()),
            Err(source) => Err(Failure::NotStarted { line: "setsid dockerd".to_owned(), source }),
        }
    }

    fn wait_for_socket(&self) -> Result<(), Failure> {
        if wait(START_SECONDS, || self.address().about().is_ok()) {
            return Ok(());
        }
        let log = fs::read(self.log_path()).unwrap_or_default();
        self.stop()?;
        Err(Failure::EngineSilent {
            socket: self.socket(),
            seconds: START_SECONDS,
            log: tail(&log).trim_start_matches('\n').to_owned(),
        })
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("dockerd.log")
    }

    /// Unmounts everything below the folder, deepest first.
    fn unmount(&self) -> Result<(), Failure> {
        let table = "/proc/self/mounts";
        let text = fs::read_to_string(table).map_err(Failure::file("read", table))?;
        for place in mounts_below(&text, &self.folder).into_iter().rev() {
            Call::new("umount").arg("-l").arg(&place).read()?;
        }
        Ok(())
    }
}

/// Every process with its executable; those that have none (zombies, kernel threads) are left out.
fn processes() -> Vec<(Pid, PathBuf)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let Some(pid) = number.and_then(Pid::from_raw) else { continue };
        let Ok(executable) = fs::read_link(entry.path().join("exe")) else { continue };
        // The kernel adds this when the file is gone, for example after `cargo clean`.
        let text = executable.to_string_lossy();
        let path = text.strip_suffix(" (deleted)").map_or(executable.clone(), PathBuf::from);
        found.push((pid, path));
    }
    found
}

fn signal(pid: Pid, strength: Signal) {
    // A process that has ended meanwhile is what we want.
    let _ = kill_process(pid, strength);
}

/// Polls until `done` or for so many seconds; whether it was done.
fn wait(seconds: u64, done: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(STEP);
    }
}

/// Mount points below `folder` in the order of mounting; `\040` and the like are decoded.
fn mounts_below(table: &str, folder: &Path) -> Vec<PathBuf> {
    let places = table.lines().filter_map(|line| line.split(' ').nth(1));
    places.map(|place| PathBuf::from(decode(place))).filter(|p| p.starts_with(folder)).collect()
}

fn decode(place: &str) -> String {
    let mut decoded = place.to_owned();
    for (code, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        decoded = decoded.replace(code, character);
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_below_the_folder_are_ours() {
        let table = "\
overlay / overlay rw 0 0
overlay /a/engine/data/one overlay rw 0 0
tmpfs /a/engine-two tmpfs rw 0 0
nsfs /a/engine/run/with\\040space nsfs rw 0 0
";
        let found = mounts_below(table, Path::new("/a/engine"));
        assert_eq!(
            found,
            [PathBuf::from("/a/engine/data/one"), PathBuf::from("/a/engine/run/with space")]
        );
    }

    #[test]
    fn a_process_is_known_by_its_executable() {
        let own = std::env::current_exe().unwrap();
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(processes().contains(&(Pid::from_raw(pid).unwrap(), own)));
    }
}
