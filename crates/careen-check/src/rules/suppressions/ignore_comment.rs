//! A comment silences a rule.

use careen_model::{Category, Findings, Severity, Span};

use crate::steps::Reading;
use crate::suppress::{Dialect, Suppressions};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "ignore-comment",
    title: "no comment silences a rule",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Pedantic,
    severity: Severity::Style,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL1001"],
    page: include_str!("ignore_comment.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let written = Suppressions::written(reading.file, &Dialect::ALL);
    let mut told = Span::default();
    for row in written.rows.iter().filter(|row| row.dialect != Dialect::BuildKit) {
        // One comment may have several names.
        if row.comment == told {
            continue;
        }
        told = row.comment;
        let message = format!("a comment silences `{}`", row.name);
        found.push(rule.at(reading.file, row.comment, message).because(
            "name",
            row.name.clone(),
            reading.file.path.display().to_string(),
        ));
    }
}
