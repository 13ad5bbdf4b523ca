//! The checks of `docker build --check`, by its names.
//!
//! BuildKit judges while it builds: an error ends the judging where it happens, a comment above
//! an instruction speaks to the checks that are asked there, and what ONBUILD triggers is judged
//! where a later stage runs it.

mod refusal;
mod when;

use careen_model::{Finding, Findings, Place, Severity, Span};
use careen_syntax::dockerfile::{Base, Instruction, Item};

use self::refusal::Refusal;
use self::when::{Phase, When};
use super::{Row, Rows};
use crate::buildkit::{CheckOptions, above};
use crate::lint::{Linted, Reach};
use crate::rules::commands::{overridden_instruction, shell_form_command};
use crate::rules::format::{
    blank_in_continuation, invalid_dockerfile, maintainer_instruction, mismatched_as_case,
    misplaced_description, mixed_keyword_case,
};
use crate::rules::stages::{
    base_platform_mismatch, constant_platform, duplicate_stage_name, host_port_in_expose,
    invalid_default_image, redundant_target_platform, relative_workdir, reserved_stage_name,
    undefined_arg_in_from, uppercase_port_protocol, uppercase_stage_name,
};
use crate::rules::transfer::ignored_copy_source;
use crate::rules::variables::{legacy_key_value, secret_in_arg_or_env, undefined_variable};
use crate::steps::Reading;
use crate::suppress::Dialect;
use crate::{Facts, Rule};

pub(super) const ROWS: Rows = Rows { dialect: Dialect::BuildKit, groups: &[TABLE] };

/// What ends the build before it begins; `docker build --check` prints it below its warnings.
pub(super) const BUILD_ERROR: &str = "BuildError";

/// BuildKit has no severities: each of its warnings is one.
const fn row(name: &'static str, rule: &'static Rule) -> Row {
    Row::same(name, Severity::Warning, rule)
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    row("StageNameCasing", &uppercase_stage_name::RULE),
    row("FromAsCasing", &mismatched_as_case::RULE),
    row("NoEmptyContinuation", &blank_in_continuation::RULE),
    row("ConsistentInstructionCasing", &mixed_keyword_case::RULE),
    row("DuplicateStageName", &duplicate_stage_name::RULE),
    row("ReservedStageName", &reserved_stage_name::RULE),
    row("JSONArgsRecommended", &shell_form_command::RULE),
    row("MaintainerDeprecated", &maintainer_instruction::RULE),
    row("UndefinedArgInFrom", &undefined_arg_in_from::RULE),
    Row::own("WorkdirRelativePath", Severity::Warning, &relative_workdir::RULE, relative_workdir::as_buildkit),
    row("UndefinedVar", &undefined_variable::RULE),
    row("MultipleInstructionsDisallowed", &overridden_instruction::RULE),
    row("LegacyKeyValueFormat", &legacy_key_value::RULE),
    row("InvalidBaseImagePlatform", &base_platform_mismatch::RULE),
    row("RedundantTargetPlatform", &redundant_target_platform::RULE),
    row("SecretsUsedInArgOrEnv", &secret_in_arg_or_env::RULE),
    row("InvalidDefaultArgInFrom", &invalid_default_image::RULE),
    row("FromPlatformFlagConstDisallowed", &constant_platform::RULE),
    row("CopyIgnoredFile", &ignored_copy_source::RULE),
    row("InvalidDefinitionDescription", &misplaced_description::RULE),
    row("ExposeProtoCasing", &uppercase_port_protocol::RULE),
    row("ExposeInvalidFormat", &host_port_in_expose::RULE),
];

/// What `docker build --check`, or a build, says of the file.
pub(super) fn lint(reading: &Reading<'_>, facts: &Facts, reach: &Reach) -> Linted {
    let file = reading.file;
    let mut linted = Linted::default();
    let options = match CheckOptions::of(&file.file, &facts.lint.given) {
        Ok(options) => options,
        Err(message) => {
            let line = file.file.check().map_or(1, |check| check.line);
            linted.findings.push(error(reading, start_of_line(reading, line), message));
            return linted;
        }
    };
    let stages = reached(reading, reach);
    let refusal = refusal::of(reading, facts, &stages);
    let judging = Judging { reading, stages: &stages, refusal: refusal.as_ref(), reach };
    for row in TABLE {
        let mut found = Findings::default();
        (row.judge)(row.rule, reading, facts, &mut found);
        for finding in found.into_sorted() {
            for (finding, item) in judging.told(row, finding) {
                if judging.is_skipped(row.name, item, &options) {
                    linted.suppressed += 1;
                } else {
                    linted.findings.push(finding);
                }
            }
        }
    }
    linted.must_fail = options.error && !linted.findings.is_empty();
    if let Some(Refusal { span, message, .. }) = refusal {
        linted.findings.push(error(reading, span, message));
    } else if linted.must_fail {
        let names: std::collections::BTreeSet<_> =
            linted.findings.iter().map(|finding| finding.rule).collect();
        let names: Vec<_> = names.into_iter().collect();
        let message = format!("lint violation found for rules: {}", names.join(", "));
        let first = linted.findings.iter().map(|finding| span(finding).start).min().unwrap_or(0);
        linted.findings.push(error(reading, Span { start: first, end: first }, message));
    }
    linted
}

fn error(reading: &Reading<'_>, span: Span, message: String) -> Finding {
    let rule = &invalid_dockerfile::RULE;
    let path = reading.file.path.display().to_string();
    let mut finding = rule.at(reading.file, span, message).because("refused by", "BuildKit", path);
    finding.also.push(rule.id);
    finding.rule = BUILD_ERROR;
    finding
}

/// Which stages are built: for a check all, for a build those that the target needs.
fn reached(reading: &Reading<'_>, reach: &Reach) -> Vec<bool> {
    let count = reading.meaning.stages.len();
    match reach {
        Reach::All => vec![true; count],
        Reach::Target(target) => {
            let needed = reading.meaning.reachable(target.as_deref());
            (0..count).map(|stage| needed.contains(&stage)).collect()
        }
    }
}

/// How far BuildKit comes with a file.
struct Judging<'a, 'b> {
    reading: &'a Reading<'b>,
    stages: &'a [bool],
    refusal: Option<&'a Refusal>,
    reach: &'a Reach,
}

impl Judging<'_, '_> {
    /// The warnings that a finding stands for, each with the item whose comments can silence it.
    fn told(&self, row: &Row, mut finding: Finding) -> Vec<(Finding, usize)> {
        let (reading, items) = (self.reading, &self.reading.file.file.items);
        let start = span(&finding).start;
        let item = items.partition_point(|item| item.span().end <= start);
        let Some(instruction) = items.get(item).and_then(Item::instruction) else { return vec![] };
        finding.also.push(finding.rule);
        finding.rule = row.name;
        finding.severity = row.severity;
        let when = when::of(row.name);
        if is_trigger(instruction, start) {
            return self.run_by_children(&finding, item);
        }
        let stage = reading.meaning.stage_of(item).map(|stage| stage.index);
        let is_built = stage.is_none_or(|stage| self.stages[stage]);
        if (when.phase == Phase::Dispatch && !is_built) || !self.comes_to(when, item) {
            return vec![];
        }
        let heeded = match row.name {
            "MultipleInstructionsDisallowed" => later(reading, item).unwrap_or(item),
            _ => item,
        };
        vec![(finding, heeded)]
    }

    /// What ONBUILD triggers is judged at the FROM of each stage that is based on its stage.
    fn run_by_children(&self, finding: &Finding, item: usize) -> Vec<(Finding, usize)> {
        let meaning = &self.reading.meaning;
        let own = meaning.stage_of(item).map(|stage| stage.index);
        // Triggers run in the stages that the target needs, even when all are checked.
        let target = match self.reach {
            Reach::All => None,
            Reach::Target(target) => target.as_deref(),
        };
        let needed = meaning.reachable(target);
        let children = meaning.stages.iter().filter(|stage| {
            let is_child = matches!(stage.base, Base::Stage(base) if Some(base) == own);
            is_child && needed.contains(&stage.index)
        });
        let at_from = children.map(|stage| {
            let mut finding = finding.clone();
            let Place::File { span, .. } = &mut finding.place else { return (finding, item) };
            *span = stage.from.code;
            finding.fixes.clear();
            (finding, stage.items.start)
        });
        at_from.filter(|(_, from)| self.comes_to(when::of(finding.rule), *from)).collect()
    }

    fn comes_to(&self, when: When, item: usize) -> bool {
        let Some(refusal) = self.refusal else { return true };
        if when.phase != refusal.phase {
            return when.phase < refusal.phase;
        }
        match refusal.item {
            Some(last) => item < last || (item == last && when.before_error),
            None => false,
        }
    }

    fn is_skipped(&self, name: &str, item: usize, options: &CheckOptions) -> bool {
        let when = when::of(name);
        let here = || {
            let above = above(&self.reading.file.file, item);
            above.options().unwrap_or_default()
        };
        if when.is_experimental {
            // The rule itself is silent unless it is asked for.
            return false;
        }
        options.skip.holds(name) || (when.heeds_comments && here().skip.holds(name))
    }
}

fn span(finding: &Finding) -> Span {
    match &finding.place {
        Place::File { span, .. } => *span,
        _ => Span { start: 0, end: 0 },
    }
}

fn start_of_line(reading: &Reading<'_>, line: u32) -> Span {
    let source = reading.file.file.source();
    let ends = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let nth = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let start = match nth.checked_sub(1) {
        Some(before) => ends.map(|(at, _)| at + 1).nth(before).unwrap_or(0),
        None => 0,
    };
    let start = u32::try_from(start).unwrap_or(u32::MAX);
    Span { start, end: start }
}

fn is_trigger(instruction: &Instruction, at: u32) -> bool {
    instruction.trigger.as_ref().is_some_and(|trigger| at >= trigger.code.start)
}

/// The instruction that replaces the one at `item`.
fn later(reading: &Reading<'_>, item: usize) -> Option<usize> {
    let mut pairs = overridden_instruction::overridden(reading);
    pairs.find(|(step, _)| step.item == item).map(|(_, later)| later.item)
}
