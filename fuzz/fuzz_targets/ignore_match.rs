//! A path and patterns: the compiled matcher decides as the slow one does.

#![no_main]

#[path = "../../crates/careen-syntax/tests/invariants/ignore_match.rs"]
mod invariants;
#[path = "../../crates/careen-syntax/tests/slow_ignore/mod.rs"]
mod slow_ignore;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| invariants::check_match(input));
