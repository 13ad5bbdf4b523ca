//! RUN.

use careen_model::Findings;
use careen_syntax::dockerfile::Keyword;

use super::report;
use crate::profile::hadolint::bash::{Body, Call};
use crate::steps::Reading;
use crate::suppress::shells;
use crate::{Facts, Rule};

/// Reports each RUN, also behind ONBUILD, with a command of that kind.
fn each(
    rule: &Rule,
    reading: &Reading<'_>,
    message: &str,
    found: &mut Findings,
    is_bad: fn(&Call) -> bool,
) {
    let bad = reading.bodies().iter().filter(|body| body.commands.iter().any(is_bad));
    for body in bad {
        report(rule, reading, body.step.instruction.code, message, found);
    }
}

const POINTLESS: [&str; 9] =
    ["free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim"];

pub(super) fn pointless(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let message = "a command makes no sense in a build";
    each(rule, reading, message, found, |call| POINTLESS.contains(&call.name.as_str()));
}

pub(super) fn cd(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for body in reading.bodies().iter().filter(|body| !body.step.is_trigger && body.starts("cd")) {
        let message = "the folder is changed with `cd`, not with WORKDIR";
        report(rule, reading, body.step.instruction.code, message, found);
    }
}

pub(super) fn sudo(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    each(rule, reading, "sudo is used", found, |call| call.name == "sudo");
}

pub(super) fn useradd(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    each(rule, reading, "useradd gets a large number and no `-l`", found, |call| {
        call.name == "useradd"
            && !call.has_option(&["l", "no-log-init"])
            && call.values("u").any(|value| value.chars().count() > 5)
    });
}

pub(super) fn wget(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    each(rule, reading, "wget shows all of its progress", found, |call| {
        let quiet =
            ["progress", "q", "quiet", "o", "output-file", "a", "append-output", "no-verbose"];
        call.name == "wget"
            && !call.has_option(&quiet)
            && !call.arguments.iter().any(|argument| argument == "-nv")
    });
}

pub(super) fn relinked(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    each(rule, reading, "/bin/sh is linked to another shell", found, |call| {
        call.name == "ln" && call.arguments.iter().any(|argument| argument == "/bin/sh")
    });
}

/// Triggers are counted apart from steps, and through all stages.
pub(super) fn curl_and_wget(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for is_trigger in [false, true] {
        let (mut stage, mut curl, mut wget) = (None, false, false);
        for body in reading.bodies().iter().filter(|body| body.step.is_trigger == is_trigger) {
            if !is_trigger && body.step.stage != stage {
                (stage, curl, wget) = (body.step.stage, false, false);
            }
            let uses = [body.starts("curl"), body.starts("wget")];
            curl |= uses[0];
            wget |= uses[1];
            if uses.contains(&true) && curl && wget {
                let message = "both curl and wget are used";
                report(rule, reading, body.step.instruction.code, message, found);
            }
        }
    }
}

/// A RUN that is reported leaves what the next one is compared with.
pub(super) fn consecutive(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut first: Option<&Body<'_>> = None;
    let mut at = 0;
    for body in reading.bodies().iter().filter(|body| !body.step.is_trigger) {
        let is_one = |body: &Body<'_>| body.commands.len() < 2;
        let is_next = at + 1 == body.step.at;
        at = body.step.at;
        let like = first.filter(|first| is_next && first.flags == body.flags && is_one(first));
        if like.is_some() && is_one(body) {
            let message = "this RUN follows another one";
            report(rule, reading, body.step.instruction.code, message, found);
        } else {
            first = Some(body);
        }
    }
}

/// What hadolint knows of the shell: what SHELL said last in this stage, or a comment.
pub(super) fn pipes(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut guarded = false;
    let comments = shells(reading.file);
    for step in &reading.steps {
        match step.instruction.keyword {
            _ if step.is_trigger => {}
            Keyword::From => guarded = false,
            Keyword::Shell => {
                let words: Vec<&str> =
                    step.instruction.words.iter().map(|word| word.text.as_str()).collect();
                guarded = is_foreign(&words.join(" ")) || has_pipefail(&words);
            }
            Keyword::Run if !guarded => {
                let body = reading.bodies().iter().find(|body| body.step.item == step.item);
                let said = comments.at(&reading.meaning, step.item).is_some_and(is_foreign);
                if body.is_some_and(|body| body.pipes) && !said {
                    let message = "a pipe without `-o pipefail`";
                    report(rule, reading, step.instruction.code, message, found);
                }
            }
            _ => {}
        }
    }
}

fn is_foreign(shell: &str) -> bool {
    ["pwsh", "powershell", "cmd"].iter().any(|name| shell.starts_with(name))
}

fn has_pipefail(words: &[&str]) -> bool {
    let words: Vec<&str> = words.iter().flat_map(|word| word.split_whitespace()).collect();
    let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(""));
    let is_option =
        |word: &&str| word.starts_with('-') && !word.starts_with("--") && word.contains('o');
    matches!(program, "bash" | "zsh" | "ash")
        && words.iter().any(is_option)
        && words.contains(&"pipefail")
}
