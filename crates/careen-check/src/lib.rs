//! Judging facts: rules, the planner of fixes and the generators of files.
#![deny(clippy::disallowed_methods)]

pub mod generate;
