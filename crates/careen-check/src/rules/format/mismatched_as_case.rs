//! `FROM … as` or `from … AS`: the two keywords are written in different case.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::{Reading, edits};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "mismatched-as-case",
    title: "AS is written as FROM is",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["FromAsCasing"],
    page: include_str!("mismatched_as_case.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::From) {
        let from = &step.instruction.name.text;
        let [_, word, _, ..] = step.instruction.words.as_slice() else { continue };
        let Some(wanted) = like(from).filter(|wanted| word.text != *wanted) else { continue };
        let message = format!("'{}' and '{from}' keywords' casing do not match", word.text);
        let edit = Edit::replace(word.span, wanted);
        let fix = Fix::safe(format!("Write `{wanted}`"), edits(reading.file, vec![edit]));
        found.push(
            rule.at(reading.file, step.instruction.code, message)
                .because("keyword", from, reading.file.path.display().to_string())
                .fix(fix.removes(&word.text).adds(wanted)),
        );
    }
}

/// `AS` in the case of the keyword; nothing where that is mixed itself.
fn like(keyword: &str) -> Option<&'static str> {
    match keyword {
        "FROM" => Some("AS"),
        "from" => Some("as"),
        _ => None,
    }
}
