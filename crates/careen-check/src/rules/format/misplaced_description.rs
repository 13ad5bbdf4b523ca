//! The comment above a stage or an argument does not describe it.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Instruction, Keyword};

use crate::buildkit::{Above, CheckOptions, above, change};
use crate::steps::{Placed, Reading, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "misplaced-description",
    title: "comments above ARG and FROM describe them",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["InvalidDefinitionDescription"],
    page: include_str!("misplaced_description.md"),
    check: Check::Dockerfile(check),
};

/// The check is an experiment of BuildKit: a file has to ask for it.
const NAME: &str = "InvalidDefinitionDescription";

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let options = CheckOptions::of(&reading.file.file, &facts.lint.given).unwrap_or_default();
    let is_asked = options.experimental.holds(NAME);
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        let names = match step.instruction.keyword {
            Keyword::Arg => step.instruction.declared().into_iter().map(|a| a.name).collect(),
            Keyword::From => stage_name(step.instruction),
            _ => continue,
        };
        let above = above(&reading.file.file, step.item);
        let asks_here = || {
            let options = above.options().unwrap_or_default();
            options.experimental.holds(NAME)
        };
        if is_asked || asks_here() {
            judge(rule, reading, step, &names, &above, found);
        }
    }
}

fn judge(
    rule: &Rule,
    reading: &Reading<'_>,
    step: &Placed<'_>,
    names: &[String],
    above: &Above,
    found: &mut Findings,
) {
    let (file, instruction) = (reading.file, step.instruction);
    let (Some(comment), Some(first)) = (above.texts.last(), names.first()) else { return };
    let word = comment.split(' ').next().unwrap_or("");
    if names.iter().any(|name| name == word) {
        return;
    }
    let name = if names.len() > 1 { "<arg_key>" } else { first };
    let keyword = instruction.keyword.as_str();
    let message =
        format!("Comment for {keyword} should follow the format: `# {name} <description>`");
    // An empty line would take `# check=` away from its instruction.
    let fix = (!above.has_options()).then(|| {
        let edit = insert(instruction.span.start, file.file.line_end());
        change(file, Fix::safe, "Put an empty line between them", vec![edit])
    });
    found.push(
        rule.at(file, instruction.code, message)
            .because("comment", comment, file.path.display().to_string())
            .maybe_fix(fix.flatten()),
    );
}

fn stage_name(instruction: &Instruction) -> Vec<String> {
    let name = instruction.from_view().and_then(|from| from.name);
    name.map(|name| name.text.to_lowercase()).into_iter().collect()
}
