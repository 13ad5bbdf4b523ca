//! Short Markdown for a pull request: status first, long parts folded away.

use std::io;

use careen_model::{
    BuildRecord, Comparison, Diagnosis, Finding, Missed, Outcome, Proof, ProofVerdict, Severity,
    units,
};

use crate::{TextOf, clean, missed, words};

/// Findings that a comment shows; the rest is counted.
const FINDINGS: usize = 10;
/// Before a row that is a part of the row above it.
const WITHIN: &str = "↳ ";

const SLOWEST: usize = 5;

/// Findings by cost.
pub fn doctor(
    out: &mut dyn io::Write,
    diagnosis: &Diagnosis,
    text_of: &TextOf<'_>,
) -> io::Result<()> {
    let errors = diagnosis.at_least(Severity::Error);
    let warnings = diagnosis.at_least(Severity::Warning) - errors;
    let hints = diagnosis.findings.len() - errors - warnings;
    let counts = [(errors, "error"), (warnings, "warning"), (hints, "hint")];
    let counts = counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| words::many(n, what));
    let counts: Vec<String> = counts.collect();
    let found = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    writeln!(out, "### careen doctor: {found}\n")?;

    if !diagnosis.findings.is_empty() {
        writeln!(out, "| | finding | where | costs |\n|---|---|---|---:|")?;
    }
    let mut by_cost: Vec<&Finding> = diagnosis.findings.iter().collect();
    by_cost.sort_by(|a, b| b.weight().total_cmp(&a.weight()));
    for finding in by_cost.iter().take(FINDINGS) {
        let cost = finding.cost.map_or(String::new(), |cost| {
            format!("{} ({})", words::saving(cost.saving), words::basis(cost.basis))
        });
        let fix = finding
            .fixes
            .first()
            .map_or(String::new(), |fix| format!("<br>fix: {}", text(&fix.title)));
        let severity = words::severity(finding.severity);
        let place = text(&words::place(&finding.place, text_of));
        let message = text(&finding.message);
        writeln!(out, "| {severity} | {message} `{}`{fix} | {place} | {cost} |", finding.rule)?;
    }
    if by_cost.len() > FINDINGS {
        writeln!(out, "\nand {} more", by_cost.len() - FINDINGS)?;
    }
    let (checks, skipped) = (diagnosis.checks.len(), diagnosis.skipped());
    let checks = words::many(checks, "check");
    let ignored = diagnosis.ignored();
    writeln!(out, "\n{checks}, {skipped} skipped, {ignored} ignored")
}

/// The outcome of a build, its phases, and its slowest steps folded away.
pub fn build(
    out: &mut dyn io::Write,
    record: &BuildRecord,
    last: Option<&BuildRecord>,
) -> io::Result<()> {
    let total = units::time(record.total);
    let outcome = match record.outcome {
        Some(Outcome::Built) => format!("built in {total}"),
        other => format!("{} after {total}", words::outcome(other)),
    };
    let compared = last.map(|last| Comparison::of(last, record));
    let change = compared.as_ref().and_then(|compared| compared.rows.last());
    let change = change.map_or(String::new(), |row| format!(", {}", against(row)));
    writeln!(out, "### careen build: {outcome}{change}\n")?;
    if let Some(error) = &record.error {
        writeln!(out, "> {}\n", text(error))?;
    }
    if let Some(compared) = &compared {
        table(out, compared)?;
    } else {
        writeln!(out, "| phase | time |\n|---|---:|")?;
        for share in words::shares(record) {
            let name = words::part_after(WITHIN, Some(share.part)).unwrap_or_default();
            writeln!(out, "| {name} | {} |", units::time(share.wall))?;
        }
        writeln!(out, "| **total** | **{total}** |")?;
    }
    let (run, cached) = record.run_and_cached();
    let sent = record.context().map_or(String::new(), |sent| {
        format!(", context {} in {} files", units::size(sent.bytes), units::count(sent.files))
    });
    let steps = words::many(run + cached, "step");
    writeln!(out, "\n{steps}: {run} run, {cached} cached{sent}")?;

    ran_again(out, record.missed.as_deref())?;
    let mut steps: Vec<_> = record.steps.iter().filter(|s| !s.took().is_zero()).collect();
    steps.sort_by_key(|step| std::cmp::Reverse(step.took()));
    if !steps.is_empty() {
        writeln!(out, "\n<details><summary>Slowest steps</summary>\n")?;
        writeln!(out, "| step | time |\n|---|---:|")?;
        for step in steps.iter().take(SLOWEST) {
            writeln!(out, "| {} | {} |", text(&words::step(step)), units::time(step.took()))?;
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

/// Tables of phases with their titles.
pub fn comparison(out: &mut dyn io::Write, tables: &[(String, Comparison)]) -> io::Result<()> {
    for (i, (title, compared)) in tables.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let change =
            compared.rows.last().map_or(String::new(), |row| format!(": {}", against(row)));
        writeln!(out, "### {}{change}\n", text(title))?;
        table(out, compared)?;
        ran_again(out, compared.missed.as_deref())?;
    }
    Ok(())
}

/// Why steps ran again, one item for each first cause.
fn ran_again(out: &mut dyn io::Write, missed: Option<&[Missed]>) -> io::Result<()> {
    let causes = missed::causes(missed.unwrap_or_default());
    if !causes.is_empty() {
        writeln!(out, "\nWhy steps ran again:\n")?;
    }
    for cause in &causes {
        writeln!(
            out,
            "* {}: {}",
            text(words::step_name(&cause.step).as_ref()),
            text(&cause.reason)
        )?;
    }
    Ok(())
}

/// A proof, short enough for a pull request comment.
pub fn proof(out: &mut dyn io::Write, proof: &Proof) -> io::Result<()> {
    let title = match proof.verdict() {
        ProofVerdict::Faster => "the same image, faster",
        ProofVerdict::NoDifference => "the same image, no scenario differs beyond doubt",
        ProofVerdict::Slower => "the same image, slower",
        ProofVerdict::NotTheSame => "not the same image",
        ProofVerdict::Unknown => "the content could not be compared",
    };
    writeln!(out, "### careen prove: {title}\n")?;
    let (before, after) = (text(&proof.before), text(&proof.after));
    writeln!(out, "| scenario | {before} | {after} | faster | 95 % interval |")?;
    writeln!(out, "|---|---:|---:|---:|---|")?;
    for one in &proof.scenarios {
        let name = one.scenario.name();
        let (Some((before, after)), Some(ratio)) = (one.medians(), one.ratio()) else {
            writeln!(out, "| {name} | | | | skipped: {} |", text(&one.note))?;
            continue;
        };
        let interval = ratio.interval.map_or_else(String::new, |(low, high)| {
            format!("{} – {}", units::ratio(low), units::ratio(high))
        });
        let (before, after) = (units::time(before), units::time(after));
        writeln!(
            out,
            "| {name} | {before} | {after} | {} | {interval} |",
            units::ratio(ratio.median)
        )?;
    }
    for one in proof.scenarios.iter().filter(|one| !one.between.is_empty()) {
        writeln!(out, "\n| {}: fix | change | left |\n|---|---:|---:|", one.scenario.name())?;
        for (name, gain) in proof.fixes.iter().zip(one.gains()) {
            let sure = if gain.is_sure() { "" } else { " (may be chance)" };
            let (change, left) = (words::removed(gain.removed()), units::time(gain.after));
            writeln!(out, "| {} | {change}{sure} | {left} |", text(name))?;
        }
    }
    let content = &proof.content;
    match &content.unknown {
        Some(why) => writeln!(out, "\ncontent not compared: {}", text(why))?,
        None if content.is_same() => {
            writeln!(out, "\nsame content: {} entries", units::count(content.entries.1 as u64))?;
        }
        None => {
            writeln!(
                out,
                "\nnot the same content: {}",
                words::many(content.different, "difference")
            )?;
            for (package, files) in content.packages.iter().take(FINDINGS) {
                writeln!(out, "* {}: {}", text(package), words::many(*files, "file"))?;
            }
        }
    }
    Ok(())
}

fn against(row: &careen_model::Row) -> String {
    use careen_model::Change;
    match row.change() {
        Change::Faster(ratio) => format!("{} faster", units::ratio(ratio)),
        Change::Same => "as fast as before".to_owned(),
        _ => words::change(row),
    }
}

fn table(out: &mut dyn io::Write, compared: &Comparison) -> io::Result<()> {
    let label = |word: &str, label: &str| match label {
        "" => word.to_owned(),
        label => format!("{word} {}", text(label)),
    };
    let before = label("before", &compared.before_label);
    let after = label("after", &compared.after_label);
    writeln!(out, "| phase | {before} | {after} | change |\n|---|---:|---:|---:|")?;
    for row in &compared.rows {
        let (before, after) = (units::time(row.before), units::time(row.after));
        let (name, change) = (words::phase_after(WITHIN, row), words::change(row));
        let strong = if row.part.is_none() { "**" } else { "" };
        let cells =
            [&*name, &before, &after, &change].map(|cell| format!("{strong}{cell}{strong}"));
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// Foreign text in one cell: nothing in it is markup, a mention, a link or a workflow command.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // No link and no workflow command.
    out.replace("://", "&#58;//").replace("::", "&#58;&#58;")
}
