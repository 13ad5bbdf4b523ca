//! Does this process run in a container, and which distribution does it see.

use std::path::Path;

use careen_model::Why;

use crate::System;
use crate::mount::{Table, root};

/// What was seen of a container.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each sign is there or not")]
struct Signs<'a> {
    /// Made by Docker; also carried into WSL and virtual machines by images that became disks.
    has_dockerenv: bool,
    /// Made by Podman and Buildah.
    has_containerenv: bool,
    /// The variable `container`, set by Podman, systemd-nspawn and LXC.
    variable: Option<String>,
    in_kubernetes: bool,
    cgroup: &'a str,
    /// `/` is the root of a block device.
    on_whole_disk: bool,
}

pub(crate) fn probe(system: &dyn System, table: &Table) -> bool {
    let cgroup = system.read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    judge(&Signs {
        has_dockerenv: system.status(Path::new("/.dockerenv")).is_ok(),
        has_containerenv: system.status(Path::new("/run/.containerenv")).is_ok(),
        variable: system.variable("container"),
        in_kubernetes: system.variable("KUBERNETES_SERVICE_HOST").is_some(),
        cgroup: &String::from_utf8_lossy(&cgroup),
        on_whole_disk: root(table)
            .is_some_and(|row| row.root == Path::new("/") && row.source.starts_with("/dev/")),
    })
}

fn judge(signs: &Signs) -> bool {
    let names = ["/docker", "/kubepods", "/libpod", "/lxc/", "/cri-containerd", "/buildkit/"];
    let in_group = signs.cgroup.lines().any(|line| names.iter().any(|name| line.contains(name)));
    let by_docker = signs.has_dockerenv && !signs.on_whole_disk;
    by_docker
        || signs.has_containerenv
        || signs.variable.is_some()
        || signs.in_kubernetes
        || in_group
}

/// The id of the distribution: `debian`.
pub(crate) fn distribution(system: &dyn System) -> Result<String, Why> {
    let first = Path::new("/etc/os-release");
    let text = system.read(first).or_else(|_| system.read(Path::new("/usr/lib/os-release")))?;
    parse_id(&String::from_utf8_lossy(&text)).ok_or_else(|| Why::Unreadable {
        what: first.display().to_string(),
        error: "has no line ID".into(),
    })
}

fn parse_id(text: &str) -> Option<String> {
    let id = text.lines().find_map(|line| line.trim().strip_prefix("ID="))?;
    let id = id.trim_matches(['"', '\'']);
    (!id.is_empty()).then(|| id.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_a_container_count_unless_carried_onto_a_disk() {
        let nothing = Signs::default();
        let docker = Signs { has_dockerenv: true, ..Signs::default() };
        let exported = Signs { has_dockerenv: true, on_whole_disk: true, ..Signs::default() };
        let podman = Signs { has_containerenv: true, ..Signs::default() };
        let nspawn = Signs { variable: Some("systemd-nspawn".into()), ..Signs::default() };
        let pod = Signs { in_kubernetes: true, ..Signs::default() };
        let group = Signs { cgroup: "4:memory:/docker/a1\n", ..Signs::default() };
        let cases = [
            (nothing, false),
            (docker, true),
            (exported, false),
            (podman, true),
            (nspawn, true),
            (pod, true),
            (group, true),
        ];
        for (signs, expected) in cases {
            assert_eq!(judge(&signs), expected, "{signs:?}");
        }
    }

    #[test]
    fn the_distribution_is_its_id() {
        for (text, expected) in [
            ("NAME=x\nVERSION_ID=\"12\"\nID=debian\n", Some("debian")),
            ("ID=\"Rocky\"\n", Some("rocky")),
            ("ID=\n", None),
            ("", None),
        ] {
            assert_eq!(parse_id(text).as_deref(), expected);
        }
    }
}
