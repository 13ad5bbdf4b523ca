//! The MTU of the default route and the bridges of this machine, from `/proc` and `/sys`.

use std::path::{Path, PathBuf};

use careen_model::Why;
use careen_model::host::Link;

use crate::System;

const ROUTES: &str = "/proc/net/route";
const ROUTES6: &str = "/proc/net/ipv6_route";
const LINKS: &str = "/sys/class/net";

/// The MTU that packets to the outside meet first.
pub(crate) fn default_mtu(system: &dyn System) -> Result<u32, Why> {
    let text = |path: &str| {
        system.read(Path::new(path)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let route = parse_route(&text(ROUTES)?)
        .or_else(|| parse_route6(&text(ROUTES6).unwrap_or_default()))
        .ok_or(Why::Absent { what: "default route".into() })?;
    match route.mtu {
        // A route may carry an MTU of its own.
        0 => number(system, &link_file(&route.interface, "mtu")),
        mtu => Ok(mtu),
    }
}

/// Every bridge interface.
pub(crate) fn bridges(system: &dyn System) -> Result<Vec<Link>, Why> {
    let mut names: Vec<String> = system
        .list(Path::new(LINKS))?
        .iter()
        .filter_map(|name| name.to_str().map(str::to_owned))
        .collect();
    names.sort();
    let mut bridges = Vec::new();
    for name in names {
        if system.status(&link_file(&name, "bridge")).is_err() {
            continue;
        }
        let mtu = number(system, &link_file(&name, "mtu"))?;
        let flags = system.read(&link_file(&name, "flags")).unwrap_or_default();
        let up = is_up(&String::from_utf8_lossy(&flags));
        bridges.push(Link { name, mtu, up });
    }
    Ok(bridges)
}

fn link_file(interface: &str, file: &str) -> PathBuf {
    [LINKS, interface, file].iter().collect()
}

fn number(system: &dyn System, path: &Path) -> Result<u32, Why> {
    let text = system.read(path)?;
    String::from_utf8_lossy(&text).trim().parse().map_err(|_| Why::Unreadable {
        what: path.display().to_string(),
        error: "is not a number".into(),
    })
}

/// `0x1003`: the lowest bit is `IFF_UP`.
fn is_up(flags: &str) -> bool {
    let digits = flags.trim().trim_start_matches("0x");
    u32::from_str_radix(digits, 16).is_ok_and(|flags| flags & 1 != 0)
}

#[derive(Debug, PartialEq, Eq)]
struct Route {
    interface: String,
    /// 0: that of the interface.
    mtu: u32,
}

/// The default route of least metric. Columns: interface, destination, gateway,
/// flags, references, use, metric, mask, MTU; addresses and flags in hexadecimal.
fn parse_route(table: &str) -> Option<Route> {
    let rows = table.lines().skip(1).filter_map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let is_default = *cells.get(1)? == "00000000" && *cells.get(7)? == "00000000";
        // RTF_UP, and not RTF_REJECT.
        let flags = u32::from_str_radix(cells.get(3)?, 16).ok()?;
        let is_usable = flags & 1 != 0 && flags & 0x200 == 0;
        let metric: u32 = cells.get(6)?.parse().ok()?;
        let mtu = cells.get(8).and_then(|mtu| mtu.parse().ok()).unwrap_or(0);
        let route = Route { interface: (*cells.first()?).to_owned(), mtu };
        (is_default && is_usable).then_some((metric, route))
    });
    rows.min_by_key(|(metric, _)| *metric).map(|(_, route)| route)
}

/// The same for IPv6. Columns: destination, its length, source, its length, next hop, metric,
/// references, use, flags, interface.
fn parse_route6(table: &str) -> Option<Route> {
    let rows = table.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let is_default = cells.first()?.bytes().all(|b| b == b'0') && *cells.get(1)? == "00";
        let metric = u32::from_str_radix(cells.get(5)?, 16).ok()?;
        let flags = u32::from_str_radix(cells.get(8)?, 16).ok()?;
        let interface = (*cells.get(9)?).to_owned();
        let is_usable = flags & 1 != 0 && flags & 0x200 == 0 && interface != "lo";
        (is_default && is_usable).then_some((metric, Route { interface, mtu: 0 }))
    });
    rows.min_by_key(|(metric, _)| *metric).map(|(_, route)| route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeSystem;

    const HEAD: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[track_caller]
    fn check(rows: &str, expected: Option<(&str, u32)>) {
        let found = parse_route(&format!("{HEAD}{rows}"));
        assert_eq!(found.as_ref().map(|r| (r.interface.as_str(), r.mtu)), expected);
    }

    #[test]
    fn the_default_route_of_least_metric_counts() {
        check("", None);
        check("eth0 0011A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0", None);
        check(
            "wlan0 00000000 0100A8C0 0003 0 0 600 00000000 0 0 0\n\
             eth0 00000000 0100A8C0 0003 0 0 100 00000000 0 0 0",
            Some(("eth0", 0)),
        );
        check("tun0 00000000 00000000 0001 0 0 0 00000000 1350 0 0", Some(("tun0", 1350)));
        // Rejected, down, half a VPN's default (0.0.0.0/1), cut off.
        check("lo 00000000 00000000 0201 0 0 0 00000000 0 0 0", None);
        check("eth0 00000000 00000000 0002 0 0 0 00000000 0 0 0", None);
        check("tun0 00000000 00000000 0003 0 0 0 00000080 0 0 0", None);
        check("eth0 00000000 0000", None);
    }

    #[test]
    fn without_ipv4_the_route_of_ipv6_counts() {
        let zeros = "0".repeat(32);
        let row = |interface: &str, flags: &str| {
            format!(
                "{zeros} 00 {zeros} 00 {zeros} 00000400 00000001 00000000 {flags} {interface}\n"
            )
        };
        let table = format!("{}{}", row("lo", "00200200"), row("eth1", "00450003"));
        assert_eq!(parse_route6(&table), Some(Route { interface: "eth1".into(), mtu: 0 }));
        assert_eq!(parse_route6("nonsense"), None);
        let system = FakeSystem::default()
            .file(ROUTES, HEAD)
            .file(ROUTES6, &table)
            .file("/sys/class/net/eth1/mtu", "1420\n");
        assert_eq!(default_mtu(&system), Ok(1420));
    }

    #[test]
    fn no_route_and_no_table_differ() {
        let system = FakeSystem::default();
        assert_eq!(default_mtu(&system), Err(Why::Absent { what: ROUTES.into() }));
        let system = system.file(ROUTES, HEAD);
        assert_eq!(default_mtu(&system), Err(Why::Absent { what: "default route".into() }));
    }

    #[test]
    fn bridges_are_interfaces_with_a_folder_bridge() {
        let system = FakeSystem::default()
            .file("/sys/class/net/eth0/mtu", "1500\n")
            .file("/sys/class/net/docker0/mtu", "1500\n")
            .file("/sys/class/net/docker0/flags", "0x1003\n")
            .file("/sys/class/net/docker0/bridge/bridge_id", "x")
            .file("/sys/class/net/br-1/mtu", "1400\n")
            .file("/sys/class/net/br-1/flags", "0x1002\n")
            .file("/sys/class/net/br-1/bridge/bridge_id", "x");
        let link = |name: &str, mtu, up| Link { name: name.into(), mtu, up };
        assert_eq!(
            bridges(&system),
            Ok(vec![link("br-1", 1400, false), link("docker0", 1500, true)])
        );
        assert!(bridges(&FakeSystem::default()).is_err());
    }
}
