//! A stage is called `scratch` or `context`, which mean something else.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Keyword, quote};

use crate::buildkit::on_first_line;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "reserved-stage-name",
    title: "no stage is called scratch or context",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["ReservedStageName", "DL3063"],
    page: include_str!("reserved_stage_name.md"),
    check: Check::Dockerfile(check),
};

const RESERVED: [&str; 2] = ["context", "scratch"];

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for step in reading.all(Keyword::From) {
        let [_, _, word] = step.instruction.words.as_slice() else { continue };
        let name = word.text.to_lowercase();
        if !RESERVED.contains(&name.as_str()) {
            continue;
        }
        let message = format!(
            "Stage name should not use the same name as reserved stage {}",
            quote(name.as_bytes())
        );
        found.push(
            rule.at(file, on_first_line(file, step.instruction, word.span), message)
                .because("name", &word.text, file.path.display().to_string())
                .fix(Fix::by_hand("Give the stage another name, also where it is used")),
        );
    }
}
