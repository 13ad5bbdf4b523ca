//! Lines of the ignore file that do not mean what they seem to mean.

use careen_model::{Basis, Category, Findings, Fix, Place, Saving, Severity, Span, Why};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "broken-ignore-file",
    title: "ignore file is understood",
    category: Category::Ignore,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("broken_ignore_file.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let ignore = facts.ignore()?;
    let text = ignore.text.as_deref().unwrap_or("");
    for problem in &ignore.problems {
        let span = problem.line.map_or(Span { start: 0, end: 0 }, |line| line_span(text, line));
        let place = Place::File { path: ignore.path.clone(), span };
        let source = match problem.line {
            Some(line) => format!("{}:{line}", ignore.path.display()),
            None => ignore.path.display().to_string(),
        };
        let fix = Fix::by_hand("Correct the line").show("careen context --explain PATH");
        let mut finding =
            rule.finding(place, &problem.message).because("line", span.of(text), source).fix(fix);
        if problem.fatal {
            finding = finding.costs(Saving::MayFail, Basis::Rule);
        } else {
            finding.severity = Severity::Warning;
        }
        found.push(finding);
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "an ignore file over 4 GiB stops the walk")]
fn line_span(text: &str, line: u32) -> Span {
    let mut start = 0;
    for (n, content) in text.split_inclusive('\n').enumerate() {
        if n + 1 == line as usize {
            let end = start + content.trim_end_matches(['\n', '\r']).len();
            return Span { start: start as u32, end: end as u32 };
        }
        start += content.len();
    }
    Span { start: text.len() as u32, end: text.len() as u32 }
}
