//! Every change of any file runs the installs again, because all files are copied before them.

use careen_model::{Basis, Category, Edit, Findings, Fix, Saving, Severity, Span};
use careen_syntax::dockerfile::{Instruction, Item, Keyword};

use crate::packages::{Install, install};
use crate::reads::is_blind;
use crate::rules::packages::installs_cost;
use crate::steps::{Reading, Run, edits, insert, text};
use crate::{Check, Facts, Fixable, ParsedDockerfile, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "copy-all-before-dependencies",
    title: "sources come after dependencies",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("copy_all_before_dependencies.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, dockerfile: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Reading { file, runs, .. } = dockerfile;
    let all: Vec<&Instruction> = file.file.instructions().collect();
    for (at, copy) in all.iter().enumerate().filter(|(_, copy)| copies_all(copy)) {
        let end = (at..all.len()).skip(1).find(|i| all[*i].keyword == Keyword::From);
        let within = at..end.unwrap_or(all.len());
        let later: Vec<&Run<'_>> = runs.iter().filter(|run| within.contains(&run.at)).collect();
        let installs = later.iter().filter(|run| !installs_of(run).is_empty());
        let installs: Vec<&Run<'_>> = installs.copied().collect();
        if installs.is_empty() {
            continue;
        }
        let (seconds, basis, source) = price(&installs, facts);
        let message = format!(
            "a change of any file runs {} install {} again",
            installs.len(),
            if installs.len() == 1 { "step" } else { "steps" }
        );
        let finding = rule
            .at(file, copy.code, message)
            .because("installs after it", lines(&installs), file.path.display().to_string())
            .because("they take", format!("{seconds:.1} s"), source)
            .costs(Saving::SecondsPerRebuild(seconds), basis);
        let between = &all[at + 1..];
        let fix = reorder(file, copy, between, &later, &installs, facts);
        found.push(finding.fix(fix.unwrap_or_else(|| by_hand(&installs))));
    }
}

/// `COPY . .` and its kin, from the context.
pub(super) fn copies_all(instruction: &Instruction) -> bool {
    let Some(transfer) = instruction.transfer() else { return false };
    let whole = |text: &str| matches!(text, "." | "./" | "/" | "./.");
    transfer.from.is_none() && transfer.sources.iter().any(|word| whole(&word.text))
}

pub(super) fn installs_of(run: &Run<'_>) -> Vec<Install> {
    run.commands().filter_map(install).collect()
}

fn lines(runs: &[&Run<'_>]) -> String {
    let lines = runs.iter().map(|run| run.instruction.lines.0.to_string());
    let noun = if runs.len() == 1 { "line" } else { "lines" };
    format!("{noun} {}", lines.collect::<Vec<_>>().join(", "))
}

/// What the installs take together; a manager that is only modelled counts once.
fn price(installs: &[&Run<'_>], facts: &Facts) -> (f64, Basis, String) {
    let mut told = Vec::new();
    let (mut measured, mut modelled) = (0.0, 0.0);
    let mut sources: Vec<String> = Vec::new();
    for run in installs {
        for manager in installs_of(run).iter().map(|install| install.manager) {
            let Some((seconds, basis, source)) = installs_cost::seconds(run, facts, manager) else {
                continue;
            };
            match basis {
                Basis::Measured => measured += seconds,
                _ if told.contains(&manager) => continue,
                _ => modelled += seconds,
            }
            told.push(manager);
            if !sources.contains(&source) {
                sources.push(source);
            }
            // A step is measured as a whole, however many managers it calls.
            if basis == Basis::Measured {
                break;
            }
        }
    }
    let basis = if modelled > 0.0 { Basis::Modelled } else { Basis::Measured };
    (measured + modelled, basis, sources.join(", "))
}

fn by_hand(installs: &[&Run<'_>]) -> Fix {
    let files = files(installs);
    if files.is_empty() {
        return Fix::by_hand("Copy the sources after the last install");
    }
    Fix::by_hand(format!(
        "Copy only {} before the installs, and the rest after them",
        files.join(" ")
    ))
}

/// The files of the project that the installs read, each once.
fn files(installs: &[&Run<'_>]) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for read in installs.iter().flat_map(|run| installs_of(run)).flat_map(|i| i.reads) {
        if !files.contains(&read) {
            files.push(read);
        }
    }
    files
}

fn files_of(run: &Run<'_>) -> Vec<String> {
    files(&[run])
}

/// Moves the copy behind the last install and copies only what the installs read before the
/// first that reads something. `None`: a step between them may need the sources.
fn reorder(
    file: &ParsedDockerfile,
    copy: &Instruction,
    between: &[&Instruction],
    later: &[&Run<'_>],
    installs: &[&Run<'_>],
    facts: &Facts,
) -> Option<Fix> {
    let last = installs.last()?;
    let passed = between.iter().take_while(|i| i.span.start <= last.instruction.span.start);
    let is_run = |i: &&&Instruction| i.keyword == Keyword::Run;
    // A RUN that we do not read, a changed folder or user, or another copy: order matters.
    let read = later.iter().filter(|run| run.at <= last.at);
    let harmless = |i: &&&Instruction| {
        use Keyword::{Arg, Cmd, Entrypoint, Env, Expose, Healthcheck, Label, Run, Stopsignal};
        matches!(
            i.keyword,
            Arg | Cmd | Entrypoint | Env | Expose | Healthcheck | Label | Run | Stopsignal
        )
    };
    let passed: Vec<&&Instruction> = passed.collect();
    let all_read = passed.iter().copied().filter(is_run).count() == read.clone().count();
    let all_blind = read.clone().all(|run| run.script.is_plain && run.commands().all(is_blind));
    if !all_read || !all_blind || !passed.iter().copied().all(|i| harmless(&i)) {
        return None;
    }
    let needs_sources = installs.iter().any(|run| needs_sources(run, facts));
    let transfer = copy.transfer()?;
    let destination = &transfer.destination?.text;
    let is_simple = transfer.sources.len() == 1 && copy.heredocs.is_empty();
    let has_variables = text(file, copy.span).contains('$');
    if needs_sources || !is_simple || has_variables || file.file.text().is_none() {
        return None;
    }
    let taken = with_comments(file, copy);
    let moved = text(file, taken);
    let end = file.file.line_end();
    let mut edits_ = vec![Edit::replace(taken, "")];
    let mut fix = Fix::by_hand("Copy the sources after the last install");
    let files = files(installs);
    if !files.is_empty() {
        let first = installs.iter().find(|run| !files_of(run).is_empty())?;
        let line = narrow_copy(copy, &files, destination);
        let at = first.instruction.span.start;
        edits_.push(insert(at, format!("{line}{end}")));
        fix = fix.adds(&line);
        fix.title = format!("Copy {} first and the rest after the last install", files.join(" "));
    }
    let at = last.instruction.span.end;
    let before = text(file, last.instruction.span);
    let gap = if before.ends_with('\n') { "" } else { end };
    let moved = moved.trim_end_matches(['\n', '\r']);
    edits_.push(insert(at, format!("{gap}{moved}{end}")));
    fix.safety = careen_model::Safety::Risky;
    fix.steps = vec![edits(file, edits_)];
    Some(fix)
}

/// The instruction and the comments right above it.
pub(in crate::rules) fn with_comments(file: &ParsedDockerfile, copy: &Instruction) -> Span {
    let above = file.file.items.iter().filter(|item| item.span().end <= copy.span.start);
    let comments = above.rev().take_while(|item| matches!(item, Item::Comment(_)));
    let start = comments.last().map_or(copy.span.start, |item| item.span().start);
    Span { start, end: copy.span.end }
}

/// The same COPY with the same flags, of a few files into the same folder.
pub(super) fn narrow_copy(copy: &Instruction, files: &[String], destination: &str) -> String {
    let folder = match destination {
        "." | "./" => "./".to_owned(),
        path => format!("{}/", path.trim_end_matches('/')),
    };
    let mut words = vec![copy.name.text.clone()];
    for flag in &copy.flags {
        match &flag.value {
            Some(value) => words.push(format!("--{}={value}", flag.name)),
            None => words.push(format!("--{}", flag.name)),
        }
    }
    words.extend(files.iter().cloned());
    words.push(folder);
    words.join(" ")
}

/// The install builds or links the project itself.
fn needs_sources(run: &Run<'_>, facts: &Facts) -> bool {
    let is_application = facts
        .project
        .as_ref()
        .is_some_and(|project| project.python.known().is_some_and(|python| !python.is_package));
    run.commands().any(|command| {
        let is_sync =
            command.program() == "uv" && command.arguments().iter().any(|w| w.text == "sync");
        // `uv sync` of an application installs dependencies and nothing else.
        install(command).is_some_and(|i| i.needs_sources && !(is_sync && is_application))
    })
}
