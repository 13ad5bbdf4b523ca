//! What BuildKit checks too. hadolint looks at each instruction for itself, also in files that
//! BuildKit refuses, so most rows judge anew.

use std::collections::HashSet;

use careen_model::{Findings, Severity};
use careen_syntax::dockerfile::{Command, Form, Keyword, NO_STAGES, OUTSIDE_OF_STAGES};

use crate::profile::Row;
use crate::rules::commands::{overridden_instruction, shell_form_command};
use crate::rules::format::{invalid_dockerfile, maintainer_instruction};
use crate::rules::stages::{
    constant_platform, duplicate_stage_name, redundant_target_platform, relative_workdir,
    reserved_stage_name,
};
use crate::rules::variables::secret_in_arg_or_env;
use crate::steps::{Placed, Reading};
use crate::{Facts, Rule};

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    Row::own("DL1000", Severity::Error, &invalid_dockerfile::RULE, unreadable),
    Row::own("DL3000", Severity::Error, &relative_workdir::RULE, relative),
    Row::own("DL3012", Severity::Error, &overridden_instruction::RULE, healthchecks),
    Row::own("DL3024", Severity::Error, &duplicate_stage_name::RULE, duplicates),
    Row::own("DL3025", Severity::Warning, &shell_form_command::RULE, shell_forms),
    Row::own("DL3029", Severity::Warning, &constant_platform::RULE, platforms),
    Row::same("DL3063", Severity::Warning, &reserved_stage_name::RULE),
    Row::own("DL3064", Severity::Warning, &secret_in_arg_or_env::RULE, secrets),
    Row::own("DL3065", Severity::Warning, &redundant_target_platform::RULE, target_platforms),
    Row::same("DL4000", Severity::Error, &maintainer_instruction::RULE),
    Row::own("DL4003", Severity::Warning, &overridden_instruction::RULE, commands),
    Row::own("DL4004", Severity::Error, &overridden_instruction::RULE, entrypoints),
];

fn report(
    rule: &Rule,
    reading: &Reading<'_>,
    step: &Placed<'_>,
    message: &str,
    found: &mut Findings,
) {
    let (file, instruction) = (reading.file, step.instruction);
    let place = format!("line {} of {}", instruction.lines.0, file.path.display());
    let finding = rule.at(file, instruction.code, message);
    found.push(finding.because("instruction", &instruction.name.text, place));
}

/// A file without FROM is a file for hadolint.
fn unreadable(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    let about_stages = [OUTSIDE_OF_STAGES, NO_STAGES];
    let problems = file.file.problems.iter().filter(|problem| problem.fatal);
    for problem in problems.filter(|problem| !about_stages.contains(&problem.message.as_str())) {
        let place = format!("line {} of {}", problem.line, file.path.display());
        let finding = rule.at(file, problem.span, &problem.message);
        found.push(finding.because("refused by", "the parser", place));
    }
}

/// Each relative WORKDIR, whatever was set before; one that begins with a variable is not.
fn relative(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in own(reading, Keyword::Workdir) {
        let Some(word) = step.instruction.words.first() else { continue };
        let path = word.text.trim_matches(['"', '\'']);
        let has_drive =
            matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if !path.starts_with(['/', '$']) && !has_drive {
            report(rule, reading, step, "this WORKDIR is relative to the one before", found);
        }
    }
}

fn healthchecks(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    repeated(rule, reading, Keyword::Healthcheck, found);
}

fn commands(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    repeated(rule, reading, Keyword::Cmd, found);
}

fn entrypoints(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    repeated(rule, reading, Keyword::Entrypoint, found);
}

/// hadolint names the later one, also before the first stage.
fn repeated(rule: &Rule, reading: &Reading<'_>, keyword: Keyword, found: &mut Findings) {
    let mut seen = HashSet::new();
    for step in own(reading, keyword) {
        if !seen.insert(step.stage) {
            let message = format!("{} replaces an earlier one of this stage", keyword.as_str());
            report(rule, reading, step, &message, found);
        }
    }
}

/// Names in other letters are other names.
fn duplicates(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut seen = HashSet::new();
    for step in own(reading, Keyword::From) {
        let name = step.instruction.from_view().and_then(|from| from.name);
        if name.is_some_and(|name| !seen.insert(name.text.as_str())) {
            report(rule, reading, step, "an earlier stage has this name too", found);
        }
    }
}

/// HEALTHCHECK too, and whatever SHELL says.
fn shell_forms(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        let instruction = step.instruction;
        let is_shell = match instruction.keyword {
            Keyword::Cmd | Keyword::Entrypoint => instruction.form != Form::Json,
            Keyword::Healthcheck => {
                let check = instruction.healthcheck();
                check.is_some_and(|check| !check.none && matches!(check.command, Command::Shell(_)))
            }
            _ => false,
        };
        if is_shell {
            let message = format!("{} is in shell form", instruction.keyword.as_str());
            report(rule, reading, step, &message, found);
        }
    }
}

/// Any platform but those of the build itself, also where the stage is named after it.
fn platforms(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in own(reading, Keyword::From) {
        let Some(flag) = step.instruction.flag("platform") else { continue };
        let is_builds = ["BUILDPLATFORM", "TARGETPLATFORM"].iter().any(|n| flag.text().contains(n));
        if !flag.text().is_empty() && !is_builds {
            report(rule, reading, step, "FROM asks for one platform", found);
        }
    }
}

fn target_platforms(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in own(reading, Keyword::From) {
        let Some(flag) = step.instruction.flag("platform") else { continue };
        if matches!(flag.text(), "$TARGETPLATFORM" | "${TARGETPLATFORM}") {
            report(rule, reading, step, "FROM asks for the target platform, which it takes", found);
        }
    }
}

/// Once for each ARG or ENV, in ONBUILD and before the first stage too.
fn secrets(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in &reading.steps {
        let names = match step.instruction.keyword {
            Keyword::Env => {
                let pairs = step.instruction.pairs();
                pairs.into_iter().map(|pair| pair.name.text.clone()).collect()
            }
            Keyword::Arg => {
                step.instruction.declared().into_iter().map(|argument| argument.name).collect()
            }
            _ => vec![],
        };
        if let Some(name) = names.iter().find(|name| sounds_secret(name)) {
            let message = format!("`{name}` sounds like something that should be a secret");
            report(rule, reading, step, &message, found);
        }
    }
}

fn sounds_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    PARTS.iter().any(|part| lower.contains(part))
        || NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

const PARTS: [&str; 7] =
    ["api_key", "client_key", "password", "private", "secret", "token", "username"];

/// Names without one of the [`PARTS`].
const NAMES: [&str; 13] = [
    "APPLICATION_KEY",
    "AWS_ACCESS_KEY_ID",
    "CI_DEPLOY_USER",
    "DOCKER_EMAIL",
    "FACEBOOK_APP_ID",
    "HEROKU_API_USER",
    "OKTA_AUTHN_GROUPID",
    "OKTA_CLIENT_ORGURL",
    "OKTA_OAUTH2_CLIENTID",
    "STRIPE_DEVICE_NAME",
    "TRAVIS_OS_NAME",
    "TRAVIS_SECURE_ENV_VARS",
    "TRAVIS_SUDO",
];

/// The instructions of a keyword that are not behind ONBUILD.
fn own<'a, 'b>(reading: &'a Reading<'b>, keyword: Keyword) -> impl Iterator<Item = &'a Placed<'b>> {
    reading.all(keyword).filter(|step| !step.is_trigger)
}
