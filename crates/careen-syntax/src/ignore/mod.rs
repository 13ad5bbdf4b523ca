//! `.dockerignore`, read and matched exactly as the reference (moby/patternmatcher, tonistiigi/fsutil) does.
//!
//! [`read`] turns the file into patterns, [`Matcher`] decides about one path, [`Filter`] about a walk
//! (which entries are listed, which folders are worth entering), [`explain`] says why.

pub mod debug;
mod explain;
mod file;
mod filter;
mod form;
pub mod glob;
mod go_regex;
mod index;
mod matcher;

pub use explain::{
    ExplainError, Explanation, Reading, Transition, explain, faster, line_readings, readings,
};
pub use file::{IgnoreSource, Line, LineKind, candidates, read, read_dedicated};
pub use filter::{DirState, Filter, FilterError, FilterScratch, Judged, Which, dedupe_paths};
pub use form::Form;
pub use matcher::{
    Both, MatchError, Matcher, Passed, Pattern, PatternError, Scratch, State, Wanted, fault,
    fault_20_10,
};
