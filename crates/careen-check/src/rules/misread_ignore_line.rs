//! Lines of the ignore file that mean something else than they look.

use careen_model::{Category, Edit, Findings, Fix, Place, Severity, Span, Step, Why};
use careen_syntax::ignore::{LineKind, Reading, line_readings, read};

use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "misread-ignore-line",
    title: "ignore file means what it says",
    category: Category::Ignore,
    // The builder reads it one way and people another; `careen lint` tells, the doctor does not.
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("misread_ignore_line.md"),
    check: Check::Facts(check),
};

/// Names that tools leave at every depth; elsewhere a bare name may well mean the root alone.
const EVERYWHERE: [&str; 4] = ["__pycache__", ".DS_Store", ".ipynb_checkpoints", "Thumbs.db"];

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let ignore = facts.ignore()?;
    let Some(text) = &ignore.text else { return Ok(()) };
    for line in read(text.as_bytes()).lines {
        let is_pattern = matches!(line.kind, LineKind::Pattern(_));
        // What breaks the build is another finding.
        let is_broken = || ignore.problems.iter().any(|one| one.line == Some(line.number));
        if !is_pattern || is_broken() {
            continue;
        }
        let raw = line.raw.as_str();
        let readings = line_readings(line.span.of(text));
        let Some((reading, severity)) =
            readings.into_iter().find_map(|one| Some((one, misleads(one, raw)?)))
        else {
            continue;
        };
        let place = Place::File { path: ignore.path.clone(), span: line.span };
        let message = format!("`{raw}`: {}", reading.text());
        let source = format!("{}:{}", ignore.path.display(), line.number);
        let mut finding = rule.finding(place, message).because("line", raw, source);
        finding.severity = severity;
        let fix = fix(reading, line.span, line.span.of(text), raw);
        found.push(finding.maybe_fix(fix.map(|(title, edit)| {
            let edits = vec![edit];
            Fix::risky(title, Step::Edit { path: ignore.path.clone(), edits })
        })));
    }
    Ok(())
}

/// How bad it is to misread a line; nothing for readings that most people mean.
fn misleads(reading: Reading, raw: &str) -> Option<Severity> {
    let is_everywhere =
        |raw: &str| raw.starts_with("*.") || EVERYWHERE.contains(&raw.trim_end_matches('/'));
    match reading {
        Reading::RootOnly => is_everywhere(raw).then_some(Severity::Hint),
        Reading::EntersEverything => Some(Severity::Hint),
        Reading::WholeFolders
        | Reading::BangInClass
        | Reading::Braces
        | Reading::Alternative
        | Reading::Caret
        | Reading::BackslashClass
        | Reading::IndentedComment
        | Reading::TrailingComment
        | Reading::Nothing => Some(Severity::Warning),
        Reading::AlsoFiles | Reading::NotItself | Reading::AnyEnd | Reading::Slow => None,
    }
}

/// What was meant, where one thing is likely. It changes what is sent, so it is risky.
fn fix(reading: Reading, span: Span, line: &str, raw: &str) -> Option<(String, Edit)> {
    match reading {
        Reading::RootOnly => {
            let wanted = format!("**/{raw}");
            Some((format!("Write `{wanted}`"), Edit::replace(span, wanted)))
        }
        Reading::IndentedComment => {
            Some(("Begin the comment in the first column".to_owned(), Edit::replace(span, raw)))
        }
        Reading::TrailingComment => {
            let (pattern, comment) = line.split_once('#')?;
            let text = format!("#{comment}\n{}", pattern.trim());
            Some(("Put the comment on a line of its own".to_owned(), Edit::replace(span, text)))
        }
        Reading::BangInClass => {
            let text = line.replace("[!", "[^");
            Some((format!("Write `{}`", text.trim()), Edit::replace(span, text)))
        }
        _ => None,
    }
}
