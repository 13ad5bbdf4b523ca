//! Any bytes as a Dockerfile: no panic, tiles, spans, and edits that do what they say.

#![no_main]

#[path = "../../crates/careen-syntax/tests/invariants/dockerfile.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| invariants::check_dockerfile(source));
