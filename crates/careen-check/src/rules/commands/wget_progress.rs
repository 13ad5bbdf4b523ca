//! wget fills the log of a step with its progress.

use careen_model::{Category, Findings, Fix, Severity};

use crate::steps::{Reading, edits, insert};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "wget-progress",
    title: "downloads do not fill the log",
    category: Category::Dockerfile,
    topic: Topic::Style,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["DL3047"],
    page: include_str!("wget_progress.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for run in &reading.runs {
        for command in run.commands().filter(|command| command.program() == "wget") {
            let Some((at, program)) = command.start() else { continue };
            if command.arguments().iter().any(|word| is_quiet(&word.text))
                || command.words.len() == at + 1
            {
                continue;
            }
            let finding = rule
                .at(
                    reading.file,
                    command.span,
                    "wget writes its progress into the log line by line",
                )
                .because("option", "no --progress", reading.file.path.display().to_string());
            let edit = insert(program.span.end, format!(" {OPTION}"));
            // The wget of busybox knows no such option.
            let fix =
                Fix::risky("Show less progress", edits(reading.file, vec![edit])).adds(OPTION);
            found.push(finding.maybe_fix(run.is_editable(reading.file).then_some(fix)));
        }
    }
}

const OPTION: &str = "--progress=dot:giga";

fn is_quiet(option: &str) -> bool {
    let long = [
        "--progress",
        "--quiet",
        "--no-verbose",
        "--output-file",
        "--append-output",
        "--spider",
        "--version",
        "--help",
    ];
    let is_short = option.starts_with('-') && !option.starts_with("--");
    let letters = option.split(['=', '/']).next().unwrap_or("");
    long.iter().any(|name| option.starts_with(name))
        || is_short && letters.contains(['q', 'o', 'a', 'v'])
}
