//! The bridge of a private engine: its own name, its own address range, its own packet rules.
//!
//! Name and first choice of addresses are derived from the engine's folder, so that several
//! engines never share, or remove, one bridge. `--bridge=none` is no way out of this: dockerd then
//! deletes the interface `docker0` (moby `daemon/daemon_unix.go`, `removeDefaultBridgeInterface`),
//! also that of another engine.

use std::net::Ipv4Addr;
use std::path::Path;

use crate::apt;
use crate::failure::Failure;
use crate::home;
use crate::process::Call;

/// How many address ranges are tried, starting at the derived one.
const TRIES: u32 = 200;

/// An IPv4 range, as `10.1.2.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u32,
    bits: u32,
}

/// The bridge of one engine.
#[derive(Debug, Clone)]
pub(super) struct Bridge {
    name: String,
    seed: u32,
}

impl Bridge {
    pub(super) fn new(engine: &Path) -> Self {
        let seed = home::number(engine.as_os_str().as_encoded_bytes());
        Self { name: format!("careen{seed:08x}"), seed }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Creates the bridge and its rules; what exists stays.
    pub(super) fn up(&self) -> Result<(), Failure> {
        apt::ensure(&["ip", "iptables"], &["iproute2", "iptables"])?;
        let range = match self.range() {
            Some(range) => range,
            None => self.create()?,
        };
        ip(&["link", "set", &self.name, "up"])?;
        let forward = "/proc/sys/net/ipv4/ip_forward";
        std::fs::write(forward, "1").map_err(Failure::file("write", forward))?;
        for (table, chain, rule) in self.rules(range) {
            if !iptables(table, "-C", chain, &rule).succeeds() {
                iptables(table, "-I", chain, &rule).read()?;
            }
        }
        Ok(())
    }

    /// Removes the rules and the bridge; nothing to remove is fine.
    pub(super) fn down(&self) -> Result<(), Failure> {
        let Some(range) = self.range() else { return self.delete() };
        for (table, chain, rule) in self.rules(range) {
            while iptables(table, "-D", chain, &rule).succeeds() {}
        }
        self.delete()
    }

    fn create(&self) -> Result<Range, Failure> {
        let taken = parse_ranges(&Call::new("ip").args(["-4", "route"]).read()?);
        let free = candidates(self.seed).find(|range| !taken.iter().any(|t| t.overlaps(*range)));
        let Some(range) = free else {
            return Err(Failure::NoSubnet { bridge: self.name.clone() });
        };
        self.delete()?;
        ip(&["link", "add", &self.name, "type", "bridge"])?;
        ip(&["addr", "add", &range.gateway(), "dev", &self.name])?;
        Ok(range)
    }

    fn delete(&self) -> Result<(), Failure> {
        if Call::new("ip").args(["link", "show", &self.name]).succeeds() {
            ip(&["link", "delete", &self.name])
        } else {
            Ok(())
        }
    }

    /// The addresses that the interface has; it is the only record of them.
    fn range(&self) -> Option<Range> {
        let text =
            Call::new("ip").args(["-4", "-o", "addr", "show", "dev", &self.name]).read().ok()?;
        parse_ranges(&text).into_iter().next()
    }

    fn rules(&self, range: Range) -> [(&'static str, &'static str, Vec<String>); 3] {
        let rule = |text: String| text.split(' ').map(str::to_owned).collect();
        let name = &self.name;
        [
            ("nat", "POSTROUTING", rule(format!("-s {} ! -o {name} -j MASQUERADE", range.text()))),
            ("filter", "FORWARD", rule(format!("-i {name} -j ACCEPT"))),
            ("filter", "FORWARD", rule(format!("-o {name} -j ACCEPT"))),
        ]
    }
}

impl Range {
    fn overlaps(self, other: Self) -> bool {
        let shift = 32 - self.bits.min(other.bits);
        let cut = |address: u32| address.checked_shr(shift).unwrap_or(0);
        cut(self.first) == cut(other.first)
    }

    fn text(self) -> String {
        format!("{}/{}", Ipv4Addr::from(self.first), self.bits)
    }

    fn gateway(self) -> String {
        format!("{}/{}", Ipv4Addr::from(self.first + 1), self.bits)
    }
}

/// Ranges of 256 addresses in 10.128.0.0/9, beginning at one that the seed chooses.
fn candidates(seed: u32) -> impl Iterator<Item = Range> {
    (0..TRIES).map(move |n| {
        let block = seed.wrapping_add(n) % (1 << 15);
        Range { first: (10 << 24) | (1 << 23) | (block << 8), bits: 24 }
    })
}

/// Every `a.b.c.d/n` in the output of `ip`, with the host part cut off.
fn parse_ranges(text: &str) -> Vec<Range> {
    let parse = |word: &str| {
        let (address, bits) = word.split_once('/')?;
        let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let bits = bits.parse::<u32>().ok().filter(|&bits| (1..=32).contains(&bits))?;
        Some(Range { first: address >> (32 - bits) << (32 - bits), bits })
    };
    text.split_whitespace().filter_map(parse).collect()
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    Call::new("ip").args(arguments).read().map(drop)
}

fn iptables(table: &str, action: &str, chain: &str, rule: &[String]) -> Call {
    Call::new("iptables").args(["-w", "-t", table, action, chain]).args(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_from_routes_and_addresses() {
        let text = "default via 192.0.2.1 dev eth0\n10.214.90.0/24 dev x scope link src 10.214.90.1\n\
                    9: x inet 172.17.3.1/16 brd 172.17.255.255 scope global x";
        let found: Vec<String> = parse_ranges(text).into_iter().map(Range::text).collect();
        assert_eq!(found, ["10.214.90.0/24", "172.17.0.0/16"]);
    }

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        let check = |a: &str, b: &str, expected: bool| {
            let (a, b) = (parse_ranges(a)[0], parse_ranges(b)[0]);
            assert_eq!((a.overlaps(b), b.overlaps(a)), (expected, expected));
        };
        check("10.0.0.0/8", "10.200.3.0/24", true);
        check("10.200.3.0/24", "10.200.3.0/24", true);
        check("10.200.3.0/24", "10.200.4.0/24", false);
        check("10.200.2.0/23", "10.200.3.0/24", true);
        check("11.0.0.0/8", "10.200.3.0/24", false);
    }

    #[test]
    fn a_taken_range_is_passed_over() {
        let first: Vec<String> = candidates(7).take(2).map(Range::text).collect();
        assert_eq!(first, ["10.128.7.0/24", "10.128.8.0/24"]);
        assert_eq!(candidates(u32::MAX).next().unwrap().text(), "10.255.255.0/24");
        assert_eq!(candidates(7).next().unwrap().gateway(), "10.128.7.1/24");
    }

    #[test]
    fn an_interface_name_fits_the_kernel() {
        // IFNAMSIZ is 16 with the final zero (linux/if.h).
        let bridge = Bridge::new(Path::new("/some/folder"));
        assert!(bridge.name().len() <= 15, "{}", bridge.name());
        assert_ne!(bridge.name(), Bridge::new(Path::new("/some/other")).name());
    }
}
