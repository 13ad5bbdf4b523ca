//! `FROM --platform=$TARGETPLATFORM` says what is the case anyway.

use careen_model::{Category, Findings, Fix, Severity};

use crate::buildkit::{change, has_comment, on_first_line};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "redundant-target-platform",
    title: "FROM does not ask for the target platform",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["RedundantTargetPlatform", "DL3065"],
    page: include_str!("redundant_target_platform.md"),
    check: Check::Dockerfile(check),
};

const TARGET: &str = "TARGETPLATFORM";

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for stage in &reading.meaning.stages {
        let index = stage.from.flags.iter().position(|flag| flag.name == "platform");
        let Some(index) = index else { continue };
        let (flag, item) = (&stage.from.flags[index], stage.items.start);
        let value = reading.meaning.expand(item, flag.text());
        let is_alone = value.matched.len() == 1 && value.unmatched.is_empty();
        let target = reading.meaning.variable(item, TARGET);
        if !is_alone || !value.matched.contains(TARGET) || Some(value.text) != target {
            continue;
        }
        let message = format!(
            "Setting platform to predefined {} in FROM is redundant as this is the default behavior",
            flag.text()
        );
        let edit = file.file.delete_flag(stage.from, index);
        let has_comment = has_comment(file, edit.span);
        let fix = change(file, Fix::safe, "Leave the flag out", vec![edit]);
        found.push(
            rule.at(file, on_first_line(file, stage.from, flag.span), message)
                .because("flag", flag.text(), file.path.display().to_string())
                .maybe_fix(fix.filter(|_| !has_comment)),
        );
    }
}
