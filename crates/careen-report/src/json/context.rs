//! The answers of `careen context` as documents.

use std::io;

use careen_model::context::IgnoreFile;
use careen_model::context_answer::{
    Branch, Calibration, Change, ContextAnswer, Found, IgnoreStep, LineState, LineWorth,
    PathAnswer, SourceUse, TransferTime, Tried,
};
use careen_model::context_busters::{Buster, Disturbed, Rerun};
use careen_model::legacy::Value;
use careen_model::rebuild_cost::{RebuildCost, StepCost};
use careen_model::{Basis, Fact};

use super::facts::{amount, context, count, sized};
use super::other;
use super::value::{list, none, option, path, round, text};

/// `kind: "context"`: one screen about a context; `context` is as in the doctor's facts.
pub fn context_answer(out: &mut dyn io::Write, answer: &ContextAnswer) -> io::Result<()> {
    let body = Value::Map(vec![
        ("builder", text(answer.builder)),
        ("target", option(answer.target.as_deref(), text)),
        ("sources", option(answer.sources.as_deref(), |uses| list(uses, source))),
        ("tree", list(&answer.tree, branch)),
        ("largest", list(&answer.largest, sized)),
        ("first_transfer", time(answer.first)),
        ("repeated_transfer", time(answer.repeated)),
        ("times_basis", text("modelled")),
        ("calibration", option(answer.calibration.as_ref(), calibration)),
        ("proposal", option(answer.proposal.as_ref(), tried)),
        ("context", context(&answer.facts)),
    ]);
    other(out, "context", &body)
}

/// `kind: "context-path"`: why a path is in or out.
pub fn context_path(out: &mut dyn io::Write, answer: &PathAnswer) -> io::Result<()> {
    let (found, bytes) = match answer.found {
        Found::Nothing => ("nothing", None),
        Found::Folder => ("folder", None),
        Found::Link => ("link", None),
        Found::File(bytes) => ("file", Some(bytes)),
        Found::Special => ("special", None),
        Found::Denied => ("denied", None),
    };
    let classic = match &answer.classic {
        Ok(is_out) => Value::Bool(!is_out),
        Err(why) => Value::Null { why: why.clone() },
    };
    let body = Value::Map(vec![
        ("path", text(&answer.path)),
        ("found", text(found)),
        ("bytes", option(bytes, count)),
        ("ignore_file", option(answer.ignore.as_deref(), path)),
        ("ignore_problems", list(&answer.problems, |problem| text(&problem.message))),
        ("cannot_read", option(answer.closed.as_deref(), text)),
        ("kept", Value::Bool(answer.is_kept())),
        ("emptied", Value::Bool(answer.is_emptied())),
        ("classic_kept", classic),
        ("walk", list(&answer.walk, step)),
        ("open", list(&answer.open, step)),
        ("taken_by", if answer.has_sources { list(&answer.taken, source) } else { none() }),
    ]);
    other(out, "context-path", &body)
}

/// `kind: "context-patterns"`: what each line of the ignore file is worth.
pub fn context_patterns(
    out: &mut dyn io::Write,
    file: &IgnoreFile,
    worth: &[LineWorth],
) -> io::Result<()> {
    let row = |worth: &LineWorth| {
        let (state, error) = match &worth.state {
            LineState::Works => ("works", None),
            LineState::Dead => ("dead", None),
            LineState::Shadowed => ("shadowed", None),
            LineState::Fails(error) => ("fails", Some(error)),
        };
        Value::Map(vec![
            ("line", count(u64::from(worth.line))),
            ("pattern", text(&worth.pattern)),
            ("state", text(state)),
            ("error", option(error, text)),
            ("matched", amount(&worth.matched)),
            ("exclusive", amount(&worth.exclusive)),
            ("disables_pruning", Value::Bool(worth.disables_pruning)),
            ("faster", option(worth.faster.as_deref(), text)),
            ("readings", list(&worth.readings, |reading| text(*reading))),
        ])
    };
    let body = Value::Map(vec![
        ("ignore_file", if file.exists { path(&file.path) } else { none() }),
        ("patterns", list(worth, row)),
    ]);
    other(out, "context-patterns", &body)
}

/// `kind: "context-try"`: amounts before and after patterns that are not written.
pub fn context_tried(out: &mut dyn io::Write, answer: &Tried) -> io::Result<()> {
    other(out, "context-try", &tried(answer))
}

/// `kind: "context-busters"`: what makes each source run again, and what runs again after it.
pub fn context_busters(
    out: &mut dyn io::Write,
    all: &[Disturbed],
    cost: &Fact<RebuildCost>,
) -> io::Result<()> {
    let buster = |buster: &Buster| {
        Value::Map(vec![
            ("path", path(&buster.path)),
            ("amount", amount(&buster.amount)),
            ("commits", count(buster.commits)),
            ("category", option(buster.category, text)),
            ("newer_than_last_build", Value::Bool(buster.is_newer)),
        ])
    };
    let step = |step: &Rerun| {
        Value::Map(vec![
            ("line", count(u64::from(step.line))),
            ("instruction", text(&step.text)),
            ("seconds", option(step.seconds, |seconds| Value::Number(round(seconds)))),
            ("measured_in", option(step.build.as_deref(), text)),
        ])
    };
    let row = |one: &Disturbed| {
        Value::Map(vec![
            ("source", source(&one.source)),
            ("commits_looked_at", option(one.commits, count)),
            ("busters", list(&one.busters, buster)),
            ("steps", list(&one.steps, step)),
            ("seconds", option(one.seconds(), |seconds| Value::Number(round(seconds)))),
        ])
    };
    let expected = match cost {
        Fact::Known(cost) => rebuild(cost),
        Fact::Unknown(why) => Value::Null { why: why.to_string() },
    };
    let body = vec![("sources", list(all, row)), ("expected_rebuild", expected)];
    other(out, "context-busters", &Value::Map(body))
}

/// Seconds are averages over the rebuilds that were replayed.
fn rebuild(cost: &RebuildCost) -> Value {
    let basis = |basis| text(if basis == Basis::Measured { "measured" } else { "modelled" });
    let number = |value: f64| Value::Number(round(value));
    let step = |step: &StepCost| {
        let price = step.price.as_ref();
        Value::Map(vec![
            ("line", count(u64::from(step.line))),
            ("instruction", text(&step.text)),
            ("runs", count(step.runs)),
            ("runs_first", count(step.first)),
            ("step_seconds", option(price, |price| number(price.seconds))),
            ("basis", option(price, |price| basis(price.basis))),
            ("source", option(price, |price| text(&price.source))),
            ("expected_seconds", option(cost.expected(step), number)),
        ])
    };
    Value::Map(vec![
        ("rebuilds", count(cost.rebuilds)),
        ("seconds", number(cost.seconds())),
        ("basis", basis(cost.basis())),
        ("steps_without_price", count(cost.unpriced() as u64)),
        ("steps", list(&cost.steps, step)),
    ])
}

fn tried(tried: &Tried) -> Value {
    Value::Map(vec![
        ("patterns", list(&tried.patterns, |pattern| text(pattern.as_str()))),
        ("kept", change(tried.kept)),
        ("sent", change(tried.sent)),
        ("hidden_sources", list(&tried.hidden, source)),
    ])
}

fn change(change: Change) -> Value {
    Value::Map(vec![("before", amount(&change.before)), ("after", amount(&change.after))])
}

fn source(source: &SourceUse) -> Value {
    Value::Map(vec![
        ("line", count(u64::from(source.line))),
        ("instruction", text(source.instruction)),
        ("path", text(&source.path)),
        ("unknown_variables", list(&source.unknown, |name| text(name.as_str()))),
    ])
}

fn branch(branch: &Branch) -> Value {
    Value::Map(vec![("path", path(&branch.path)), ("amount", amount(&branch.amount))])
}

fn calibration(found: &Calibration) -> Value {
    let number = |value: f64| Value::Number(round(value));
    Value::Map(vec![
        ("engine", text(&found.engine)),
        ("transfers", count(found.transfers as u64)),
        ("fixed_seconds", number(found.fixed_seconds)),
        ("first_factor", option(found.first, number)),
        ("repeated_factor", option(found.repeated, number)),
    ])
}

fn time(time: TransferTime) -> Value {
    Value::Map(vec![
        ("seconds", Value::Number(round(time.seconds()))),
        ("fixed_seconds", Value::Number(round(time.fixed))),
        ("entries_seconds", Value::Number(round(time.entries))),
        ("bytes_seconds", Value::Number(round(time.bytes))),
        ("lookups_seconds", Value::Number(round(time.lookups))),
    ])
}

fn step(step: &IgnoreStep) -> Value {
    Value::Map(vec![
        ("line", count(u64::from(step.line))),
        ("pattern", text(&step.pattern)),
        ("matched", text(&step.matched)),
        ("excluded", Value::Bool(step.excluded)),
        ("readings", list(&step.readings, |reading| text(*reading))),
    ])
}
