//! White space as BuildKit's parser means it, on bytes that may not be UTF-8.

/// Bytes of the white space character at the start of `bytes`, 0 when there is none.
fn leading_space(bytes: &[u8]) -> usize {
    let Some(&first) = bytes.first() else { return 0 };
    if first.is_ascii() {
        return usize::from(is_ascii_space(first));
    }
    let length = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => return 0,
    };
    let Some(head) = bytes.get(..length) else { return 0 };
    match std::str::from_utf8(head) {
        Ok(text) if text.starts_with(char::is_whitespace) => length,
        _ => 0,
    }
}

fn trailing_space(bytes: &[u8]) -> usize {
    let Some(&last) = bytes.last() else { return 0 };
    if last.is_ascii() {
        return usize::from(is_ascii_space(last));
    }
    (2..=3)
        .filter(|&n| n <= bytes.len())
        .find(|&n| leading_space(&bytes[bytes.len() - n..]) == n)
        .unwrap_or(0)
}

fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0B | 0x0C | b'\r' | b' ')
}

/// Where `bytes[start..end]` begins once leading Unicode white space is gone.
pub(super) fn skip_space(bytes: &[u8], mut start: usize, end: usize) -> usize {
    loop {
        match leading_space(&bytes[start..end]) {
            0 => return start,
            n => start += n,
        }
    }
}

/// `start..end` without Unicode white space at either end.
pub(super) fn trim(bytes: &[u8], start: usize, mut end: usize) -> (usize, usize) {
    let start = skip_space(bytes, start, end);
    loop {
        match trailing_space(&bytes[start..end]) {
            0 => return (start, end),
            n => end -= n,
        }
    }
}

/// The separators of instruction words: BuildKit's `[\t\v\f\r ]`.
pub(super) fn is_separator(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x0B | 0x0C | b'\r' | b' ')
}

/// White space in the two places where BuildKit looks at bytes as if they were characters
/// (flags, first word of HEALTHCHECK): also 0x85 and 0xA0, even inside a longer character.
pub(super) fn is_space_byte(byte: u8) -> bool {
    is_ascii_space(byte) || matches!(byte, 0x85 | 0xA0)
}

/// Length of the character at the start of `bytes` (1 for a byte that is not UTF-8), and
/// whether it is white space. `bytes` is not empty.
pub(super) fn character(bytes: &[u8]) -> (usize, bool) {
    let space = leading_space(bytes);
    if space > 0 {
        return (space, true);
    }
    let length = match bytes[0] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    match bytes.get(..length).map(std::str::from_utf8) {
        Some(Ok(_)) => (length, false),
        _ => (1, false),
    }
}

pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The line without any carriage returns and line feeds at its end.
pub(super) fn without_line_end(line: &[u8]) -> &[u8] {
    let kept = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    &line[..kept.map_or(0, |last| last + 1)]
}
