//! pip installs what uv would install in a fraction of the time.

use careen_model::{Basis, Category, Findings, Fix, Saving, Severity};
use careen_syntax::dockerfile::Manager;

use crate::packages::install;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic, price};

pub(crate) const RULE: Rule = Rule {
    id: "slow-installer",
    title: "Python packages are installed by uv",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("slow_installer.md"),
    check: Check::Dockerfile(check),
};

/// The share of pip's time that uv saves.
///
/// Measured with eight groups of a machine-learning image, wheels from a mirror next door: 110.5 s
/// with pip, 20.0 s with uv, both without a kept cache.
const SHARE: f64 = 1.0 - 20.0 / 110.5;

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        let mut pip = run.commands().filter(|command| {
            let is_pip = install(command).is_some_and(|install| install.manager == Manager::Pip);
            let names = command.package.iter().flat_map(|package| &package.packages);
            // pip brings uv, and itself.
            is_pip && !names.clone().any(|package| matches!(package.name.as_str(), "uv" | "pip"))
        });
        let Some(package) = pip.find_map(|command| command.package.as_ref()) else { continue };
        let message = "pip takes several times as long as uv for the same packages";
        let mut finding = rule.at(reading.file, package.program_span, message).because(
            "measured",
            "20.0 s with uv, 110.5 s with pip",
            "eight groups of a machine-learning image",
        );
        if let Some(step) = price::step_seconds(&facts.history, &run.joined()) {
            let seconds = format!("{:.1} s", step.seconds);
            finding = finding
                .because("the step took", seconds, step.source)
                .costs(Saving::SecondsPerRebuild(step.seconds * SHARE), Basis::Modelled);
        }
        found.push(finding.fix(Fix::by_hand("Install with `uv pip install --system`")));
    }
}
