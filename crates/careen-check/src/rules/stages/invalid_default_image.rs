//! Without build arguments FROM names no valid image.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Given, Meaning};

use crate::buildkit::{on_first_line, parse_reference};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "invalid-default-image",
    title: "FROM names an image without build arguments",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["InvalidDefaultArgInFrom"],
    page: include_str!("invalid_default_image.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let given = &facts.lint.given;
    if given.arguments.is_empty() {
        return judge(rule, reading, &reading.meaning, found);
    }
    // Only the variables of the platform may be given here: they are there in every build.
    let is_platform = |name: &str| name.starts_with("BUILD") || name.starts_with("TARGET");
    let mut arguments = given.arguments.clone();
    arguments.retain(|(name, _)| is_platform(name) && !declares(&reading.meaning, name));
    let defaults = Given { arguments, ..given.clone() };
    judge(rule, reading, &reading.file.file.meaning(&defaults), found);
}

fn declares(meaning: &Meaning<'_>, name: &str) -> bool {
    meaning.declared_globally().any(|declared| declared == name)
}

fn judge(rule: &Rule, reading: &Reading<'_>, defaults: &Meaning<'_>, found: &mut Findings) {
    let file = reading.file;
    for stage in &defaults.stages {
        let Some(image) = stage.from.from_view().map(|from| from.image) else { continue };
        let expanded = defaults.expand(stage.items.start, &image.text);
        if expanded.error.is_some() {
            return;
        }
        let Err(problem) = parse_reference(&expanded.text) else { continue };
        let message = format!(
            "Default value for ARG {} results in empty or invalid base image name",
            image.text
        );
        let name = expanded.matched.iter().chain(&expanded.unmatched).next();
        let fix = match name {
            Some(name) => Fix::by_hand("Give the argument a default that makes a valid name")
                .show(format!("ARG {name}=…")),
            None => Fix::by_hand("Write the name of an image as registries take it"),
        };
        found.push(
            rule.at(file, on_first_line(file, stage.from, image.span), message)
                .because(
                    "image",
                    format!("`{}`: {problem}", expanded.text),
                    "without build arguments",
                )
                .fix(fix),
        );
    }
}
