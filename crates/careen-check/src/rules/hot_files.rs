//! Programs write to files of the context while it is sent.

use careen_model::context::HazardKind;
use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Why};

use crate::rules::hazards;
use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "hot-files",
    title: "nobody writes to the context",
    category: Category::Context,
    topic: Topic::Reproducibility,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("hot_files.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let context = facts.context()?;
    let Some((_, n)) = hazards::of(context, &[HazardKind::Hot]) else { return Ok(()) };
    let files = counted(n, "file seems", "files seem");
    let mut finding = rule.on_context(format!("{files} to be written to while you build"));
    for hazard in context.hazards.iter().filter(|hazard| hazard.kind == HazardKind::Hot).take(4) {
        let value = match hazard.note.as_str() {
            "" => hazard.path.display().to_string(),
            note => format!("{}, {note}", hazard.path.display()),
        };
        finding = finding.because("file", value, "walk of the context");
    }
    let title = "Ignore these files, or stop what writes them while you build";
    found.push(finding.costs(Saving::MayFail, Basis::Rule).fix(Fix::by_hand(title)));
    Ok(())
}
