//! A CMD, ENTRYPOINT or HEALTHCHECK that a later one of its stage replaces.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::buildkit::change;
use crate::steps::{Placed, Reading};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "overridden-instruction",
    title: "only one CMD, ENTRYPOINT and HEALTHCHECK in a stage",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["MultipleInstructionsDisallowed", "DL4003", "DL4004", "DL3012"],
    page: include_str!("overridden_instruction.md"),
    check: Check::Dockerfile(check),
};

const LAST_WINS: [Keyword; 3] = [Keyword::Cmd, Keyword::Entrypoint, Keyword::Healthcheck];

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for (step, later) in overridden(reading) {
        let name = &later.instruction.name.text;
        let message = format!(
            "Multiple {name} instructions should not be used in the same stage because only the \
             last one will be used"
        );
        let edit = file.file.delete(step.item..step.item + 1);
        let place = format!("line {} of {}", later.instruction.lines.0, file.path.display());
        found.push(
            rule.at(file, step.instruction.code, message)
                .because("replaced by", name, place)
                .maybe_fix(change(file, Fix::safe, format!("Delete this {name}"), vec![edit])),
        );
    }
}

/// Each instruction that is replaced, with the next one of its kind in the stage.
pub(crate) fn overridden<'a>(
    reading: &'a Reading<'_>,
) -> impl Iterator<Item = (&'a Placed<'a>, &'a Placed<'a>)> {
    let candidates = || {
        let steps = reading.steps.iter().enumerate();
        steps.filter(|(_, step)| {
            let counts = LAST_WINS.contains(&step.instruction.keyword);
            counts && !step.is_trigger && step.stage.is_some()
        })
    };
    candidates().filter_map(move |(at, step)| {
        let same = |other: &&Placed<'_>| {
            let is_same = other.instruction.keyword == step.instruction.keyword;
            is_same && other.stage == step.stage && !other.is_trigger
        };
        Some((step, reading.steps[at + 1..].iter().find(same)?))
    })
}
