//! Any bytes as an ignore file: no panic, lines that tile, faults where the matcher refuses.

#![no_main]

#[path = "../../crates/careen-syntax/tests/invariants/ignore_read.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| invariants::check_read(input));
