//! The base image that the engine has is for another platform than the build.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Base, quote};

use crate::buildkit::{Platform, on_first_line};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "base-platform-mismatch",
    title: "base images are for the platform that is built",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["InvalidBaseImagePlatform"],
    page: include_str!("base_platform_mismatch.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let (file, given) = (reading.file, &facts.lint.given);
    let read = |text: &str| Platform::read(text, &given.build_platform).ok();
    for stage in &reading.meaning.stages {
        let Base::Image(image) = &stage.base else { continue };
        // What the engine has is known for few images, and only when somebody looked.
        let Some(actual) = facts.lint.base_platforms.get(image) else { continue };
        let expected = stage.platform.as_ref().unwrap_or(&given.platform);
        let (Some(expected), Some(actual)) = (read(expected), read(actual)) else { continue };
        if expected.os == actual.os && expected.arch == actual.arch {
            continue;
        }
        let message = format!(
            "Base image {image} was pulled with platform {}, expected {} for current build",
            quote(actual.name().as_bytes()),
            quote(expected.name().as_bytes())
        );
        let pull = format!("docker pull --platform {} {image}", expected.name());
        let word = stage.from.words.first().map_or(stage.from.code, |word| word.span);
        found.push(
            rule.at(file, on_first_line(file, stage.from, word), message)
                .because("platform", actual.name(), format!("the image {image} on the engine"))
                .fix(Fix::by_hand("Pull the image for the platform of the build").show(pull)),
        );
    }
}
