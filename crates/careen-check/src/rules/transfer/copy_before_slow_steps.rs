//! Files that change often are copied before slow steps that do not read them.

use careen_model::{Category, ChangeFacts, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Instruction, Keyword, MountKind};

use super::copy_all_before_dependencies::{copies_all, installs_of, narrow_copy, with_comments};
use super::layout::{Layout, Read, Region, is_below, known};
use crate::reads::{OF_MANY_PROJECTS, reads};
use crate::rebuild::{Gain, gain};
use crate::steps::{Placed, Reading, Run, edits, insert, text};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "copy-before-slow-steps",
    title: "what changes often is copied late",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("copy_before_slow_steps.md"),
    check: Check::Changes(check),
};

/// Folders whose files steps use without naming them.
const OF_THE_SYSTEM: [&str; 13] = [
    "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/sbin", "/sys",
    "/usr", "/var",
];
/// Folders in those that projects live in.
const OF_PROJECTS: [&str; 5] =
    ["/home/app", "/usr/share/nginx", "/usr/src", "/var/task", "/var/www"];

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Some(changes) = known(facts) else { return };
    for (n, copy) in reading.steps.iter().enumerate() {
        let is_copy = matches!(copy.instruction.keyword, Keyword::Copy | Keyword::Add);
        if !is_copy || copy.is_trigger || is_told_already(reading, copy) {
            continue;
        }
        let Some(way) = Way::of(reading, changes, n) else { continue };
        let Some((last, moved, gain)) = best(reading, facts, &way) else { continue };
        let lines = copy.instruction.lines.0;
        let commits = gain.before.steps.iter().find(|step| step.line == lines);
        let commits = commits.map_or(0, |step| step.first);
        let message = format!(
            "{commits} of {} commits change what is copied here and run steps again that do not \
             read it",
            gain.before.rebuilds
        );
        let finding = rule.at(reading.file, copy.instruction.code, message).because(
            "steps that do not read it",
            steps_before(&way, last),
            reading.file.path.display().to_string(),
        );
        found.push(gain.told_in(finding).fix(moved));
    }
}

/// `COPY . .` before installs is another rule's finding.
fn is_told_already(reading: &Reading<'_>, copy: &Placed<'_>) -> bool {
    let mut later = reading.runs.iter().filter(|r| Some(r.stage) == copy.stage && r.at > copy.at);
    copies_all(copy.instruction) && later.any(|run| !installs_of(run).is_empty())
}

/// The instructions that a copy may be moved behind, in order.
struct Way<'a> {
    copy: &'a Instruction,
    passed: Vec<Passed<'a>>,
    destination: &'a str,
}

struct Passed<'a> {
    instruction: &'a Instruction,
    /// Files of the copy that it reads.
    reads: Vec<String>,
}

impl<'a> Way<'a> {
    fn of(reading: &Reading<'a>, changes: &ChangeFacts, n: usize) -> Option<Way<'a>> {
        let placed = &reading.steps[n];
        let layout = Layout::of(reading, placed)?;
        let regions = layout.regions(changes);
        let is_movable = layout.is_from_context()
            && !reading.file.file.text()?.is_empty()
            && !layout.sources().iter().any(|source| names_settings(source))
            && regions.iter().all(|region| !is_of_the_system(region));
        if !is_movable {
            return None;
        }
        let later = reading.steps[n + 1..].iter().take_while(|step| step.stage == placed.stage);
        let mut passed = Vec::new();
        for step in later {
            let Some(reads) = passes(reading, changes, (&layout, &regions), step) else {
                break;
            };
            passed.push(Passed { instruction: step.instruction, reads });
        }
        let destination = &placed.instruction.transfer()?.destination?.text;
        Some(Way { copy: placed.instruction, passed, destination })
    }

    /// Files that must be there before the first reader among the first `n` instructions.
    fn needed(&self, n: usize) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        for file in self.passed[..n].iter().flat_map(|passed| &passed.reads) {
            if !files.contains(file) {
                files.push(file.clone());
            }
        }
        files
    }
}

/// Configuration of package managers, which they read unasked.
fn names_settings(source: &str) -> bool {
    let name = source.rsplit('/').next().unwrap_or(source);
    (name.starts_with('.') && name != ".") || matches!(name, "pip.conf" | "pip.ini" | "bunfig.toml")
}

fn is_of_the_system(region: &Region) -> bool {
    let path = match region {
        Region::Below(path) => path,
        Region::Matching { folder, .. } => folder,
    };
    let within = |folders: &[&str]| folders.iter().any(|folder| is_below(path, folder));
    path == "/" || (within(&OF_THE_SYSTEM) && !within(&OF_PROJECTS))
}

/// The files of the copy that `step` reads; `None`: the copy has to stay before it.
fn passes(
    reading: &Reading<'_>,
    changes: &ChangeFacts,
    (layout, regions): (&Layout<'_>, &[Region]),
    step: &Placed<'_>,
) -> Option<Vec<String>> {
    let instruction = step.instruction;
    match instruction.keyword {
        Keyword::Run => {
            let run = reading.runs.iter().find(|run| run.item == step.item && !run.is_trigger)?;
            reads_of(run, changes, layout)
        }
        Keyword::Copy | Keyword::Add => {
            let other = Layout::of(reading, step)?;
            let flag = |flag: Option<&careen_syntax::dockerfile::Flag>| {
                flag.map(|flag| flag.value.clone().unwrap_or_default())
            };
            let (a, b) = (&layout.transfer, &other.transfer);
            // Folders that a copy makes on its way belong to the owner that it is told.
            let are_alike = flag(a.chown) == flag(b.chown) && flag(a.chmod) == flag(b.chmod);
            let others = other.regions(changes);
            let meets = regions.iter().any(|one| others.iter().any(|other| one.meets(other)));
            (are_alike && !meets).then(Vec::new)
        }
        Keyword::Arg
        | Keyword::Cmd
        | Keyword::Entrypoint
        | Keyword::Env
        | Keyword::Expose
        | Keyword::Healthcheck
        | Keyword::Label
        | Keyword::Stopsignal
        | Keyword::User => Some(vec![]),
        _ => None,
    }
}

fn reads_of(run: &Run<'_>, changes: &ChangeFacts, layout: &Layout<'_>) -> Option<Vec<String>> {
    let is_readable = run.script.is_plain && !run.script.commands.is_empty();
    let mounts_files = run.mounts.iter().any(|mount| mount.kind == Some(MountKind::Bind));
    if !is_readable || mounts_files {
        return None;
    }
    let mut files = Vec::new();
    for command in run.commands() {
        let named = reads(command)?;
        for name in &named {
            match layout.find(name, changes) {
                Read::Elsewhere => (),
                Read::Tied => return None,
                Read::File(file) => {
                    let last = file.rsplit('/').next().unwrap_or(&file);
                    let is_all = layout.sources().len() == 1 && layout.sources()[0] == file;
                    if is_all || OF_MANY_PROJECTS.contains(&last) {
                        return None;
                    }
                    files.push(file);
                }
            }
        }
        let targets = command.redirections.iter().filter_map(|one| one.target.as_ref());
        let words = command.words.iter().chain(&command.assignments).chain(targets);
        let others = words.map(|word| word.text.as_str());
        let mut others =
            others.filter(|word| !named.iter().any(|name| word.contains(name.as_str())));
        if others.any(|word| mentions(word, layout)) {
            return None;
        }
    }
    Some(files)
}

/// The word names the destination or a source of the copy.
fn mentions(word: &str, layout: &Layout<'_>) -> bool {
    let destination = layout.destination();
    if destination.len() > 1 && word.contains(destination) {
        return true;
    }
    let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let mut names: Vec<String> = layout.sources().iter().map(|source| last(source)).collect();
    names.push(last(destination));
    let mut parts = word.split(['/', '=', ':', ',']);
    parts.any(|part| !part.is_empty() && part != "." && names.iter().any(|name| name == part))
}

/// The move that saves most, and the shortest of those that save as much.
fn best(reading: &Reading<'_>, facts: &Facts, way: &Way<'_>) -> Option<(usize, Fix, Gain)> {
    let mut best: Option<(usize, Fix, Gain)> = None;
    for (n, passed) in way.passed.iter().enumerate() {
        if passed.instruction.keyword != Keyword::Run {
            continue;
        }
        let Some((fix, edits)) = moved(reading, way, n) else { continue };
        let Some(gain) = gain(reading, facts, &edits) else { continue };
        let more = best.as_ref().map_or(0.0, |(_, _, best)| best.seconds()) + 0.05;
        if gain.is_worth_it() && gain.seconds() > more {
            best = Some((n, fix, gain));
        }
    }
    best
}

/// The copy behind instruction `n` of its way; what is read before that is copied apart.
fn moved(reading: &Reading<'_>, way: &Way<'_>, n: usize) -> Option<(Fix, Vec<Edit>)> {
    let file = reading.file;
    let last = way.passed[n].instruction;
    let taken = with_comments(file, way.copy);
    let end = file.file.line_end();
    let mut edits_ = vec![Edit::replace(taken, "")];
    let needed = way.needed(n + 1);
    let title = if needed.is_empty() {
        format!("Move the copy behind line {}", last.lines.0)
    } else {
        format!("Copy {} first and the rest behind line {}", needed.join(" "), last.lines.0)
    };
    let mut line = None;
    if !needed.is_empty() {
        let transfer = way.copy.transfer()?;
        // Files of one folder keep their places only when that folder is what is copied.
        let [source] = transfer.sources.as_slice() else { return None };
        let folder = source.text.trim_start_matches("./").trim_end_matches('/');
        let is_flat = needed.iter().all(|file| {
            let parent = file.rsplit_once('/').map_or("", |(parent, _)| parent);
            parent == if folder == "." { "" } else { folder }
        });
        if !is_flat || !transfer.excludes.is_empty() {
            return None;
        }
        let first = way.passed.iter().find(|passed| !passed.reads.is_empty())?;
        let narrow = narrow_copy(way.copy, &needed, way.destination);
        edits_.push(insert(first.instruction.span.start, format!("{narrow}{end}")));
        line = Some(narrow);
    }
    let gap = if text(file, last.span).ends_with('\n') { "" } else { end };
    let body = text(file, taken).trim_end_matches(['\n', '\r']);
    edits_.push(insert(last.span.end, format!("{gap}{body}{end}")));
    let mut fix = Fix::risky(title, edits(file, edits_.clone()));
    if let Some(line) = line {
        fix = fix.adds(&line);
    }
    Some((fix, edits_))
}

fn steps_before(way: &Way<'_>, last: usize) -> String {
    let runs = way.passed[..=last].iter().map(|passed| passed.instruction);
    let runs = runs.filter(|instruction| instruction.keyword == Keyword::Run);
    let lines: Vec<String> = runs.map(|instruction| instruction.lines.0.to_string()).collect();
    format!("line{} {}", if lines.len() == 1 { "" } else { "s" }, lines.join(", "))
}
