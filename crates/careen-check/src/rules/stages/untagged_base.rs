//! FROM names an image without a version, so the next build may start from another one.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Base;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "untagged-base",
    title: "base images have a version",
    category: Category::Dockerfile,
    topic: Topic::Reproducibility,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3006", "DL3007"],
    page: include_str!("untagged_base.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for stage in &reading.meaning.stages {
        let Base::Image(image) = &stage.base else { continue };
        let Some(word) = stage.from.from_view().map(|view| view.image) else { continue };
        let expanded = reading.meaning.expand(stage.items.start, &word.text);
        // What a variable without a value stands for is not known here.
        if image.contains('@') || image.is_empty() || !expanded.unmatched.is_empty() {
            continue;
        }
        let name = image.rsplit('/').next().unwrap_or(image);
        let message = match name.split_once(':') {
            None => format!("`{image}` names no version: `latest` is taken"),
            Some((_, "latest")) => format!("`{image}` is another image with each release"),
            Some(_) => continue,
        };
        found.push(rule.at(reading.file, word.span, message).because(
            "image",
            image,
            format!("FROM in {}", reading.file.path.display()),
        ));
    }
}
