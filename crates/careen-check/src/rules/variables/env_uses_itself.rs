//! ENV uses a variable that the same instruction sets: the old value counts.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "env-uses-itself",
    title: "ENV uses what was set before",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Never,
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
                format!("`${name}` is still empty here: this ENV sets it for what follows");
            found.push(rule.at(reading.file, pair.value.span, message).because(
                "set in the same ENV",
                name.clone(),
                reading.file.path.display().to_string(),
            ));
        }
    }
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
