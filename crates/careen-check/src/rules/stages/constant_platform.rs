//! `FROM --platform` with a constant: the image is the same on every target.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::quote;

use crate::buildkit::{Platform, change, has_comment, on_first_line};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "constant-platform",
    title: "FROM leaves the platform to the build",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["FromPlatformFlagConstDisallowed", "DL3029"],
    page: include_str!("constant_platform.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let file = reading.file;
    for stage in &reading.meaning.stages {
        let index = stage.from.flags.iter().position(|flag| flag.name == "platform");
        let Some(index) = index else { continue };
        let flag = &stage.from.flags[index];
        let value = reading.meaning.expand(stage.items.start, flag.text());
        if !value.matched.is_empty() || !value.unmatched.is_empty() {
            continue;
        }
        let host = &facts.lint.given.build_platform;
        let Ok(platform) = Platform::read(&value.text, host) else { continue };
        let name = stage.name.as_deref().unwrap_or("");
        // A stage that says in its name what it is for is one of several.
        if name.contains(&platform.os) || name.contains(&platform.arch) {
            continue;
        }
        let quoted = quote(value.text.as_bytes());
        let message = format!("FROM --platform flag should not use constant value {quoted}");
        let edit = file.file.delete_flag(stage.from, index);
        let has_comment = has_comment(file, edit.span);
        let title = "Leave the platform to the build";
        let fix = change(file, Fix::risky, title, vec![edit]);
        found.push(
            rule.at(file, on_first_line(file, stage.from, flag.span), message)
                .because("platform", platform.name(), file.path.display().to_string())
                .maybe_fix(fix.filter(|_| !has_comment)),
        );
    }
}
