//! What is left to say when a build has ended.

use std::io;
use std::path::Path;
use std::time::Duration;

use careen_model::{
    BuildRecord, Comparison, ContextFacts, Missed, Outcome, Share, StepRecord, units,
};

use super::{
    Line, Style, Tone,
    line::wrap,
    tables::{self, outcome_tone},
    write_lines,
};
use crate::{missed, words};

const SLOWEST: usize = 5;
const WARNINGS: usize = 8;
const CAUSES: usize = 6;

/// What the summary shows.
#[derive(Debug, Clone, Copy)]
pub struct BuildSummary<'a> {
    pub record: &'a BuildRecord,
    /// The build to compare with.
    pub last: Option<&'a BuildRecord>,
    pub context: Option<&'a ContextFacts>,
    /// The last lines of the step that failed, already redacted.
    pub log_tail: &'a [String],
    /// Where the HTML report was written.
    pub report: Option<&'a Path>,
    /// The file that the image was written to, instead of the store or beside it.
    pub archive: Option<&'a Path>,
}

/// Outcome, phases against the last build, and what a reader asks next.
pub fn build_summary(
    out: &mut dyn io::Write,
    style: Style,
    shown: &BuildSummary<'_>,
) -> io::Result<()> {
    let record = shown.record;
    let mut lines = vec![headline(style, record)];
    if record.outcome != Some(Outcome::Built) {
        lines.extend(failure(style, shown));
    }
    lines.push(Line::new(style));
    match shown.last {
        Some(last) => {
            let compared = Comparison::of(last, record);
            lines.extend(tables::rows(style, &compared, ("last", "now")));
        }
        None => lines.extend(phases(style, record)),
    }
    lines.push(Line::new(style));
    lines.extend(facts(style, shown));
    write_lines(out, style, &lines)
}

fn headline(style: Style, record: &BuildRecord) -> Line {
    let outcome = words::outcome(record.outcome);
    let line = Line::new(style).add(outcome_tone(record), outcome);
    let when = if record.outcome == Some(Outcome::Built) { " in " } else { " after " };
    line.text(when).add(Tone::Strong, units::time(record.total))
}

fn failure(style: Style, shown: &BuildSummary<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let failed = shown.record.steps.iter().find(|step| step.error.is_some());
    if let Some(step) = failed {
        lines.push(Line::new(style).text(" ").add(Tone::Bad, "✗ ").text(words::step(step)));
    }
    if let Some(error) = &shown.record.error {
        let code = shown.record.exit_code.filter(|code| !error.ends_with(&format!(": {code}")));
        let code = code.map_or(String::new(), |code| format!(" (exit code {code})"));
        for row in wrap(style, &format!("{error}{code}"), style.width.saturating_sub(3)) {
            lines.push(Line::new(style).text("   ").add(Tone::Bad, row));
        }
    }
    for text in shown.log_tail {
        lines.push(Line::new(style).text("   ").add(Tone::Dim, "│ ").text(text));
    }
    lines
}

fn phases(style: Style, record: &BuildRecord) -> Vec<Line> {
    let row = |name: &str, took: Duration, tone| {
        let line = Line::new(style).text(" ").add(tone, name);
        line.right(28, tone, units::time(took))
    };
    let of = |share: &Share| {
        let name = words::part_after("  ", Some(share.part)).unwrap_or_default();
        let line = row(&name, share.wall, Tone::Plain);
        let beside = share.busy.saturating_sub(share.wall);
        if beside * 20 < share.busy || beside < Duration::from_millis(100) {
            return line;
        }
        line.add(Tone::Dim, format!("   and {} beside others", units::time(beside)))
    };
    let mut lines: Vec<Line> = words::shares(record).iter().map(of).collect();
    lines.push(row("total", record.total, Tone::Strong));
    lines
}

fn facts(style: Style, shown: &BuildSummary<'_>) -> Vec<Line> {
    let record = shown.record;
    let row = |title: &str, text: String| {
        Line::new(style).text(" ").add(Tone::Dim, title).to(11).text(text)
    };
    let (run, cached) = record.run_and_cached();
    let mut lines = vec![row("steps", format!("{} ({cached} cached, {run} run)", run + cached))];
    if let Some(sent) = record.context() {
        let of = shown.context.and_then(|context| context.everything.known());
        let of = of.map_or(String::new(), |all| format!(" of {}", units::size(all.bytes)));
        let files = words::many(usize::try_from(sent.files).unwrap_or(usize::MAX), "file");
        lines.push(row("context", format!("sent {}{of} in {files}", units::size(sent.bytes))));
    }
    let path = record.critical_path();
    let took: Duration = path.iter().map(|step| step.took()).sum();
    if took > Duration::ZERO {
        let steps = words::many(path.len(), "step");
        lines.push(row("critical", format!("{} on a path of {steps}", units::time(took))));
    }
    lines.extend(ran_again(style, record.missed.as_deref()));
    for (i, step) in slowest(record).into_iter().enumerate() {
        let title = if i == 0 { "slowest" } else { "" };
        let line = Line::new(style).text(" ").add(Tone::Dim, title).to(11);
        let line = line.text(format!("{:>9}  ", units::time(step.took())));
        lines.push(line.text(words::step(step)));
        if let Some(part) = words::longest_task(step) {
            lines.push(Line::new(style).to(22).add(Tone::Dim, format!("of it {part}")));
        }
    }
    for transfer in &record.transfers {
        for fault in &transfer.faults {
            let line = Line::new(style).text(" ").add(Tone::Beware, "fault").to(11);
            lines.push(line.text(fault));
        }
    }
    for (i, warning) in record.warnings.iter().take(WARNINGS).enumerate() {
        let title = if i == 0 { "warnings" } else { "" };
        lines.push(Line::new(style).text(" ").add(Tone::Beware, title).to(11).text(warning));
    }
    if record.warnings.len() > WARNINGS {
        lines.push(row("", format!("and {} more", record.warnings.len() - WARNINGS)));
    }
    if let Some(image) = record.image.as_ref().filter(|_| record.outcome == Some(Outcome::Built)) {
        let digest = record.image_digest.as_deref().map_or(String::new(), words::short_digests);
        lines.push(row("image", format!("{image}  {digest}")));
    }
    if let Some(archive) = shown.archive {
        lines.push(row("archive", words::shown(archive)).whole());
    }
    if let Some(report) = shown.report {
        lines.push(row("report", words::shown(report)).whole());
    }
    lines
}

/// Why steps ran again, one line for each first cause.
pub(super) fn ran_again(style: Style, missed: Option<&[Missed]>) -> Vec<Line> {
    let causes = missed::causes(missed.unwrap_or_default());
    let mut lines = Vec::new();
    for (i, cause) in causes.iter().take(CAUSES).enumerate() {
        let title = if i == 0 { "ran again" } else { "" };
        let line = Line::new(style).text(" ").add(Tone::Dim, title).to(11);
        lines.push(line.text(words::step_name(&cause.step)));
        for row in wrap(style, &cause.reason, style.width.saturating_sub(13)) {
            lines.push(Line::new(style).to(13).add(Tone::Dim, row));
        }
    }
    if causes.len() > CAUSES {
        let more = format!("and {} more", causes.len() - CAUSES);
        lines.push(Line::new(style).to(11).text(more));
    }
    lines
}

/// Steps that took time, slowest first.
fn slowest(record: &BuildRecord) -> Vec<&StepRecord> {
    let tenth = Duration::from_millis(100);
    let ran = record.steps.iter().filter(|step| !step.cached && step.took() >= tenth);
    let mut steps: Vec<&StepRecord> = ran.collect();
    steps.sort_by_key(|step| std::cmp::Reverse(step.took()));
    steps.truncate(SLOWEST);
    steps
}
