//! CMD or ENTRYPOINT in shell form: a shell stands between the container and its program.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Form, Instruction, Keyword, Shell};

use crate::buildkit::{change, has_comment};
use crate::steps::{Placed, Reading};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "shell-form-command",
    title: "CMD and ENTRYPOINT are in JSON form",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["JSONArgsRecommended", "DL3025"],
    page: include_str!("shell_form_command.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for step in &reading.steps {
        let instruction = step.instruction;
        let starts = matches!(instruction.keyword, Keyword::Cmd | Keyword::Entrypoint);
        if !starts || instruction.form == Form::Json || step.stage.is_none() {
            continue;
        }
        // Who chose a shell wants it.
        if reading.meaning.has_before(step.item, Keyword::Shell) {
            continue;
        }
        let name = &instruction.name.text;
        let message = format!(
            "JSON arguments recommended for {name} to prevent unintended behavior related to OS signals"
        );
        found.push(
            rule.at(file, instruction.code, message)
                .because("form", "shell", file.path.display().to_string())
                .maybe_fix(as_json(reading, step)),
        );
    }
}

/// The same words without the shell, where a shell would have changed none of them.
fn as_json(reading: &Reading<'_>, step: &Placed<'_>) -> Option<Fix> {
    let word = step.instruction.words.first()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " \t/._-:=@%+,".contains(c);
    let words: Vec<&str> = word.text.split_whitespace().collect();
    let program = words.first()?;
    let is_shells = program.contains('=') || BUILTIN.contains(program);
    let is_posix = matches!(reading.meaning.shell_at(step.item), Shell::Posix(_));
    let is_simple = word.text.chars().all(is_plain) && !has_comment(reading.file, word.span);
    if !is_simple || is_shells || !is_posix || meets_other(reading, step) {
        return None;
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let text = format!("[{}]", quoted.join(", "));
    let edit = Edit::replace(word.span, text);
    change(reading.file, Fix::risky, "Start the program without a shell", vec![edit])
}

/// ENTRYPOINT and CMD together: in JSON form one becomes the arguments of the other.
fn meets_other(reading: &Reading<'_>, step: &Placed<'_>) -> bool {
    let other = match step.instruction.keyword {
        Keyword::Cmd => Keyword::Entrypoint,
        _ => Keyword::Cmd,
    };
    let same_stage = |placed: &&Placed<'_>| placed.stage == step.stage;
    let is_other = |instruction: &Instruction| instruction.keyword == other;
    reading.steps.iter().filter(same_stage).any(|placed| is_other(placed.instruction))
}

/// Words that only a shell understands, or that it treats in its own way.
const BUILTIN: [&str; 24] = [
    ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "eval", "exec", "exit",
    "export", "for", "if", "read", "return", "set", "source", "trap", "ulimit", "umask", "until",
    "while",
];
