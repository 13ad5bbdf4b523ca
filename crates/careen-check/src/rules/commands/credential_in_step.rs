//! A password or token is written in a RUN or an address: it stays in the history of the image.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::ShellWord;

use crate::calls::Command;
use crate::rules::variables::secret_in_arg_or_env::is_secret;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "credential-in-step",
    title: "no passwords in commands",
    category: Category::Secrets,
    topic: Topic::Security,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("credential_in_step.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        for command in run.commands() {
            for word in command.assignments.iter().chain(&command.words) {
                let Some(what) = credential(command, word) else { continue };
                let message = format!("{what} can be read in the history of the image");
                let fix = Fix::by_hand("Give it to the step as a secret")
                    .show("RUN --mount=type=secret,id=NAME,env=NAME …");
                let program = command.program();
                found.push(
                    rule.at(reading.file, word.span, message)
                        .because("command", program, reading.file.path.display().to_string())
                        .fix(fix),
                );
            }
        }
    }
}

/// What kind of credential a word is; never the credential.
fn credential(command: &Command, word: &ShellWord) -> Option<String> {
    if word.dynamic {
        return None;
    }
    let text = word.text.as_str();
    if let Some((_, rest)) = text.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        let (user, host) = authority.rsplit_once('@')?;
        let (_, password) = user.split_once(':')?;
        return (!password.is_empty()).then(|| format!("the password for `{host}`"));
    }
    let is_set = command.assignments.contains(word) || command.program() == "export";
    let (name, value) = text.split_once('=').filter(|_| is_set)?;
    // Words and short values switch something on or name a place.
    let has_digit = value.bytes().any(|b| b.is_ascii_digit());
    let has_letter = value.bytes().any(|b| b.is_ascii_alphabetic());
    let is_random = value.len() >= 8 && has_digit && has_letter;
    let is_meant = is_random && !value.starts_with(['/', '.', '<']) && is_secret(name);
    is_meant.then(|| format!("the value of `{name}`"))
}
