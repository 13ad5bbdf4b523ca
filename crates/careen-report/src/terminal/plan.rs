//! What `careen fix` is about to do, and what it did.

use std::io;

use careen_model::{Choice, FileChange, Plan, Planned, Safety, units};

use super::{Line, Style, Tone, write_lines};
use crate::{
    diff::{self, Op},
    words,
};

/// A fix that was applied and checked again.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured<'a> {
    pub planned: &'a Planned,
    /// The number that was taken before and after: `context`, `1.9 GB`, `6.2 MB`.
    pub number: Option<(String, String, String)>,
    /// Why the check still complains, when it does.
    pub still: Option<String>,
}

/// The end of `careen fix`.
#[derive(Debug, Clone, Copy)]
pub struct Applied<'a> {
    pub fixes: &'a [Measured<'a>],
    /// Id of the journal entry that `careen undo` takes; none where only the engine was changed.
    pub journal: Option<&'a str>,
}

/// Numbered fixes, what needs a decision, what is left to a person, and the diff.
pub fn plan(out: &mut dyn io::Write, style: Style, plan: &Plan) -> io::Result<()> {
    let mut lines = vec![headline(style, plan)];
    if !plan.chosen.is_empty() {
        lines.push(Line::new(style));
    }
    for (i, planned) in plan.chosen.iter().enumerate() {
        let lead = Line::new(style).add(Tone::Strong, format!("{:>2} ", i + 1));
        lines.extend(fix(style, lead, planned));
    }
    if !plan.left.is_empty() {
        lines.push(Line::new(style));
    }
    for (planned, choice) in &plan.left {
        let glyph = match choice {
            Choice::NotAsked(Safety::Manual) => (Tone::Dim, " – "),
            Choice::NotAsked(_) => (Tone::Beware, " ? "),
            Choice::Overlaps => (Tone::Dim, " · "),
            Choice::Refused(_) => (Tone::Bad, " ✗ "),
        };
        let lead = Line::new(style).add(glyph.0, glyph.1);
        lines.extend(fix(style, lead, planned));
        if !matches!(choice, Choice::NotAsked(_)) {
            lines.push(Line::new(style).text("   ").add(Tone::Dim, words::choice(choice)));
        }
    }
    for file in &plan.files {
        lines.push(Line::new(style));
        lines.extend(file_diff(style, file));
    }
    write_lines(out, style, &lines)
}

/// What was done, each with the number that was measured again.
pub fn applied(out: &mut dyn io::Write, style: Style, applied: &Applied<'_>) -> io::Result<()> {
    let mut lines = Vec::new();
    for done in applied.fixes {
        let (tone, glyph) = match done.still {
            None => (Tone::Good, "✓"),
            Some(_) => (Tone::Bad, "✗"),
        };
        let line = Line::new(style).text(" ").add(tone, glyph).text(" ");
        lines.push(line.text(&done.planned.fix.title));
        if let Some((what, before, after)) = &done.number {
            let line = Line::new(style).text("   ").add(Tone::Dim, format!("{what} "));
            lines.push(line.text(format!("{before} → ")).add(Tone::Strong, after));
        }
        if let Some(still) = &done.still {
            lines.push(Line::new(style).text("   still: ").text(still));
        }
        if !done.planned.fix.undoable {
            lines.push(Line::new(style).text("   ").add(Tone::Beware, "cannot be undone"));
        }
    }
    lines.push(Line::new(style));
    let mut line = Line::new(style);
    // What was done in the engine alone is not in the journal.
    if let Some(id) = applied.journal {
        let undo = format!("careen undo {id}");
        line = line.text("Undo: ").add(Tone::Hint, undo).text("   ");
    }
    lines.push(line.text("Proof: ").add(Tone::Hint, "careen build"));
    write_lines(out, style, &lines)
}

fn headline(style: Style, plan: &Plan) -> Line {
    let is = |wanted: Safety| {
        let left = plan.left.iter();
        left.filter(|(_, choice)| matches!(choice, Choice::NotAsked(s) if *s == wanted)).count()
    };
    let other = plan.left.len() - is(Safety::Risky) - is(Safety::Manual) - is(Safety::Safe);
    let mut parts = vec![match plan.chosen.len() {
        0 => "nothing to fix".to_owned(),
        n => words::many(n, "fix"),
    }];
    let left = [
        (is(Safety::Risky) + is(Safety::Safe), "a decision (--risky)", "need", "needs"),
        (is(Safety::Manual), "a person", "need", "needs"),
        (other, "for later", "left", "left"),
    ];
    for (n, what, many, one) in left.into_iter().filter(|(n, ..)| *n > 0) {
        parts.push(format!("{n} {} {what}", if n == 1 { one } else { many }));
    }
    Line::new(style).add(Tone::Strong, parts.join("; "))
}

fn fix(style: Style, lead: Line, planned: &Planned) -> Vec<Line> {
    let title = lead.text(&planned.fix.title);
    let mut lines = vec![title.add(Tone::Dim, format!(" [{}]", planned.rule))];
    lines.push(Line::new(style).text("   ").add(Tone::Dim, &planned.message));
    for step in words::steps(&planned.fix) {
        let line = Line::new(style).text("   ");
        lines.push(match planned.fix.safety {
            Safety::Manual => line.text("  ").add(Tone::Hint, step).whole(),
            _ => line.text(step),
        });
    }
    if !planned.fix.undoable {
        lines.push(Line::new(style).text("   ").add(Tone::Beware, "cannot be undone"));
    }
    lines
}

fn file_diff(style: Style, file: &FileChange) -> Vec<Line> {
    let path = words::shown(&file.path);
    let before = file.before.as_deref().map(std::str::from_utf8);
    let (Ok(before), Ok(after)) = (before.transpose(), std::str::from_utf8(&file.after)) else {
        let (old, new) = (file.before.as_ref().map_or(0, Vec::len), file.after.len());
        let (old, new) = (units::size(old as u64), units::size(new as u64));
        return vec![Line::new(style).text(format!("{path}: not text, {old} → {new}"))];
    };
    let hunks = diff::hunks(before.unwrap_or(""), after);
    let (added, removed) = diff::counts(&hunks);
    let state = match (before, file.executable) {
        (None, true) => "  new, executable",
        (None, false) => "  new",
        (Some(_), _) => "",
    };
    let title = Line::new(style).add(Tone::Strong, path).whole();
    let title = title.text("  ").add(Tone::Good, format!("+{added}"));
    let mut lines = vec![title.add(Tone::Bad, format!(" -{removed}")).add(Tone::Dim, state)];
    for hunk in &hunks {
        lines.push(Line::new(style).add(Tone::Hint, diff::header(hunk)));
        for line in &hunk.lines {
            let tone = match line.op {
                Op::Same => Tone::Plain,
                Op::Old => Tone::Bad,
                Op::New => Tone::Good,
            };
            let sign = diff::sign(line.op);
            lines.push(Line::new(style).add(tone, format!("{sign}{}", line.text)).whole());
            if line.unended {
                lines.push(Line::new(style).add(Tone::Dim, "\\ No newline at end of file"));
            }
        }
    }
    lines
}
