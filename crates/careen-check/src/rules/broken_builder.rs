//! A builder that the store lists cannot be used.

use careen_model::{Basis, Category, Findings, Fix, Saving, Severity, Step, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(super) const RULE: Rule = Rule {
    id: "broken-builder",
    title: "builders work",
    category: Category::Builder,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("broken_builder.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    for builder in facts.probes()?.builders.get()? {
        let Some(problem) = &builder.problem else { continue };
        let message = format!("the builder `{}` cannot be used: {problem}", builder.name);
        let mut finding = rule
            .on_engine(message)
            .because("driver", &builder.driver, "builder store")
            .because("endpoint", &builder.endpoint, "builder store")
            .fix(repair(&builder.name, &builder.driver));
        if builder.is_current {
            finding = finding.costs(Saving::MayFail, Basis::Measured);
            finding.severity = Severity::Error;
        }
        found.push(finding);
    }
    Ok(())
}

/// A container of our own machine can be made anew; anything else is somebody else's.
fn repair(name: &str, driver: &str) -> Fix {
    if driver == "docker-container" {
        let step = Step::RecreateBuilder { name: name.to_owned() };
        return Fix::risky("Recreate the builder with the same settings; its cache is lost", step)
            .for_good();
    }
    if driver.is_empty() {
        let store = "${BUILDX_CONFIG:-${DOCKER_CONFIG:-$HOME/.docker}/buildx}";
        return Fix::by_hand("Move its file out of the store; buildx cannot even remove it")
            .show(format!("mv \"{store}/instances/{name}\" ./{name}.broken"));
    }
    Fix::by_hand("Repair the builder's settings, or leave it")
        .show("docker buildx use default")
        .show(format!("docker buildx rm {name}"))
}
