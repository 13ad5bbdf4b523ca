//! ENV uses a variable that the same instruction sets: the old value counts.

use careen_model::{Category, Edit, Findings, Fix, Severity, Span};
use careen_syntax::dockerfile::Keyword;

use crate::steps::{Placed, Reading, edits, text};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "env-uses-itself",
    title: "ENV uses what was set before",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3044"],
    page: include_str!("env_uses_itself.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Env) {
        let pairs = step.instruction.pairs();
        for (n, pair) in pairs.iter().enumerate().skip(1) {
            let set = pairs[..n].iter().find(|before| uses(&pair.value.text, &before.name.text));
            // With an older value, `PATH=/a:$PATH` and its like mean that one.
            let Some(set) = set.filter(|set| !is_known(reading, step.item, &set.name.text)) else {
                continue;
            };
            let name = &set.name.text;
            let message =
                format!("`${name}` has its old value here: this ENV sets it for what follows");
            let finding = rule.at(reading.file, pair.value.span, message).because(
                "set in the same ENV",
                name.clone(),
                reading.file.path.display().to_string(),
            );
            let gap = Span { start: pairs[n - 1].span.end, end: pair.span.start };
            found.push(finding.maybe_fix(apart(reading, step, gap)));
        }
    }
}

/// Begins another ENV in a gap between two pairs. The value becomes another, as it was meant.
fn apart(reading: &Reading<'_>, step: &Placed<'_>, gap: Span) -> Option<Fix> {
    let between = text(reading.file, gap);
    let is_gap =
        !between.is_empty() && between.chars().all(|c| c.is_whitespace() || "\\`".contains(c));
    if !is_gap || step.is_trigger {
        return None;
    }
    let keyword = &step.instruction.name.text;
    let line = format!("{}{keyword} ", reading.file.file.line_end());
    let step = edits(reading.file, vec![Edit::replace(gap, line)]);
    Some(Fix::risky("Set it in an ENV of its own", step).adds(keyword))
}

fn is_known(reading: &Reading<'_>, item: usize, name: &str) -> bool {
    name == "PATH" || reading.meaning.variable(item, name).is_some()
}

/// True when a text has `$NAME` or `${NAME`.
fn uses(text: &str, name: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let rest = &text[at + 1..];
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let next = rest.strip_prefix(name).map(|rest| rest.bytes().next());
        next.is_some_and(|next| !next.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_'))
    })
}
