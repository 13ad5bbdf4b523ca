//! Findings, plans and builds as terminal text, JSON, HTML, Markdown, `JUnit` and trace files.
//!
//! Nothing here decides or reads: values come in, text goes into a given writer.
//! Escape codes are made in [`terminal`] only, and none that came in ever goes out.
#![deny(clippy::disallowed_methods)]

mod clean;
mod diff;
pub mod html;
pub mod json;
pub mod junit;
pub mod lint;
pub mod markdown;
mod missed;
mod subject;
pub mod terminal;
pub mod trace;
mod words;
mod xml;

pub use clean::{clean, clean_lines};
pub use subject::{
    HistoryShown, ImageTests, JournalRow, LayerShown, ProofShown, PruneShown, SlowShown, Subject,
    TextOf,
};
