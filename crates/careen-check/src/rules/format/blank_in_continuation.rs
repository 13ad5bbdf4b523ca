//! An empty line inside an instruction that goes on over several lines.

use careen_model::{Category, Edit, Findings, Fix, Severity, Span};
use careen_syntax::dockerfile::Instruction;

use crate::ParsedDockerfile;
use crate::buildkit::change;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "blank-in-continuation",
    title: "no empty lines inside instructions",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["NoEmptyContinuation"],
    page: include_str!("blank_in_continuation.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let file = reading.file;
    for instruction in file.file.instructions().filter(|instruction| instruction.blank_inside) {
        let lines = lines(file, instruction);
        // BuildKit names the line where the instruction ends.
        let Some(last) = lines.last().copied() else { continue };
        let blank = |line: &&Span| text(file, **line).trim().is_empty();
        let edits: Vec<Edit> =
            lines.iter().filter(blank).map(|line| Edit::replace(*line, "")).collect();
        found.push(
            rule.at(file, last, "Empty continuation line")
                .because("lines", edits.len().to_string(), file.path.display().to_string())
                .maybe_fix(change(file, Fix::safe, "Take the empty lines out", edits)),
        );
    }
}

/// The lines of an instruction before its heredocs, with their line ends.
fn lines(file: &ParsedDockerfile, instruction: &Instruction) -> Vec<Span> {
    let end =
        instruction.heredocs.first().map_or(instruction.span.end, |heredoc| heredoc.span.start);
    let mut start = instruction.span.start;
    let mut lines = Vec::new();
    while start < end {
        let rest = &file.file.source()[start as usize..end as usize];
        let length = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
        let stop = start + u32::try_from(length).unwrap_or(u32::MAX - start);
        lines.push(Span { start, end: stop });
        start = stop;
    }
    lines
}

fn text(file: &ParsedDockerfile, span: Span) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&file.file.source()[span.start as usize..span.end as usize])
}
