//! The error that ends BuildKit's reading of a file, as far as the file alone decides it.
//!
//! Not reproduced, because they need more than the file or have never been seen in one: errors of
//! registries, signals that do not exist, modes of COPY that cannot be read, circles of several
//! stages.

use careen_model::Span;
use careen_syntax::dockerfile::expand::List;
use careen_syntax::dockerfile::{
    Base, FoundBy, Item, Keyword, NO_STAGES, OUTSIDE_OF_STAGES, Stage, expand, nearest_name, quote,
};

use super::when::Phase;
use crate::Facts;
use crate::buildkit::{Platform, expanding, parse_reference};
use crate::steps::Reading;

pub(super) struct Refusal {
    pub(super) phase: Phase,
    /// The item that was refused; `None` when it was the file as a whole.
    pub(super) item: Option<usize>,
    pub(super) span: Span,
    pub(super) message: String,
}

/// The first error, when the stages that `built` marks are built.
pub(super) fn of(reading: &Reading<'_>, facts: &Facts, built: &[bool]) -> Option<Refusal> {
    parser(reading)
        .or_else(|| instructions(reading))
        .or_else(|| froms(reading, facts))
        .or_else(|| links(reading))
        .or_else(|| bases(reading, built))
        .or_else(|| steps(reading, facts, built))
}

fn parser(reading: &Reading<'_>) -> Option<Refusal> {
    if reading.file.file.source().is_empty() {
        let (phase, item, span) = (Phase::Parser, None, Span { start: 0, end: 0 });
        let message = "the Dockerfile cannot be empty".to_owned();
        return Some(Refusal { phase, item, span, message });
    }
    let problem = reading.file.file.parser_refusal()?;
    let (span, message) = (problem.span, problem.message.clone());
    Some(Refusal { phase: Phase::Parser, item: None, span, message })
}

fn instructions(reading: &Reading<'_>) -> Option<Refusal> {
    let file = &reading.file.file;
    let is_read = |found_by| found_by == FoundBy::Instructions;
    let problem = file.problems.iter().find(|p| p.fatal && is_read(p.found_by))?;
    let item = file.items.partition_point(|item| item.span().end <= problem.span.start);
    let is_instruction = file.items.get(item).is_some_and(|item| item.instruction().is_some());
    // Whole messages: what somebody wrote may be a part of one.
    let has_no_stages = problem.message == NO_STAGES;
    let message = if has_no_stages || problem.message == OUTSIDE_OF_STAGES {
        problem.message.clone()
    } else {
        format!("dockerfile parse error on line {}: {}", problem.line, problem.message)
    };
    let item = is_instruction.then_some(item).filter(|_| !has_no_stages);
    // Without an item all instructions were read.
    let phase = if item.is_some() { Phase::Instructions } else { Phase::Names };
    Some(Refusal { phase, item, span: problem.span, message })
}

fn froms(reading: &Reading<'_>, facts: &Facts) -> Option<Refusal> {
    reading.meaning.stages.iter().find_map(|stage| {
        let message = from(reading, facts, stage)?;
        let (phase, item) = (Phase::From, Some(stage.items.start));
        Some(Refusal { phase, item, span: stage.from.code, message })
    })
}

fn from(reading: &Reading<'_>, facts: &Facts, stage: &Stage<'_>) -> Option<String> {
    let (meaning, item) = (&reading.meaning, stage.items.start);
    let from = stage.from.from_view()?;
    let image = meaning.expand(item, &from.image.text);
    if image.error.is_some() {
        return image.error;
    }
    if image.text.is_empty() {
        return Some(format!("base name ({}) should not be blank", from.image.text));
    }
    let written = from.platform?.text();
    let platform = meaning.expand(item, written);
    if let Some(err) = platform.error {
        return Some(format!("failed to process arguments for platform : {err}"));
    }
    let known = meaning.visible(item);
    let meant = platform.unmatched.iter().find_map(|name| nearest_name(name, known.clone()));
    let ending = meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
    if platform.text.is_empty() {
        return Some(format!("empty platform value from expression {written}{ending}"));
    }
    let err = Platform::read(&platform.text, &facts.lint.given.build_platform).err()?;
    Some(format!("failed to parse platform {written}: {err}{ending}"))
}

/// `COPY --from` that names no stage there can be.
fn links(reading: &Reading<'_>) -> Option<Refusal> {
    let meaning = &reading.meaning;
    let mut foreign = 0;
    reading.all(Keyword::Copy).filter(|step| !step.is_trigger).find_map(|step| {
        let name = step.instruction.flag("from")?.text();
        let own = step.stage?;
        let message = match (name.parse::<i64>(), meaning.find(name)) {
            _ if name.is_empty() => return None,
            _ if expand(name, &List::default(), '\\').text != name => {
                "variable expansion is not supported for --from, define a new stage with FROM \
                 using ARG from global scope as a workaround"
                    .to_owned()
            }
            (_, Some(stage)) if stage == own => {
                format!("circular dependency detected on stage: {}", stage_name(reading, own))
            }
            (_, Some(_)) => return None,
            (Ok(number), None) => {
                // Images that are copied from are counted behind the stages.
                let count = meaning.stages.len() + foreign;
                if usize::try_from(number).is_ok_and(|number| number < count) {
                    return None;
                }
                format!("invalid stage index {number}")
            }
            (Err(_), None) => {
                foreign += 1;
                return None;
            }
        };
        Some(Refusal { phase: Phase::Links, item: None, span: step.instruction.code, message })
    })
}

fn stage_name(reading: &Reading<'_>, stage: usize) -> String {
    let name = reading.meaning.stages[stage].name.clone();
    name.unwrap_or_else(|| format!("stage-{stage}"))
}

fn bases(reading: &Reading<'_>, built: &[bool]) -> Option<Refusal> {
    let stages = reading.meaning.stages.iter();
    stages.filter(|stage| built[stage.index]).find_map(|stage| {
        let Base::Image(image) = &stage.base else { return None };
        let err = parse_reference(image).err()?;
        let message = format!("failed to parse stage name {}: {err}", quote(image.as_bytes()));
        Some(Refusal { phase: Phase::Bases, item: None, span: stage.from.code, message })
    })
}

fn steps(reading: &Reading<'_>, facts: &Facts, built: &[bool]) -> Option<Refusal> {
    let items = reading.file.file.items.iter().enumerate();
    items.filter_map(|(at, item)| Some((at, item.instruction()?))).find_map(|(at, instruction)| {
        let stage = reading.meaning.stage_of(at)?;
        if !built[stage.index] || instruction.keyword == Keyword::From {
            return None;
        }
        let message = expanding(instruction, &facts.lint.given)
            .iter()
            .find_map(|part| reading.meaning.expand(at, &part.text).error)
            .or_else(|| expose(reading, at))
            .or_else(|| too_early(reading, at, stage.index))?;
        let (phase, item) = (Phase::Dispatch, Some(at));
        Some(Refusal { phase, item, span: instruction.code, message })
    })
}

/// A copy from a stage that is not yet there.
fn too_early(reading: &Reading<'_>, item: usize, own: usize) -> Option<String> {
    let instruction = reading.file.file.items.get(item).and_then(Item::instruction)?;
    let name = instruction.transfer()?.from?.text();
    reading.meaning.find(name).filter(|stage| *stage > own)?;
    Some(format!(
        "cannot copy from stage {}, it needs to be defined before current stage {}",
        quote(name.as_bytes()),
        quote(stage_name(reading, own).as_bytes())
    ))
}

fn expose(reading: &Reading<'_>, item: usize) -> Option<String> {
    let instruction = reading.file.file.items.get(item).and_then(Item::instruction)?;
    if instruction.keyword != Keyword::Expose {
        return None;
    }
    let mut words: Vec<&str> = instruction.words.iter().map(|word| word.text.as_str()).collect();
    words.sort_unstable();
    let ports = words.iter().flat_map(|word| reading.meaning.expand(item, word).words);
    ports.into_iter().find_map(|port| port_problem(&port))
}

fn port_problem(port: &str) -> Option<String> {
    let own = port.rsplit(':').next().unwrap_or(port);
    let (range, protocol) = own.split_once('/').unwrap_or((own, ""));
    let prefix = format!("invalid port: {}", quote(port.as_bytes()));
    if range.is_empty() {
        return Some(format!("{prefix}: no port specified"));
    }
    if !matches!(protocol.to_lowercase().as_str(), "" | "tcp" | "udp" | "sctp") {
        return Some(format!("{prefix}: invalid proto: {protocol}"));
    }
    let number = |text: &str| text.parse::<u16>().ok();
    let is_range = match range.split_once('-') {
        Some((start, end)) => {
            matches!((number(start), number(end)), (Some(start), Some(end)) if start <= end)
        }
        None => number(range).is_some(),
    };
    (!is_range).then(|| format!("invalid containerPort: {range}"))
}
