//! Files that arrive as another file, because two file systems gave both the same number.

use careen_model::context::{Hazard, HazardKind};
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "mistaken-hard-links",
    title: "files are told apart",
    category: Category::Context,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("mistaken_hard_links.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let is_mistaken = |hazard: &&Hazard| hazard.kind == HazardKind::Mistaken;
    let mistaken: Vec<&Hazard> = facts.context()?.hazards.iter().filter(is_mistaken).collect();
    if mistaken.is_empty() {
        return Ok(());
    }
    let files = counted(mistaken.len(), "file arrives", "files arrive");
    let message = format!("{files} with the content of another file, without a warning");
    let mut finding = rule.on_context(message);
    for hazard in mistaken.iter().take(4) {
        let value = format!("{}, {}", hazard.path.display(), hazard.note);
        finding = finding.because("file", value, "equal inode numbers on two file systems");
    }
    found.push(
        finding.costs(Saving::MayFail, Basis::Rule).fix(
            Fix::by_hand(
                "Give each file an inode of its own, or keep the mount out of the context",
            )
            .show("cp -p FILE FILE.new && mv FILE.new FILE"),
        ),
    );
    Ok(())
}
