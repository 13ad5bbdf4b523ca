//! uv installs without bytecode, and the image forbids Python to keep any: each start compiles again.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Keyword, Manager};

use crate::packages::install;
use crate::steps::{Reading, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "uncompiled-bytecode",
    title: "installed modules are compiled once",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("uncompiled_bytecode.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let Some(forbidden) = forbidding_line(reading) else { return };
    if is_decided(reading) {
        return;
    }
    let file = reading.file;
    for run in reading.runs.iter().filter(|run| !run.is_trigger && !run.sets(COMPILE)) {
        for command in run.commands() {
            let is_uv = install(command).is_some_and(|install| install.manager == Manager::Uv);
            let Some(package) = command.package.as_ref().filter(|_| is_uv) else { continue };
            let decides = ["--compile-bytecode", "--compile", "--no-compile-bytecode"];
            if package.verb == "tool install" || package.option(&decides).is_some() {
                continue;
            }
            let message = "uv leaves modules uncompiled, and Python may not keep what it compiles";
            let edit = insert(command.span.start, format!("{COMPILE}=1 "));
            let fix = Fix::risky("Compile while installing", edits(file, vec![edit]));
            let fix = fix.adds(&format!("{COMPILE}=1"));
            found.push(
                rule.at(file, package.program_span, message)
                    .because(
                        "PYTHONDONTWRITEBYTECODE",
                        format!("set in line {forbidden}"),
                        file.path.display().to_string(),
                    )
                    .maybe_fix(run.takes_words(file).then_some(fix)),
            );
        }
    }
}

const COMPILE: &str = "UV_COMPILE_BYTECODE";

/// The line of the shipped image that forbids Python to write bytecode.
fn forbidding_line(reading: &Reading<'_>) -> Option<u32> {
    let mut env = reading.all(Keyword::Env).filter(|step| !step.is_trigger);
    let line = env.find(|step| {
        let pairs = step.instruction.pairs();
        let mut own = pairs.iter().filter(|pair| pair.name.text == "PYTHONDONTWRITEBYTECODE");
        let is_set = own.any(|pair| !pair.value.text.trim_matches('"').is_empty());
        is_set && step.stage.is_some_and(|stage| reading.is_shipped(stage))
    });
    line.map(|step| step.instruction.lines.0)
}

/// ENV or ARG anywhere in the file decides it.
fn is_decided(reading: &Reading<'_>) -> bool {
    let steps = reading.all(Keyword::Env).chain(reading.all(Keyword::Arg));
    let mut texts = steps.map(|step| step.instruction.logical().text());
    texts.any(|text| text.windows(COMPILE.len()).any(|part| part == COMPILE.as_bytes()))
}
