//! A comment silences nothing: its rule finds nothing there, is not called so, or its time is over.

use careen_model::{Category, Edit, Finding, Findings, Fix, Severity, Span};

use crate::find::nearest;
use crate::steps::{Reading, edits};
use crate::suppress::{Dialect, Row, Suppressions, comment};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule, Status, Topic};
use crate::{RULES, find};

pub(crate) const RULE: Rule = Rule {
    id: "useless-suppression",
    title: "comments silence what is there",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("useless_suppression.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let written = Suppressions::written(reading.file, &Dialect::ALL);
    for row in &written.rows {
        let name = &row.name;
        let message = match row.dialect {
            _ if row.ends.is_some_and(|ends| ends < facts.now) => {
                format!("the time for silencing `{name}` is over")
            }
            Dialect::Careen if find(name).is_err() => format!("no rule is called `{name}`"),
            Dialect::Hadolint if !is_code(name) => {
                format!("hadolint knows no `{name}` and passes over this comment")
            }
            _ => continue,
        };
        let finding = rule.at(reading.file, row.comment, message).because(
            "name",
            name.clone(),
            reading.file.path.display().to_string(),
        );
        found.push(finding.maybe_fix(respelt(reading, row)));
    }
}

/// `DL` or `SC` and four digits.
fn is_code(name: &str) -> bool {
    let digits = name.strip_prefix("DL").or_else(|| name.strip_prefix("SC"));
    digits.is_some_and(|d| d.len() == 4 && d.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The name that was meant instead of one of ours that there is not.
fn respelt(reading: &Reading<'_>, row: &Row) -> Option<Fix> {
    let name = &row.name;
    let meant = nearest(name, RULES.iter().map(|rule| rule.id)).filter(|_| find(name).is_err());
    let meant =
        meant.filter(|_| row.dialect == Dialect::Careen && reading.file.file.text().is_some())?;
    let text = comment(reading.file, row.comment);
    let at = text.find(name.as_str())?;
    let start = row.comment.start + u32::try_from(at).ok()?;
    let span = Span { start, end: start + u32::try_from(name.len()).ok()? };
    let word = text.split_whitespace().find(|word| word.contains(name.as_str()))?;
    let edit = Edit::replace(span, meant);
    let fix = Fix::safe(format!("Write `{meant}`"), edits(reading.file, vec![edit]));
    Some(fix.removes(word).adds(&word.replacen(name.as_str(), meant, 1)))
}

/// A comment of ours that silenced nothing when its rule was asked.
pub(crate) fn unused(file: &ParsedDockerfile, row: &Row) -> Option<Finding> {
    let message = format!("`{}` finds nothing here that would need to be silenced", row.name);
    let finding = RULE.at(file, row.comment, message);
    let path = file.path.display().to_string();
    (row.dialect == Dialect::Careen).then(|| finding.because("name", row.name.clone(), path))
}
