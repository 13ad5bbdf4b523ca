//! FROM names a version and no digest, so the image behind the name may change.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Base;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "undigested-base",
    title: "base images have a digest",
    category: Category::Dockerfile,
    topic: Topic::Reproducibility,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &[],
    page: include_str!("undigested_base.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for stage in &reading.meaning.stages {
        let Base::Image(image) = &stage.base else { continue };
        let Some(word) = stage.from.from_view().map(|view| view.image) else { continue };
        let expanded = reading.meaning.expand(stage.items.start, &word.text);
        let name = image.rsplit('/').next().unwrap_or(image);
        // One without a version, or with the latest, is what `untagged-base` is about.
        let has_version = name.split_once(':').is_some_and(|(_, tag)| tag != "latest");
        if image.contains('@') || !has_version || !expanded.unmatched.is_empty() {
            continue;
        }
        let message = format!("`{image}` is another image whenever its publisher builds it anew");
        found.push(rule.at(reading.file, word.span, message).because(
            "image",
            image,
            format!("FROM in {}", reading.file.path.display()),
        ));
    }
}
