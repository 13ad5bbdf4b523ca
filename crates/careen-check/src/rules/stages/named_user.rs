//! USER gives a name, which nobody outside of the image can look up.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "named-user",
    title: "the user is a number",
    category: Category::Dockerfile,
    topic: Topic::Security,
    status: Status::Pedantic,
    severity: Severity::Hint,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3066"],
    page: include_str!("named_user.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let Some(last) = reading.meaning.stages.len().checked_sub(1) else { return };
    let Some(step) = reading.last(Keyword::User, last) else { return };
    let Some(word) = step.instruction.words.first() else { return };
    let user = reading.meaning.expand(step.item, &word.text);
    let name = user.text.split(':').next().unwrap_or("");
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    // That root is root needs no look into the image.
    if is_number || name == "root" || !user.unmatched.is_empty() {
        return;
    }
    let message = format!("who `{name}` is can only be read inside the image");
    found.push(rule.at(reading.file, word.span, message).because(
        "user",
        name,
        format!("USER in {}", reading.file.path.display()),
    ));
}
