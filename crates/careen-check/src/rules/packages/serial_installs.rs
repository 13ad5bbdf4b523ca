//! Installs of different languages wait for each other, though none needs the other.

use std::collections::BTreeMap;

use careen_model::{Basis, Category, Findings, Fix, Saving, Severity};
use careen_syntax::dockerfile::Manager;

use crate::packages::install;
use crate::steps::{Reading, Run};
use crate::{Check, Facts, Fixable, Rule, Status, Topic, price};

pub(crate) const RULE: Rule = Rule {
    id: "serial-installs",
    title: "independent installs run side by side",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("serial_installs.md"),
    check: Check::Dockerfile(check),
};

/// Seconds below which a stage more is not worth its lines.
const WORTH: f64 = 20.0;

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    // Without a recorded build nobody knows whether there is anything to gain.
    if facts.history.builds.is_empty() {
        return;
    }
    for stage in &reading.meaning.stages {
        let mut times: BTreeMap<&str, f64> = BTreeMap::new();
        let mut last = None;
        for run in reading.runs.iter().filter(|run| run.stage == stage.index) {
            let Some(language) = only_language(run) else { continue };
            let Some(step) = price::step_seconds(&facts.history, &run.joined()) else { continue };
            *times.entry(language).or_default() += step.seconds;
            last = Some((run, step.source));
        }
        let total: f64 = times.values().sum();
        let longest = times.values().copied().fold(0.0, f64::max);
        let Some((run, source)) = last.filter(|_| total - longest >= WORTH) else { continue };
        let names = times.keys().copied().collect::<Vec<_>>().join(" and ");
        let message = format!("installs of {names} wait for each other");
        let fix = Fix::by_hand("Give each of them a stage, and copy what it made");
        found.push(
            rule.at(reading.file, run.instruction.code, message)
                .because("one after another", format!("{total:.1} s"), &source)
                .because("the longest alone", format!("{longest:.1} s"), &source)
                .costs(Saving::Seconds(total - longest), Basis::Modelled)
                .fix(fix),
        );
    }
}

/// What a step installs that does nothing else; system packages are for all the others.
fn only_language(run: &Run<'_>) -> Option<&'static str> {
    let mut languages = run.commands().map(|command| match install(command)?.manager {
        Manager::Pip | Manager::Uv => Some("Python"),
        Manager::Npm | Manager::Yarn | Manager::Pnpm => Some("Node"),
        _ => None,
    });
    let first = languages.next()??;
    languages.all(|language| language == Some(first)).then_some(first)
}
