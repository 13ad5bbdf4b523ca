//! Two stages have one name; the later one hides the earlier.

use std::collections::HashMap;

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Keyword, quote};

use crate::buildkit::on_first_line;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "duplicate-stage-name",
    title: "stage names are unique",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["DuplicateStageName", "DL3024"],
    page: include_str!("duplicate_stage_name.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    let mut seen: HashMap<String, u32> = HashMap::new();
    for step in reading.all(Keyword::From) {
        let [_, _, word] = step.instruction.words.as_slice() else { continue };
        let name = word.text.to_lowercase();
        let line = step.instruction.lines.0;
        let Some(before) = seen.insert(name.clone(), line) else { continue };
        let quoted = quote(name.as_bytes());
        let message = format!("Duplicate stage name {quoted}, stage names should be unique");
        found.push(
            rule.at(file, on_first_line(file, step.instruction, word.span), message)
                .because("name", name, format!("line {before} of {}", file.path.display()))
                .fix(Fix::by_hand("Give one of the two another name where it is meant")),
        );
    }
}
