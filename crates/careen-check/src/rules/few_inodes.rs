//! A disk has room for bytes but hardly for files.

use careen_model::host::SpaceRole;
use careen_model::{Basis, Category, Fact, Findings, Fix, Saving, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, need};

pub(super) const RULE: Rule = Rule {
    id: "few-inodes",
    title: "inodes on disks",
    category: Category::Disk,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("few_inodes.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let wanted = need::inodes(facts);
    let mut told: Vec<u64> = Vec::new();
    for space in &facts.host()?.space {
        let Fact::Known(room) = &space.found else { continue };
        let matters = matches!(space.role, SpaceRole::EngineData | SpaceRole::Root);
        // btrfs and others have no fixed number and report 0.
        if !matters || room.total_inodes == 0 || told.contains(&room.device) {
            continue;
        }
        if room.free_inodes >= wanted {
            continue;
        }
        told.push(room.device);
        let free = units::count(room.free_inodes);
        let message = format!("{} has inodes for only {free} more files", space.path.display());
        let fix = Fix::by_hand("Remove what holds many small files: old images, then old cache")
            .show("docker image prune")
            .show("df -i");
        found.push(
            rule.on_host(message)
                .because("free inodes", free, format!("statfs {}", space.path.display()))
                .because("wanted", units::count(wanted), "200 000 and twice the context's entries")
                .costs(Saving::MayFail, Basis::Rule)
                .fix(fix),
        );
    }
    Ok(())
}
