//! A builder that the store lists cannot be used.

use careen_model::engine::{Builder, BuilderFault};
use careen_model::{Basis, BuilderCache, Category, Findings, Fix, Saving, Severity, Step, Why};

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
            .fix(repair(builder));
        if builder.is_current {
            finding = finding.costs(Saving::MayFail, Basis::Measured);
            finding.severity = Severity::Error;
        }
        found.push(finding);
    }
    Ok(())
}

/// The least that helps. A new builder with the settings of one whose endpoint is dead would be as
/// dead, so that is left to a person.
fn repair(builder: &Builder) -> Fix {
    let name = &builder.name;
    match builder.fault {
        BuilderFault::Container => {
            let step = Step::RecreateBuilder { name: name.clone(), cache: BuilderCache::Lost };
            let title = "Recreate the builder with the same settings; its cache is lost";
            return Fix::risky(title, step).for_good();
        }
        BuilderFault::Paused => {
            let nodes = format!("'name=^buildx_buildkit_{name}[0-9]+$'");
            return Fix::by_hand("Let its container go on; its cache is kept")
                .show(format!("docker unpause $(docker ps -q --filter {nodes})"));
        }
        BuilderFault::Settings => {}
    }
    if builder.driver.is_empty() {
        let store = "${BUILDX_CONFIG:-${DOCKER_CONFIG:-$HOME/.docker}/buildx}";
        return Fix::by_hand("Move its file out of the store; buildx cannot even remove it")
            .show(format!("mv \"{store}/instances/{name}\" ./{name}.broken"));
    }
    Fix::by_hand("Repair the builder's settings, or leave it")
        .show("docker buildx use default")
        .show(format!("docker buildx rm {name}"))
}
