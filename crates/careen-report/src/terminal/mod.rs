//! Reports for a terminal, in aligned columns, at the width and in the means the reader has.
//!
//! Invariant: every text passes through [`Line::add`], which removes foreign escape sequences;
//! the only escape codes are the ones [`Line::render`] writes.

mod build;
mod busters;
mod cases;
mod context;
mod doctor;
mod journal;
mod line;
mod lint;
mod live;
mod overview;
mod plan;
mod proof;
mod summary;
mod tables;

pub use build::{BuildSummary, build_summary};
pub use busters::context_busters;
pub use cases::image_tests;
pub use context::{context, context_path, context_patterns, context_tried};
pub use doctor::{Detail, Doctor, Listed, checks, doctor};
pub use journal::{journal, undone};
pub use line::columns;
pub use lint::{Excerpts, lint};
pub use live::{Output, Plain, Tail, Window, frame};
pub use overview::{Overview, overview};
pub use plan::{Applied, Measured, applied, plan};
pub use proof::proof;
pub use tables::{comparison, history, imported, pruned};

use std::io;

use line::{Line, Tone};

/// What the reader's terminal can do. The caller knows `NO_COLOR` and the like; we do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub color: bool,
    /// False: only ASCII is written, glyphs have a fallback, other characters become `?`.
    pub unicode: bool,
    /// Columns. Lines are cut or wrapped to it, except commands and paths to copy.
    pub width: usize,
}

impl Style {
    /// Plain ASCII-free text without colours at 80 columns: what a file or a pipe gets.
    pub const PLAIN: Style = Style { color: false, unicode: true, width: 80 };

    /// The width that tables are laid out for; on a narrower screen their ends are cut.
    fn table(self) -> usize {
        self.width.clamp(40, 80)
    }
}

fn write_lines(out: &mut dyn io::Write, style: Style, lines: &[Line]) -> io::Result<()> {
    for line in lines {
        writeln!(out, "{}", line.render(style))?;
    }
    Ok(())
}

/// A glyph and its tone for how bad something is.
fn mark(severity: careen_model::Severity) -> (Tone, &'static str) {
    match severity {
        careen_model::Severity::Error => (Tone::Bad, "✗"),
        careen_model::Severity::Warning => (Tone::Beware, "!"),
        careen_model::Severity::Hint | careen_model::Severity::Style => (Tone::Dim, "·"),
    }
}
