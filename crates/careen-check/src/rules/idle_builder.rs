//! A builder that nobody has used for months keeps its cache volume.

use careen_model::{Category, Findings, Fix, Severity, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "idle-builder",
    title: "builders are in use",
    category: Category::Builder,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("idle_builder.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    for builder in facts.probes()?.builders.get()? {
        let Some(days) = builder.idle_days.filter(|days| *days > LONG) else { continue };
        // A broken builder is told as such, and the engine's own costs nothing.
        if builder.problem.is_some() || builder.driver == "docker" {
            continue;
        }
        let message = format!("the builder `{}` was last used {days} days ago", builder.name);
        let fix = Fix::by_hand("Remove it with its cache, when nobody needs it any more")
            .show(format!("docker buildx rm {}", builder.name));
        found.push(
            rule.on_engine(message)
                .because("idle", format!("{days} days"), "activity file of the builder store")
                .because("driver", &builder.driver, "builder store")
                .fix(fix),
        );
    }
    Ok(())
}

/// Days without a build.
const LONG: u64 = 60;
