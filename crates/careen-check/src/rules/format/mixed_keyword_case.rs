//! An instruction is not written in the case of most of the others.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Instruction, Keyword};

use crate::buildkit::change;
use crate::steps::{Placed, Reading};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "mixed-keyword-case",
    title: "instructions are written in one case",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["ConsistentInstructionCasing"],
    page: include_str!("mixed_keyword_case.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    // ARG before the first stage is not asked, and the trigger of ONBUILD not either.
    let own = |step: &&Placed<'_>| step.stage.is_some() && !step.is_trigger;
    let names = || reading.steps.iter().filter(own).map(|step| step.instruction);
    let is_lower = |name: &str| name == name.to_lowercase();
    let is_upper = |name: &str| name == name.to_uppercase();
    let lower = names().filter(|instruction| is_lower(&instruction.name.text)).count();
    let upper = names().filter(|instruction| is_upper(&instruction.name.text)).count();
    let is_lower_wanted = lower > upper;
    for instruction in names() {
        let name = &instruction.name.text;
        let (wanted, word) = if is_lower_wanted {
            (name.to_lowercase(), "lowercase")
        } else {
            (name.to_uppercase(), "uppercase")
        };
        if *name == wanted {
            continue;
        }
        let message =
            format!("Command '{name}' should match the case of the command majority ({word})");
        let mut edits = vec![Edit::replace(instruction.name.span, &wanted)];
        edits.extend(as_keyword(instruction, is_lower_wanted));
        found.push(
            rule.at(file, instruction.code, message)
                .because(
                    "majority",
                    format!("{upper} upper, {lower} lower"),
                    file.path.display().to_string(),
                )
                .maybe_fix(change(file, Fix::safe, format!("Write `{wanted}`"), edits)),
        );
    }
}

/// AS goes with its FROM.
fn as_keyword(instruction: &Instruction, lower: bool) -> Option<Edit> {
    if instruction.keyword != Keyword::From {
        return None;
    }
    let word = instruction.from_view()?.as_keyword?;
    Some(Edit::replace(word.span, if lower { "as" } else { "AS" }))
}
