//! MAINTAINER, which a label replaces.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Instruction, Keyword};

use crate::ParsedDockerfile;
use crate::buildkit::{change, has_comment};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "maintainer-instruction",
    title: "authors stand in a label",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["MaintainerDeprecated", "DL4000"],
    page: include_str!("maintainer_instruction.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for step in reading.all(Keyword::Maintainer).filter(|step| !step.is_trigger) {
        let message = "Maintainer instruction is deprecated in favor of using label";
        let name = step.instruction.words.first().map_or("", |word| word.text.as_str());
        found.push(
            rule.at(file, step.instruction.code, message)
                .because("author", name, file.path.display().to_string())
                .maybe_fix(label(file, step.instruction)),
        );
    }
}

/// The label that the OCI image specification has for it, with the same text.
fn label(file: &ParsedDockerfile, instruction: &Instruction) -> Option<Fix> {
    let word = instruction.words.first()?;
    if has_comment(file, instruction.code) {
        return None;
    }
    let escape = file.file.escape;
    let mut value = String::new();
    for character in word.text.chars() {
        // MAINTAINER takes its text as it is; in a label these three would mean something.
        if matches!(character, '"' | '$') || character == escape {
            value.push(escape);
        }
        value.push(character);
    }
    let keyword = if instruction.name.text == "maintainer" { "label" } else { "LABEL" };
    let text = format!("{keyword} org.opencontainers.image.authors=\"{value}\"");
    let edit = Edit::replace(instruction.code, text);
    change(file, Fix::safe, "Write it as a label", vec![edit])
}
