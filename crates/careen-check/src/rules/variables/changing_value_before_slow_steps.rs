//! A build argument with a new value in every build stands before slow steps that do not use it.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Instruction, Keyword};

use crate::reads::reads;
use crate::rebuild::{Gain, changes_each_time, gain, variables};
use crate::rules::transfer::copy_all_before_dependencies::with_comments;
use crate::steps::{Placed, Reading, edits, insert, text};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "changing-value-before-slow-steps",
    title: "what is new in each build is declared late",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Hint,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("changing_value_before_slow_steps.md"),
    check: Check::Changes(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    for (n, step) in reading.steps.iter().enumerate() {
        let is_it = step.instruction.keyword == Keyword::Arg && step.stage.is_some();
        let Some(name) = changes_each_time(step.instruction).filter(|_| is_it) else { continue };
        if step.is_trigger || step.instruction.declared().len() != 1 {
            continue;
        }
        let Some((last, fix, gain)) = best(reading, facts, n) else { continue };
        let message = format!("each new value of {name} runs steps again that do not use it");
        let lines = format!("lines {} to {}", step.instruction.lines.0 + 1, last.lines.1);
        let path = reading.file.path.display().to_string();
        let finding = rule
            .at(reading.file, step.instruction.code, message)
            .because("a name for something new in each commit", name, "names of build arguments")
            .because("it is passed to", lines, path);
        found.push(gain.told_in(finding).fix(fix));
    }
}

/// The move that saves most, and the shortest of those that save as much.
fn best<'a>(
    reading: &Reading<'a>,
    facts: &Facts,
    n: usize,
) -> Option<(&'a Instruction, Fix, Gain)> {
    let first = &reading.steps[n];
    let mut movers: Vec<&Instruction> = vec![first.instruction];
    let mut names: Vec<String> = vec![first.instruction.declared().first()?.name.clone()];
    let mut best: Option<(&Instruction, Fix, Gain)> = None;
    let later = reading.steps[n + 1..].iter().take_while(|step| step.stage == first.stage);
    for step in later {
        let instruction = step.instruction;
        match instruction.keyword {
            Keyword::Env | Keyword::Label if uses(instruction, &names) => {
                names.extend(carried(instruction, &names)?);
                movers.push(instruction);
            }
            Keyword::Run if is_blind(reading, step, &names) => {
                let Some((fix, edits)) = moved(reading, &movers, instruction) else { continue };
                let Some(gain) = gain(reading, facts, &edits) else { continue };
                let more = best.as_ref().map_or(0.0, |(_, _, best)| best.seconds()) + 0.05;
                if gain.is_worth_it() && gain.seconds() > more {
                    best = Some((instruction, fix, gain));
                }
            }
            Keyword::Run | Keyword::From | Keyword::Onbuild | Keyword::Unknown => break,
            Keyword::Arg | Keyword::Env if sets(instruction, &names) => break,
            _ if uses(instruction, &names) => break,
            _ => (),
        }
    }
    best
}

fn uses(instruction: &Instruction, names: &[String]) -> bool {
    let logical = String::from_utf8_lossy(instruction.logical().text()).into_owned();
    variables(&logical).any(|used| names.iter().any(|name| name == used))
}

/// Variables that ENV sets from those names; `None`: it sets others too, which steps may need.
fn carried(instruction: &Instruction, names: &[String]) -> Option<Vec<String>> {
    if instruction.keyword == Keyword::Label {
        return Some(vec![]);
    }
    let pairs = instruction.pairs();
    let from_names = |text: &str| variables(text).any(|used| names.iter().any(|name| name == used));
    let all = pairs.iter().all(|pair| from_names(&pair.value.text));
    all.then(|| pairs.iter().map(|pair| pair.name.text.clone()).collect())
}

fn sets(instruction: &Instruction, names: &[String]) -> bool {
    let declared = instruction.declared().into_iter().map(|argument| argument.name);
    let pairs = instruction.pairs();
    let set = pairs.iter().map(|pair| pair.name.text.clone());
    declared.chain(set).any(|name| names.contains(&name))
}

/// All commands are known, and none names the variables.
fn is_blind(reading: &Reading<'_>, step: &Placed<'_>, names: &[String]) -> bool {
    let run = reading.runs.iter().find(|run| run.item == step.item && !run.is_trigger);
    run.is_some_and(|run| {
        let whole = text(reading.file, step.instruction.span);
        run.script.is_plain
            && !run.script.commands.is_empty()
            // A command that installs the project itself may ask for its version.
            && run.commands().all(|command| reads(command).is_some())
            && !names.iter().any(|name| whole.contains(name.as_str()))
    })
}

/// All of them behind `last`, in their order.
fn moved(
    reading: &Reading<'_>,
    movers: &[&Instruction],
    last: &Instruction,
) -> Option<(Fix, Vec<Edit>)> {
    let file = reading.file;
    file.file.text()?;
    let end = file.file.line_end();
    let gap = if text(file, last.span).ends_with('\n') { "" } else { end };
    let mut body = gap.to_owned();
    let mut edits_ = Vec::new();
    for mover in movers {
        let taken = with_comments(file, mover);
        body.push_str(text(file, taken).trim_end_matches(['\n', '\r']));
        body.push_str(end);
        edits_.push(Edit::replace(taken, ""));
    }
    edits_.push(insert(last.span.end, body));
    let word = if movers.len() == 1 { "argument" } else { "argument and what uses it" };
    let title = format!("Move the {word} behind line {}", last.lines.0);
    Some((Fix::risky(title, edits(file, edits_.clone())), edits_))
}
