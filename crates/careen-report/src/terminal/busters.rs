//! What makes each COPY run again, and what runs again after it.

use std::io;

use careen_model::context_busters::{Buster, Disturbed, Rerun};
use careen_model::rebuild_cost::RebuildCost;
use careen_model::{Basis, Fact, units};

use super::{Line, Style, Tone, line::wrap, write_lines};
use crate::words;

/// What is named of each list before the rest is counted.
const NAMED: usize = 5;

/// Every source with what disturbs it.
pub fn context_busters(
    out: &mut dyn io::Write,
    style: Style,
    all: &[Disturbed],
    cost: &Fact<RebuildCost>,
) -> io::Result<()> {
    let mut lines = vec![];
    for one in all {
        let source = &one.source;
        let head = format!("line {}: {} {}", source.line, source.instruction, source.path);
        lines.push(Line::new(style).add(Tone::Strong, head));
        lines.extend(changing(style, one));
        lines.extend(running(style, one));
    }
    if all.is_empty() {
        lines.push(Line::new(style).text("no COPY, ADD or bind mount takes from the context"));
    }
    lines.extend(expected(style, cost));
    write_lines(out, style, &lines)
}

/// What a rebuild after one commit is expected to cost, the dearest step first.
fn expected(style: Style, cost: &Fact<RebuildCost>) -> Vec<Line> {
    let cost = match cost {
        Fact::Known(cost) if cost.rebuilds > 0 => cost,
        Fact::Known(_) => {
            let told = "expected rebuild: no commit changed anything that is sent";
            return vec![Line::new(style).add(Tone::Dim, told)];
        }
        Fact::Unknown(why) => {
            let told = format!("expected rebuild: not known, {why}");
            return vec![Line::new(style).add(Tone::Dim, told)];
        }
    };
    let total = cost.seconds();
    let basis = match cost.basis() {
        Basis::Measured => "measured",
        Basis::Modelled | Basis::Rule => "modelled",
    };
    let head = format!(
        "expected rebuild: {} ({basis}, {} commits)",
        words::seconds_of(total),
        units::count(cost.rebuilds)
    );
    let mut lines = vec![Line::new(style).add(Tone::Strong, head)];
    let mut rows: Vec<_> = cost.steps.iter().filter(|step| step.runs > 0).collect();
    rows.sort_by(|a, b| {
        let seconds = |step| cost.expected(step).unwrap_or(0.0);
        seconds(b).total_cmp(&seconds(a))
    });
    for step in rows.iter().take(NAMED) {
        let seconds = cost.expected(step).map_or("no price".to_owned(), words::seconds_of);
        let text = wrap(style, &step.text, style.width.saturating_sub(44));
        let first = text.first().cloned().unwrap_or_default();
        let line = Line::new(style).right(10, Tone::Dim, format!("line {}", step.line)).text("  ");
        let line = line.text(first).text(if text.len() > 1 { " …" } else { "" });
        lines.push(line.text(format!("  {seconds}, runs in {}", step.runs)));
    }
    lines.extend(more(style, rows.len()));
    lines
}

fn changing(style: Style, one: &Disturbed) -> Vec<Line> {
    let told = match one.commits {
        Some(n) => format!("(last {n} commits, kinds of files, last build)"),
        None => "(kinds of files, last build; no git history)".to_owned(),
    };
    if one.busters.is_empty() {
        return vec![Line::new(style).add(Tone::Dim, format!("  nothing changes often {told}"))];
    }
    let mut lines = vec![Line::new(style).add(Tone::Dim, format!("  changes often {told}"))];
    for buster in one.busters.iter().take(NAMED) {
        let line = Line::new(style).text("   ").cut(36, Tone::Plain, words::shown(&buster.path));
        let tone = if buster.category.is_some() { Tone::Beware } else { Tone::Plain };
        lines.push(line.to(40).add(tone, why(buster)));
    }
    lines.extend(more(style, one.busters.len()));
    lines
}

fn why(buster: &Buster) -> String {
    let mut parts = vec![];
    if let Some(category) = buster.category {
        parts.push(format!("{category}, made by tools"));
    }
    if buster.commits > 0 {
        let noun = if buster.commits == 1 { "commit" } else { "commits" };
        parts.push(format!("in {} {noun}", buster.commits));
    }
    if buster.is_newer {
        parts.push("newer than last build".to_owned());
    }
    parts.join("; ")
}

fn running(style: Style, one: &Disturbed) -> Vec<Line> {
    let n = one.steps.len();
    let steps = if n == 1 { "1 step".to_owned() } else { format!("{n} steps") };
    let sum = match one.seconds() {
        Some(seconds) => format!(", {} when they last ran", words::seconds_of(seconds)),
        None => ", never measured".to_owned(),
    };
    let mut lines = vec![Line::new(style).add(Tone::Dim, format!("  runs again: {steps}{sum}"))];
    let mut shown: Vec<&Rerun> = one.steps.iter().collect();
    // What costs most first; without times the order of the file.
    shown.sort_by(|a, b| b.seconds.unwrap_or(0.0).total_cmp(&a.seconds.unwrap_or(0.0)));
    for step in shown.into_iter().take(NAMED) {
        let text = wrap(style, &step.text, style.width.saturating_sub(40));
        let first = text.first().cloned().unwrap_or_default();
        let line = Line::new(style).right(10, Tone::Dim, format!("line {}", step.line)).text("  ");
        let line = line.text(first).text(if text.len() > 1 { " …" } else { "" });
        lines.push(match (&step.seconds, &step.build) {
            (Some(seconds), Some(build)) => {
                line.text(format!("  {} ({build})", words::seconds_of(*seconds)))
            }
            _ => line,
        });
    }
    lines.extend(more(style, n));
    lines
}

fn more(style: Style, n: usize) -> Option<Line> {
    let rest = n.checked_sub(NAMED).filter(|rest| *rest > 0)?;
    Some(Line::new(style).add(Tone::Dim, format!("    and {} more", units::count(rest as u64))))
}
