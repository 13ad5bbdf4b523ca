//! Names made of bytes: SHA-256 in hexadecimal, and identifiers nobody else has.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// 25 letters and digits, the shape BuildKit's own clients use for sessions and builds.
///
/// The standard library's hash keys are the randomness: 128 bits from the system per thread.
pub(crate) fn new_id() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let word = |salt: u64| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(count);
        hasher.write_u64(salt);
        hasher.write_u32(std::process::id());
        hasher.finish()
    };
    let mut bits = (u128::from(word(0)) << 64) | u128::from(word(1));
    let letters = (0..25).map(|_| {
        let letter = LETTERS[usize::try_from(bits % 36).expect("below 36")];
        bits /= 36;
        char::from(letter)
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_and_digests_are_the_known_ones() {
        assert_ne!(new_id(), new_id());
        assert_eq!(new_id().len(), 25);
        assert!(sha256_hex(b"").starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
    }
}
