//! Parser directives: `# name=value` lines, and the other ways to name a syntax.

use std::ops::Range;

use super::text;

const NAMES: [&str; 3] = ["syntax", "escape", "check"];

/// A directive that BuildKit would find with its search through the head of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The first word of the value: for `syntax` the image.
    pub value: String,
    /// The whole value.
    pub full: String,
    /// Counted from 1.
    pub line: u32,
}

/// Reads `source[start..end]`, one line without leading white space: name and place of value.
pub(super) fn read(
    source: &[u8],
    start: usize,
    end: usize,
    comment: &[u8],
) -> Option<(String, Range<usize>)> {
    let line = &source[start..end];
    if !line.starts_with(comment) {
        return None;
    }
    let name_start = text::skip_space(source, start + comment.len(), end);
    let letters = source[name_start..end].iter().take_while(|byte| byte.is_ascii_alphanumeric());
    let name_end = name_start + letters.count();
    let name = std::str::from_utf8(&source[name_start..name_end]).ok()?.to_ascii_lowercase();
    if !NAMES.contains(&name.as_str()) {
        return None;
    }
    let equals = skip_ascii_space(source, name_end, end);
    if source[equals..end].first() != Some(&b'=') {
        return None;
    }
    let value = skip_ascii_space(source, equals + 1, end);
    let mut stop = end;
    while stop > value && source[stop - 1].is_ascii_whitespace() {
        stop -= 1;
    }
    (stop > value).then_some((name, value..stop))
}

fn skip_ascii_space(source: &[u8], start: usize, end: usize) -> usize {
    let spaces = source[start..end].iter().take_while(|byte| byte.is_ascii_whitespace());
    start + spaces.count()
}

/// Looks for `key` in the head of the file. A first line with `#!` is passed over.
pub(super) fn detect(source: &[u8], key: &str) -> Option<Detected> {
    let (source, shebang) = without_head(source);
    detect_lines(source, key, b"#", shebang)
}

/// Looks for a syntax also in `//` comments and in a JSON object.
pub(super) fn detect_syntax(source: &[u8]) -> Option<Detected> {
    let (rest, shebang) = without_head(source);
    detect_lines(rest, "syntax", b"#", shebang)
        .or_else(|| detect_lines(rest, "syntax", b"//", shebang))
        .or_else(|| detect_object(rest, shebang))
}

fn without_head(source: &[u8]) -> (&[u8], u32) {
    let source = source.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(source);
    if !source.starts_with(b"#!") {
        return (source, 0);
    }
    let end = source.iter().position(|&byte| byte == b'\n').map_or(source.len(), |n| n + 1);
    (&source[end..], 1)
}

fn detect_lines(source: &[u8], key: &str, comment: &[u8], skipped: u32) -> Option<Detected> {
    let mut start = 0;
    let mut seen = Vec::new();
    let mut line = skipped;
    while start < source.len() {
        line += 1;
        let rest = &source[start..];
        let length = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |n| n + 1);
        let end = start + text::without_line_end(&rest[..length]).len();
        let (name, value) = read(source, start, end, comment)?;
        if seen.contains(&name) {
            return None;
        }
        if name == key {
            let full = text::lossy(&source[value]);
            let value = full.split(' ').next().unwrap_or("").to_owned();
            return Some(Detected { value, full, line });
        }
        seen.push(name);
        start += length;
    }
    None
}

/// `{"syntax": "…"}` as the whole file.
fn detect_object(source: &[u8], skipped: u32) -> Option<Detected> {
    let value = super::json::string_member(source, "syntax")?;
    Some(Detected { full: value.clone(), value, line: skipped })
}
