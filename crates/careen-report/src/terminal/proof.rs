//! The screen of a proof: times of both states by scenario, and whether they build the same.

use std::io;

use careen_model::{Content, Measured, Proof, ProofVerdict, Ratio, units};

use super::{Line, Style, Tone, line::wrap, tables, write_lines};
use crate::words;

/// Differences that are shown; the JSON has more.
const SHOWN: usize = 12;

/// Tables of times, phases of the median builds, and the content.
pub fn proof(out: &mut dyn io::Write, style: Style, proof: &Proof) -> io::Result<()> {
    let rounds = proof.scenarios.iter().map(|one| one.pairs.len()).max().unwrap_or(0);
    let mut lines = vec![
        Line::new(style).add(Tone::Strong, format!("before: {}", proof.before)),
        Line::new(style)
            .add(Tone::Strong, format!("after:  {}", proof.after))
            .add(Tone::Dim, format!("   {} each, in turns", words::many(rounds, "build"))),
        Line::new(style),
    ];
    let head = Line::new(style).add(Tone::Dim, " scenario").right(32, Tone::Dim, "before");
    let head = head.right(43, Tone::Dim, "after").right(55, Tone::Dim, "faster");
    lines.push(head.add(Tone::Dim, "  95 % interval"));
    lines.extend(proof.scenarios.iter().flat_map(|one| scenario(style, one)));
    for one in &proof.scenarios {
        let Some(compared) = &one.comparison else { continue };
        lines.push(Line::new(style));
        let title = format!("{}, the median builds", one.scenario.name());
        lines.push(Line::new(style).add(Tone::Strong, title));
        lines.extend(tables::rows(style, compared, ("before", "after")));
    }
    for one in &proof.scenarios {
        lines.extend(gains(style, one, &proof.fixes));
    }
    lines.push(Line::new(style));
    lines.extend(content(style, &proof.content));
    lines.push(Line::new(style));
    let (tone, text) = verdict(proof.verdict());
    lines.push(Line::new(style).add(tone, text));
    for text in &proof.held_equal {
        let rows = wrap(style, &format!("held equal: {text}"), style.width);
        lines.extend(rows.iter().map(|row| Line::new(style).add(Tone::Dim, row)));
    }
    write_lines(out, style, &lines)
}

/// What each fix removed; what one pair of builds or a wide interval says is not sure.
fn gains(style: Style, one: &Measured, fixes: &[String]) -> Vec<Line> {
    let gains = one.gains();
    let (Some(first), Some(last)) = (gains.first(), gains.last()) else { return vec![] };
    let title = format!("{}, what each fix removed", one.scenario.name());
    let head = Line::new(style).add(Tone::Dim, " fix").right(44, Tone::Dim, "change");
    let mut lines = vec![
        Line::new(style),
        Line::new(style).add(Tone::Strong, title),
        head.right(55, Tone::Dim, "left").add(Tone::Dim, "  95 % interval"),
        Line::new(style).text(" before").right(55, Tone::Plain, units::time(first.before)),
    ];
    for (name, gain) in fixes.iter().zip(&gains) {
        let tone = match (gain.is_sure(), gain.removed() > 0.0) {
            (true, true) => Tone::Good,
            (true, false) => Tone::Bad,
            (false, _) => Tone::Dim,
        };
        // A long list of rules has a line of its own.
        let line = Line::new(style).text(" ").text(name);
        let line = if name.chars().count() > 30 {
            lines.extend(line.rows(3));
            Line::new(style)
        } else {
            line
        };
        let line = line.right(44, tone, words::removed(gain.removed()));
        let line = line.right(55, Tone::Plain, units::time(gain.after));
        lines.push(match gain.ratio {
            Some(ratio) => line.add(Tone::Dim, format!("  {}", interval(ratio))),
            None => line,
        });
    }
    lines.push(Line::new(style).text(" now").right(55, Tone::Strong, units::time(last.after)));
    lines
}

fn scenario(style: Style, one: &Measured) -> Vec<Line> {
    let name = Line::new(style).text(" ").text(one.scenario.name());
    let Some((before, after)) = one.medians() else {
        return name.add(Tone::Dim, format!("  skipped: {}", one.note)).rows(4);
    };
    let line = name.right(32, Tone::Plain, units::time(before));
    let line = line.right(43, Tone::Plain, units::time(after));
    let line = match one.ratio() {
        None => line,
        Some(ratio) => {
            let line = line.right(55, tone(ratio), units::ratio(ratio.median));
            line.add(Tone::Dim, format!("  {}", interval(ratio)))
        }
    };
    let mut lines = vec![line];
    if !one.note.is_empty() {
        lines.push(Line::new(style).add(Tone::Dim, format!("   {}", one.note)));
    }
    lines
}

fn tone(ratio: Ratio) -> Tone {
    match ratio.interval {
        Some((low, _)) if low > 1.0 => Tone::Good,
        Some((_, high)) if high < 1.0 => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// `1.10–1.24×`, or that one pair has none.
fn interval(ratio: Ratio) -> String {
    match ratio.interval {
        Some((low, high)) => {
            format!("{}–{}", units::ratio(low).trim_end_matches('×'), units::ratio(high))
        }
        None => "one pair has none".to_owned(),
    }
}

fn content(style: Style, content: &Content) -> Vec<Line> {
    if let Some(why) = &content.unknown {
        let line = Line::new(style).add(Tone::Beware, "content not compared: ").text(why);
        return line.rows(2);
    }
    let counted = |n: usize| units::count(n as u64);
    let (before, after) = content.entries;
    let mut lines = Vec::new();
    if content.is_same() {
        lines.push(Line::new(style).add(Tone::Good, "✓ same content").text(format!(
            ": {} entries before, {} after",
            counted(before),
            counted(after)
        )));
    } else {
        let differ = words::many(content.different + content.settings.len(), "difference");
        lines.push(Line::new(style).add(Tone::Bad, format!("✗ not the same content: {differ}")));
        for (package, files) in content.packages.iter().take(SHOWN) {
            let line = Line::new(style).text("  package ").add(Tone::Strong, package);
            lines.push(line.add(Tone::Dim, format!("  {}", words::many(*files, "file"))));
        }
        if content.packages.len() > SHOWN {
            let more = counted(content.packages.len() - SHOWN);
            lines.push(Line::new(style).add(Tone::Dim, format!("  and {more} more packages")));
        }
        for one in content.differences.iter().take(SHOWN) {
            let line = Line::new(style).text("  ").text(one.how.name()).to(30).text(&one.path);
            lines.push(line.whole());
        }
        if content.different > SHOWN {
            let more = format!(
                "  and {} more; --format json has them",
                counted(content.different - SHOWN)
            );
            lines.push(Line::new(style).add(Tone::Dim, more));
        }
        for (name, before, after) in &content.settings {
            lines.extend(Line::new(style).text(format!("  {name}: {before} → {after}")).rows(4));
        }
    }
    for (why, n) in &content.volatile {
        let text = format!("  {} not counted: {why}", words::many(*n, "difference"));
        lines.push(Line::new(style).add(Tone::Dim, text));
    }
    lines
}

fn verdict(verdict: ProofVerdict) -> (Tone, &'static str) {
    match verdict {
        ProofVerdict::Faster => (Tone::Good, "proven: the same image, faster"),
        ProofVerdict::NoDifference => {
            (Tone::Plain, "the same image; no scenario differs beyond doubt")
        }
        ProofVerdict::Slower => (Tone::Bad, "the same image, and a scenario is slower"),
        ProofVerdict::NotTheSame => (
            Tone::Bad,
            "no proof: the two states do not build the same, so their times say nothing",
        ),
        ProofVerdict::Unknown => (Tone::Beware, "no proof: the content could not be compared"),
    }
}
