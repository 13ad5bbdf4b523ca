//! How much memory the machine has, and how much of it this process may use.

use std::path::{Path, PathBuf};

use careen_model::{Fact, Why};

use crate::System;
use crate::mount::{Table, cgroup_point};

const MEMINFO: &str = "/proc/meminfo";
const CGROUP: &str = "/proc/self/cgroup";

/// Bytes of memory of the machine.
pub(crate) fn total(system: &dyn System) -> Result<u64, Why> {
    let text = system.read(Path::new(MEMINFO))?;
    parse_total(&String::from_utf8_lossy(&text)).ok_or_else(|| Why::Unreadable {
        what: MEMINFO.into(),
        error: "has no line MemTotal".into(),
    })
}

/// The least limit of our control groups that is below `total`; `None` when there is none.
pub(crate) fn limit(
    system: &dyn System,
    table: &Table,
    total: &Fact<u64>,
) -> Result<Option<u64>, Why> {
    let text = system.read(Path::new(CGROUP))?;
    let groups = parse_groups(&String::from_utf8_lossy(&text));
    let mut least = None;
    for group in groups {
        let Some(row) = cgroup_point(table, group.controller) else { continue };
        for file in limit_files(&row.point, &group) {
            let Ok(text) = system.read(&file) else { continue };
            let Some(bytes) = parse_limit(&String::from_utf8_lossy(&text)) else { continue };
            least = Some(least.map_or(bytes, |least: u64| least.min(bytes)));
        }
    }
    // Version 1 says "no limit" by a number near 2^63.
    let machine = total.known().copied().unwrap_or(1 << 62);
    Ok(least.filter(|bytes| *bytes < machine))
}

/// One hierarchy that we are in and that can limit memory.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    /// `memory` in version 1, `None` in version 2.
    controller: Option<&'static str>,
    path: PathBuf,
}

/// Lines `4:memory:/a/b` (version 1) and `0::/a/b` (version 2).
fn parse_groups(text: &str) -> Vec<Group> {
    let groups = text.lines().filter_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let controller = match controllers {
            "" if number == "0" => None,
            list if list.split(',').any(|name| name == "memory") => Some("memory"),
            _ => return None,
        };
        Some(Group { controller, path: path.into() })
    });
    groups.collect()
}

/// The group's file and those of the groups above it: each may be the least.
///
/// In a container without a namespace of its own the path is the host's and does not exist; then
/// only the file at the mount point does.
fn limit_files(point: &Path, group: &Group) -> Vec<PathBuf> {
    let name = match group.controller {
        Some(_) => "memory.limit_in_bytes",
        None => "memory.max",
    };
    let inside = group.path.strip_prefix("/").unwrap_or(&group.path);
    inside.ancestors().map(|path| point.join(path).join(name)).collect()
}

fn parse_limit(text: &str) -> Option<u64> {
    // `max` in version 2 is no number.
    text.trim().parse().ok()
}

fn parse_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeSystem;
    use crate::mount::read_table;

    const MOUNTS: &str = "\
1 0 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw
2 1 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
3 1 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";

    #[track_caller]
    fn check(groups: &str, files: &[(&str, &str)], expected: &Result<Option<u64>, Why>) {
        let mut system = FakeSystem::default().file("/proc/self/mountinfo", MOUNTS);
        if !groups.is_empty() {
            system = system.file(CGROUP, groups);
        }
        for (path, text) in files {
            system = system.file(&format!("/sys/fs/cgroup/{path}"), text);
        }
        let table = read_table(&system).unwrap();
        assert_eq!(limit(&system, &table, &Fact::Known(8 << 30)), *expected);
    }

    #[test]
    fn the_least_limit_on_the_way_up_counts() {
        let files = [("unified/a/b/memory.max", "max\n"), ("unified/a/memory.max", "1073741824\n")];
        check("0::/a/b\n", &files, &Ok(Some(1 << 30)));
        check(
            "4:cpu,memory:/x\n0::/a/b\n",
            &[("memory/x/memory.limit_in_bytes", "5"), ("unified/a/memory.max", "7")],
            &Ok(Some(5)),
        );
    }

    #[test]
    fn no_limit_is_known_and_no_group_is_not() {
        check("0::/\n", &[], &Ok(None));
        check(
            "4:memory:/\n",
            &[("memory/memory.limit_in_bytes", "9223372036854771712")],
            &Ok(None),
        );
        // At or above the machine's memory it limits nothing.
        check("4:memory:/\n", &[("memory/memory.limit_in_bytes", "8589934592")], &Ok(None));
        check("", &[], &Err(Why::Absent { what: CGROUP.into() }));
    }

    #[test]
    fn a_container_without_its_own_namespace_reads_the_mount_point() {
        check("0::/docker/abc\n", &[("unified/memory.max", "512\n")], &Ok(Some(512)));
    }

    #[test]
    fn memory_is_in_kilobytes() {
        assert_eq!(parse_total("MemFree: 1 kB\nMemTotal:   24684084 kB\n"), Some(25_276_502_016));
        assert_eq!(parse_total("MemTotal: lots\n"), None);
        assert_eq!(parse_total(""), None);
    }
}
