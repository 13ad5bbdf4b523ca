//! A variable that looks like a secret is kept in the image or its history.

use careen_model::{Category, Findings, Fix, Severity, Span};
use careen_syntax::dockerfile::Keyword;

use crate::steps::Reading;
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
    aliases: &["SecretsUsedInArgOrEnv"],
    page: include_str!("secret_in_arg_or_env.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = dockerfile.file;
    for instruction in file.file.instructions() {
        let names: Vec<(String, Span)> = match instruction.keyword {
            Keyword::Env => {
                let pairs = instruction.pairs();
                pairs.iter().map(|pair| (pair.name.text.clone(), pair.name.span)).collect()
            }
            Keyword::Arg => {
                let declared = instruction.declared().into_iter();
                declared.map(|argument| (argument.name, argument.name_span)).collect()
            }
            _ => continue,
        };
        let keyword = instruction.keyword.as_str();
        for (name, span) in names.into_iter().filter(|(name, _)| is_secret(name)) {
            let fix = Fix::by_hand("Give it to the step that needs it as a secret")
                .show(format!("RUN --mount=type=secret,id={name},env={name} …"));
            let message = format!("`{keyword} {name}` keeps a secret where everybody can read it");
            found.push(
                rule.at(file, span, message)
                    .because("name", name, format!("{keyword} in {}", file.path.display()))
                    .fix(fix),
            );
        }
    }
}

/// The words BuildKit's own check looks for, and the one that makes a key harmless.
const WORDS: [&str; 10] = [
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

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut parts = name.split('_');
    parts.any(|part| WORDS.contains(&part)) && !name.contains("public")
}
