//! An image comes from a registry that the project does not trust.

use careen_model::{Category, Findings, Severity};

use super::images::{images, is_trusted, registry};
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "untrusted-registry",
    title: "images come from trusted registries",
    category: Category::Dockerfile,
    topic: Topic::Security,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3026"],
    page: include_str!("untrusted_registry.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let trusted = &facts.lint.registries;
    if trusted.is_empty() {
        return;
    }
    for (image, span) in images(reading) {
        let from = registry(&image);
        if is_trusted(from, trusted) {
            continue;
        }
        let message = format!("`{from}` is not among the trusted registries");
        found.push(
            rule.at(reading.file, span, message)
                .because("image", image.clone(), reading.file.path.display().to_string())
                .because("trusted", trusted.join(", "), "settings"),
        );
    }
}
