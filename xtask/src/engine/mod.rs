//! `cargo xtask engine`: the reachable engine, or private ones that touch nothing else.
//!
//! An engine that xtask did not start is never stopped, changed or pruned.

mod daemon;
mod kit;
mod network;

use std::path::PathBuf;

use crate::apt;
use crate::cli::Arguments;
use crate::failure::Failure;
use crate::http::{About, Address};

pub(crate) use daemon::Daemon;

const OPTIONS: &[&str] = &["--modern", "--containerd", "--own", "--purge"];
const USAGE: &str = "engine up|down|status [--modern|--containerd] [--own] [--purge]";

/// The oldest major version that counts as modern: 23 is where buildx became the default client.
const MODERN_SINCE: u32 = 23;

/// Which of the private engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// `docker.io` of the Debian release that runs here; 20.10 on bookworm.
    Debian,
    /// `docker.io` of the next Debian release, with buildx.
    Modern,
    /// The programs of the modern one with the containerd image store: the only one of the three
    /// whose BuildKit exports archives.
    Containerd,
}

impl Generation {
    pub(crate) const ALL: [Self; 3] = [Self::Debian, Self::Modern, Self::Containerd];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Modern => "modern",
            Self::Containerd => "containerd",
        }
    }

    /// The one that the options name, else `None`.
    pub(crate) fn named(arguments: &Arguments) -> Option<Self> {
        let named = |one: &Self| arguments.has(&format!("--{}", one.name()));
        [Self::Containerd, Self::Modern].into_iter().find(named)
    }

    /// Whether a reachable engine serves as well as a private one of this generation.
    pub(crate) fn is_met_by(self, about: &About) -> bool {
        match self {
            Self::Debian => true,
            Self::Modern => is_modern(&about.version),
            // The containerd store names its snapshotter; the older store's driver is `overlay2`.
            Self::Containerd => is_modern(&about.version) && about.driver == "overlayfs",
        }
    }
}

pub(crate) fn run(raw: &[String]) -> Result<(), Failure> {
    let arguments = Arguments::parse(raw, OPTIONS, &[], USAGE)?;
    let named = Generation::named(&arguments);
    let wanted = named.unwrap_or(Generation::Debian);
    match arguments.words.first().map(String::as_str) {
        Some("up") if arguments.has("--own") => up_own(wanted).map(drop),
        Some("up") => up(wanted),
        Some("down") => {
            let which = named.map_or(Generation::ALL.to_vec(), |one| vec![one]);
            which.into_iter().try_for_each(|one| down(one, arguments.has("--purge")))
        }
        Some("status") => status(&arguments),
        _ => Err(Failure::Usage { problem: "up, down or status?".to_owned(), usage: USAGE }),
    }
}

/// Uses the reachable engine when it is of the wanted generation, else starts a private one.
fn up(wanted: Generation) -> Result<(), Failure> {
    if let Some((address, about)) = reachable()? {
        if wanted.is_met_by(&about) {
            eprintln!("the engine at {address} is reachable: {}", describe(&about));
            println!("export DOCKER_HOST={address}");
            return Ok(());
        }
        eprintln!(
            "the engine at {address} is {}, not {}: starting one beside it",
            describe(&about),
            wanted.name()
        );
    }
    up_own(wanted).map(drop)
}

/// Starts a private engine and says how to use it; one that runs is left alone.
pub(crate) fn up_own(wanted: Generation) -> Result<Daemon, Failure> {
    let daemon = Daemon::new(wanted)?;
    if daemon.process().is_none() && !apt::usable() {
        return Err(Failure::NeedsRoot { what: "a private engine" });
    }
    daemon.start()?;
    show(&daemon)?;
    Ok(daemon)
}

/// Stops a private engine; with `purge` its images and programs go too.
pub(crate) fn down(which: Generation, purge: bool) -> Result<(), Failure> {
    let daemon = Daemon::new(which)?;
    daemon.stop()?;
    if purge {
        daemon.purge()?;
    }
    Ok(())
}

fn status(arguments: &Arguments) -> Result<(), Failure> {
    let mut seen = 0;
    let named = Generation::named(arguments);
    let all = named.is_none() && !arguments.has("--own");
    if all && let Some((address, about)) = reachable()? {
        seen += 1;
        eprintln!("reachable: {}", describe(&about));
        println!("export DOCKER_HOST={address}");
    }
    for one in named.map_or(Generation::ALL.to_vec(), |one| vec![one]) {
        let daemon = Daemon::new(one)?;
        if daemon.process().is_some() {
            seen += 1;
            show(&daemon)?;
        }
    }
    match seen {
        0 => Err(Failure::NoEngine),
        _ => Ok(()),
    }
}

/// Every engine at hand: the one of `DOCKER_HOST` alone, else the default and the private ones.
pub(crate) fn at_hand(only: Option<Generation>) -> Result<Vec<Address>, Failure> {
    let mut found = Vec::new();
    if only.is_none() {
        found.extend(reachable()?.map(|(address, _)| address));
        if std::env::var_os("DOCKER_HOST").is_some_and(|value| !value.is_empty()) {
            return Ok(found);
        }
    }
    for one in Generation::ALL.into_iter().filter(|&one| only.is_none_or(|wanted| wanted == one)) {
        let daemon = Daemon::new(one)?;
        if daemon.process().is_some() {
            found.push(daemon.address());
        }
    }
    Ok(found)
}

/// A client configuration with buildx in it, where the modern engine's programs are unpacked.
pub(crate) fn modern_client() -> Result<Option<PathBuf>, Failure> {
    Ok(Daemon::new(Generation::Modern)?.client_config())
}

/// The private engines that do not run.
pub(crate) fn idle() -> Result<Vec<Generation>, Failure> {
    let mut found = Vec::new();
    for one in Generation::ALL {
        if Daemon::new(one)?.process().is_none() {
            found.push(one);
        }
    }
    Ok(found)
}

/// The engine that a Docker client would use here.
pub(crate) fn reachable() -> Result<Option<(Address, About)>, Failure> {
    Address::reachable()
}

/// Reads the major version; Debian's `20.10.24+dfsg1` and `28.5.2` are told apart by it.
fn is_modern(version: &str) -> bool {
    let major = version.split('.').next().and_then(|word| word.parse::<u32>().ok());
    major.is_some_and(|major| major >= MODERN_SINCE)
}

fn describe(about: &About) -> String {
    format!("version {}, driver {}", about.version, about.driver)
}

fn show(daemon: &Daemon) -> Result<(), Failure> {
    let about = daemon.address().about()?;
    eprintln!("{}: {}, process {}", daemon.generation.name(), describe(&about), daemon.pid_text());
    println!("{}", daemon.exports());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_told_by_the_major_version() {
        for (version, modern) in
            [("20.10.24+dfsg1", false), ("23.0.0", true), ("28.5.2", true), ("unknown", false)]
        {
            assert_eq!(is_modern(version), modern, "{version}");
        }
    }
}
