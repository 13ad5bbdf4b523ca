//! A disk that the build writes to has less room than the build needs.

use careen_model::engine::CacheRecord;
use careen_model::host::{Room, Space, SpaceRole};
use careen_model::{Basis, Category, Fact, Findings, Fix, Saving, Severity, Step, Why, units};

use crate::need::Need;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic, need};

pub(super) const RULE: Rule = Rule {
    id: "low-space",
    title: "room on disks",
    category: Category::Disk,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("low_space.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let host = facts.host()?;
    let mut told: Vec<u64> = Vec::new();
    let mut unknown = None;
    for role in ROLES {
        let Some(space) = host.space.iter().find(|space| space.role == role) else { continue };
        let room = match &space.found {
            Fact::Known(room) => room,
            Fact::Unknown(why) => {
                unknown = Some(why.clone());
                continue;
            }
        };
        // Two roles on one disk are one finding.
        if told.contains(&room.device) {
            continue;
        }
        let need = needed(role, facts);
        if room.free_bytes < need.bytes {
            told.push(room.device);
            judge(rule, facts, space, room, &need, found);
        }
    }
    match unknown {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(()),
    }
}

/// The engine's data first: it needs most, and is told where several roles share a disk.
const ROLES: [SpaceRole; 4] =
    [SpaceRole::EngineData, SpaceRole::VirtualDiskHost, SpaceRole::Root, SpaceRole::Temporary];

fn needed(role: SpaceRole, facts: &Facts) -> Need {
    match role {
        SpaceRole::EngineData | SpaceRole::VirtualDiskHost => need::engine_bytes(facts),
        // Logs, unpacked tools and the journal; never large.
        _ => Need {
            bytes: 500_000_000,
            because: "500 MB for temporary files".into(),
            basis: Basis::Rule,
        },
    }
}

fn judge(
    rule: &Rule,
    facts: &Facts,
    space: &Space,
    room: &Room,
    need: &Need,
    found: &mut Findings,
) {
    let (free, wanted) = (units::size(room.free_bytes), units::size(need.bytes));
    let message = format!("{} has {free} free; the next build needs {wanted}", name(space.role));
    let mut finding = rule
        .on_host(message)
        .because("free", free, format!("statfs {}", space.path.display()))
        .because("needed", wanted, &need.because)
        .costs(Saving::MayFail, need.basis);
    // A rule of thumb is no reason to stop anybody.
    if need.basis == Basis::Rule && room.free_bytes > 2_000_000_000 {
        finding.severity = Severity::Warning;
    }
    found.push(match space.role {
        SpaceRole::EngineData => finding.fix(prune(facts, need.bytes - room.free_bytes)),
        SpaceRole::VirtualDiskHost => finding.fix(
            Fix::by_hand("Free space on the Windows drive, then compact the virtual disk")
                .show("wsl --shutdown")
                .show("Optimize-VHD -Path ext4.vhdx -Mode Full"),
        ),
        _ => finding.fix(Fix::by_hand("Free space on this file system").show("df -h")),
    });
}

fn name(role: SpaceRole) -> &'static str {
    match role {
        SpaceRole::EngineData => "the engine's disk",
        SpaceRole::VirtualDiskHost => "the Windows drive that holds the virtual disk",
        SpaceRole::Root => "the root file system",
        SpaceRole::Temporary => "the folder for temporary files",
        SpaceRole::Context => "the project's disk",
    }
}

/// The smallest loss first: context copies, then layers by age; cache mounts are never chosen.
fn prune(facts: &Facts, missing: u64) -> Fix {
    let cache = facts.probes().ok().and_then(|probes| probes.cache.known());
    let free = |record: &&CacheRecord| {
        !record.in_use && !record.shared && record.kind != "exec.cachemount"
    };
    let mut records: Vec<&CacheRecord> = cache.into_iter().flatten().filter(free).collect();
    records.sort_by_key(|record| {
        (record.kind != "source.local", record.last_used.unwrap_or(0), record.id.clone())
    });
    let (mut ids, mut bytes) = (Vec::new(), 0);
    for record in records {
        if bytes >= missing {
            break;
        }
        ids.push(record.id.clone());
        bytes += record.bytes;
    }
    if bytes < missing {
        return Fix::by_hand("Free space: the build cache alone cannot give enough")
            .show("docker system df -v");
    }
    let records = counted(ids.len(), "oldest cache record", "oldest cache records");
    let title = format!("Remove the {records}, {}", units::size(bytes));
    Fix::risky(title, Step::PruneCache { ids, bytes }).for_good()
}
