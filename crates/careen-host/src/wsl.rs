//! Are we inside a distribution of the Windows Subsystem for Linux, and of which version.
//!
//! The kernel alone is no proof: a container on Docker Desktop runs on Microsoft's kernel too, and
//! a custom kernel drops the name. So two witnesses are asked for, and one of them must be
//! something that only a distribution has.

use std::path::Path;

use careen_model::host::{Wsl, WslVersion};

use crate::System;
use crate::mount_class::Kernel;

const OSRELEASE: &str = "/proc/sys/kernel/osrelease";
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// What was seen of WSL.
#[derive(Debug, Clone, Default)]
struct Signs<'a> {
    kernel: &'a str,
    /// `/run/WSL`: sockets for calling Windows programs.
    has_run: bool,
    /// Name of the handler that runs Windows programs, such as `WSLInterop`.
    interop: Option<String>,
    /// `WSL_DISTRO_NAME`; lost under sudo, cron and ssh.
    distribution: Option<String>,
}

pub(crate) fn probe(system: &dyn System, kernel: &str) -> Option<Wsl> {
    let handlers = system.list(Path::new(BINFMT)).unwrap_or_default();
    let interop = handlers
        .iter()
        .filter_map(|name| name.to_str())
        .find(|name| name.starts_with("WSLInterop"));
    judge(&Signs {
        kernel,
        has_run: system.status(Path::new("/run/WSL")).is_ok(),
        interop: interop.map(str::to_owned),
        distribution: system.variable("WSL_DISTRO_NAME"),
    })
}

/// The release of the kernel names its maker.
pub(crate) fn kernel_of(release: &str) -> Kernel {
    if release.to_ascii_lowercase().contains("microsoft") {
        Kernel::Microsoft
    } else {
        Kernel::Other
    }
}

fn judge(signs: &Signs) -> Option<Wsl> {
    let mut witnesses = Vec::new();
    if kernel_of(signs.kernel) == Kernel::Microsoft {
        witnesses.push(format!("{OSRELEASE} = {}", signs.kernel));
    }
    let by_kernel = witnesses.len();
    if signs.has_run {
        witnesses.push("/run/WSL".into());
    }
    if let Some(name) = &signs.interop {
        witnesses.push(format!("{BINFMT}/{name}"));
    }
    if let Some(name) = &signs.distribution {
        witnesses.push(format!("WSL_DISTRO_NAME = {name}"));
    }
    if witnesses.len() < 2 || witnesses.len() == by_kernel {
        return None;
    }
    // WSL1 has no kernel of its own and says `4.4.0-19041-Microsoft`; WSL2 says
    // `…-microsoft-standard-WSL2`, and custom kernels, which only WSL2 has, say anything.
    let is_first = signs.kernel.ends_with("-Microsoft");
    Some(Wsl {
        version: if is_first { WslVersion::One } else { WslVersion::Two },
        distribution: signs.distribution.clone(),
        witnesses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeSystem;

    const TWO: &str = "6.6.87.2-microsoft-standard-WSL2";

    #[track_caller]
    fn check(kernel: &str, signs: &str, expected: Option<(WslVersion, usize)>) {
        let has = |name: &str| signs.contains(name);
        let found = judge(&Signs {
            kernel,
            has_run: has("run"),
            interop: has("interop").then(|| "WSLInterop-late".into()),
            distribution: has("name").then(|| "Debian".into()),
        });
        assert_eq!(found.map(|wsl| (wsl.version, wsl.witnesses.len())), expected);
    }

    #[test]
    fn two_witnesses_make_a_distribution() {
        check(TWO, "run interop name", Some((WslVersion::Two, 4)));
        // Under sudo or ssh the variable is gone.
        check(TWO, "interop", Some((WslVersion::Two, 2)));
        check("4.4.0-19041-Microsoft", "name", Some((WslVersion::One, 2)));
        // A kernel of one's own.
        check("6.9.1-mine", "run name", Some((WslVersion::Two, 2)));
    }

    #[test]
    fn one_witness_is_not_enough() {
        // A container on Docker Desktop.
        check(TWO, "", None);
        // A variable that came along through ssh.
        check("6.1.0-18-amd64", "name", None);
        check("6.1.0-18-amd64", "", None);
    }

    #[test]
    fn the_places_are_looked_at() {
        let system = FakeSystem::default()
            .file("/proc/sys/fs/binfmt_misc/WSLInterop", "")
            .file("/run/WSL/1_interop", "");
        let found = probe(&system, TWO).unwrap();
        assert_eq!(
            found.witnesses,
            [
                "/proc/sys/kernel/osrelease = 6.6.87.2-microsoft-standard-WSL2",
                "/run/WSL",
                "/proc/sys/fs/binfmt_misc/WSLInterop"
            ]
        );
    }
}
