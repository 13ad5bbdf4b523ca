//! The image that is built last runs as root because its last USER says so.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "root-user",
    title: "the last user is not root",
    category: Category::Dockerfile,
    topic: Topic::Security,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3002"],
    page: include_str!("root_user.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let Some(last) = reading.meaning.stages.len().checked_sub(1) else { return };
    let Some(step) = reading.last(Keyword::User, last) else { return };
    let Some(word) = step.instruction.words.first() else { return };
    let user = reading.meaning.expand(step.item, &word.text).text;
    if !matches!(user.split(':').next(), Some("root" | "0")) {
        return;
    }
    let message = format!("the image runs as root: its last user is `{user}`");
    found.push(rule.at(reading.file, word.span, message).because(
        "user",
        user,
        format!("USER in {}", reading.file.path.display()),
    ));
}
