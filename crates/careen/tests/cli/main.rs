//! careen from end to end, as a person runs it: what it says, what it changes, how it ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world should stop")]

mod archives;
mod builders;
mod documents;
mod engine;
mod engine_bases;
mod engine_builders;
mod engine_fixed_trees;
mod engine_hazards;
mod engine_hazards_lab;
mod engine_misses;
mod engine_mounts;
mod engine_screen;
mod engine_trouble;
mod fixes;
mod history;
mod limits;
mod lint;
mod lint_conformance;
mod moves;
mod prove;
mod prove_leftovers;
mod refusals;
mod sandbox;
mod without_engine;
