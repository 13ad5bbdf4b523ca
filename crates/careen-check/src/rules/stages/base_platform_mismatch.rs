//! The base image that the builder would take is for another platform than the build.

use careen_model::{Category, Fact, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Base, quote};

use crate::buildkit::{Platform, base_image, on_first_line};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic, WantedPlatform};

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
    check: Check::Bases(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Fact::Known(bases) = &facts.lint.base_images else { return };
    let (file, given) = (reading.file, &facts.lint.given);
    let read = |text: &str| Platform::read(text, &given.build_platform).ok();
    for stage in &reading.meaning.stages {
        let (Base::Image(image), Some(base)) = (&stage.base, base_image(stage, given)) else {
            continue;
        };
        // An image that the builder could not look up is told by whoever asked.
        let Some(actual) = bases.platforms.get(&base).and_then(|text| read(text)) else { continue };
        let Some(expected) = read(&base.platform) else { continue };
        let is_same = |other: &Platform| other.os == actual.os && other.arch == actual.arch;
        let is_open = stage.platform.is_none() && bases.wanted == WantedPlatform::Open;
        let runs = || bases.runs.iter().filter_map(|text| read(text)).any(|other| is_same(&other));
        if is_same(&expected) || is_open && runs() {
            continue;
        }
        let message = format!(
            "Base image {image} was pulled with platform {}, expected {} for current build",
            quote(actual.full_name().as_bytes()),
            quote(expected.full_name().as_bytes())
        );
        let pull = format!("docker pull --platform {} {image}", expected.name());
        let word = stage.from.words.first().map_or(stage.from.code, |word| word.span);
        found.push(
            rule.at(file, on_first_line(file, stage.from, word), message)
                .because("platform", actual.full_name(), format!("{image}, from the builder"))
                .fix(Fix::by_hand("Pull the image for the platform of the build").show(pull)),
        );
    }
}
