//! Which bodies are too much for the linter, whose time grows faster than its input.

use crate::Why;

/// Bytes of one body that are read. The longest of the shell bodies in 644 real files has 5 kB.
pub const MOST_BYTES: usize = 32 << 10;

/// Substitutions, groups and expansions in one another that are followed.
pub const MOST_DEPTH: usize = 40;

/// `&&`, `||` and `|` in one body that are read. The real body with the most has 57; the time of
/// the linter grows with the cube of a chain.
pub const MOST_LINKS: usize = 150;

/// `None` when the body can be read. Quotes are not looked at: it counts too much, not too little.
pub(crate) fn exceeded(text: &str) -> Option<Why> {
    if text.len() > MOST_BYTES {
        return Some(Why::TooLarge { bytes: text.len() });
    }
    let (mut depth, mut deepest, mut links) = (0_usize, 0, 0);
    let mut before = 0;
    for &byte in text.as_bytes() {
        match byte {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            b'&' if before == b'&' => links += 1,
            b'|' if before != b'|' => links += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
        before = byte;
    }
    if deepest > MOST_DEPTH {
        return Some(Why::TooDeep);
    }
    (links > MOST_LINKS).then_some(Why::TooLong { links })
}
