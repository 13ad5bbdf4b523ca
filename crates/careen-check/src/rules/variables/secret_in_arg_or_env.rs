//! A variable that looks like a secret is kept in the image or its history.

use careen_model::{Category, Findings, Fix, Severity, Span};
use careen_syntax::dockerfile::{Keyword, quote};

use crate::buildkit::on_first_line;
use crate::steps::{Placed, Reading};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "secret-in-arg-or-env",
    title: "no secrets in ARG or ENV",
    category: Category::Secrets,
    topic: Topic::Security,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["SecretsUsedInArgOrEnv", "DL3064"],
    page: include_str!("secret_in_arg_or_env.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    // An argument before the first stage is in no image.
    for step in reading.steps.iter().filter(|step| step.stage.is_some()) {
        let instruction = step.instruction;
        let keyword = instruction.keyword.as_str();
        for (name, span) in names(reading, step).into_iter().filter(|(name, _)| is_secret(name)) {
            let fix = Fix::by_hand("Give it to the step that needs it as a secret")
                .show(format!("RUN --mount=type=secret,id={name},env={name} …"));
            let message = format!(
                "Do not use ARG or ENV instructions for sensitive data ({keyword} {})",
                quote(name.as_bytes())
            );
            let place = on_first_line(file, instruction, span);
            found.push(
                rule.at(file, place, message)
                    .because("name", name, format!("{keyword} in {}", file.path.display()))
                    .fix(fix),
            );
        }
    }
}

fn names(reading: &Reading<'_>, step: &Placed<'_>) -> Vec<(String, Span)> {
    let is_plain = |text: &str| !text.contains(['$', '"', '\'', reading.file.file.escape]);
    let expanded = |text: &str| {
        if is_plain(text) {
            return text.to_owned();
        }
        reading.meaning.expand(step.item, text).text
    };
    match step.instruction.keyword {
        Keyword::Env => {
            let pairs = step.instruction.pairs();
            pairs.iter().map(|pair| (expanded(&pair.name.text), pair.name.span)).collect()
        }
        Keyword::Arg => {
            let declared = step.instruction.declared().into_iter();
            declared.map(|argument| (argument.name, argument.name_span)).collect()
        }
        _ => vec![],
    }
}

/// The words that BuildKit's check looks for between underscores.
const SECRET: [&str; 10] = [
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "password",
    "pword",
    "passwd",
    "secret",
    "token",
];

/// The words that make a name harmless.
const HARMLESS: [&str; 3] = ["public", "file", "version"];

pub(in crate::rules) fn is_secret(name: &str) -> bool {
    let has = |words: &[&str]| {
        name.split('_').any(|part| words.iter().any(|word| word.eq_ignore_ascii_case(part)))
    };
    has(&SECRET) && !has(&HARMLESS)
}
