//! A label has a key that tools reject or that Docker keeps for itself.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "invalid-label-key",
    title: "label keys are valid",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3048"],
    page: include_str!("invalid_label_key.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Label) {
        for pair in step.instruction.pairs() {
            let key = pair.name.text.trim_matches(['"', '\'']);
            // What a variable stands for is not known here.
            let Some(why) = (!key.contains('$')).then(|| fault(key)).flatten() else { continue };
            let message = format!("the label key `{key}` {why}");
            found.push(rule.at(reading.file, pair.name.span, message).because(
                "key",
                key,
                format!("LABEL in {}", reading.file.path.display()),
            ));
        }
    }
}

/// Name spaces that Docker keeps: docs.docker.com/engine/manage-resources/labels.
pub(crate) const RESERVED: [&str; 3] = ["com.docker.", "io.docker.", "org.dockerproject."];

fn fault(key: &str) -> Option<&'static str> {
    let lower = |byte: u8| byte.is_ascii_lowercase();
    let ends = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = key.as_bytes();
    if RESERVED.iter().any(|space| key.starts_with(space)) {
        return Some("is in a name space that Docker keeps for itself");
    }
    if !bytes.first().copied().is_some_and(lower) || !bytes.last().copied().is_some_and(ends) {
        return Some("should begin with a lower-case letter and end with one or a digit");
    }
    let allowed = |byte: u8| ends(byte) || b".-_/".contains(&byte);
    if !bytes.iter().copied().all(allowed) {
        return Some("has characters beside lower-case letters, digits and `.-_/`");
    }
    (key.contains("..") || key.contains("--")).then_some("has two separators in a row")
}
