//! Any word with any variables: no panic, a bounded answer.

#![no_main]

#[path = "../../crates/careen-syntax/tests/invariants/expand.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| invariants::check_expand(input));
