//! What single lines of a progress log say.

use super::prefix;

/// `#12 rest`.
pub(super) fn numbered(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.strip_prefix(b"#")?;
    let mut number: u32 = 0;
    let mut at = 0;
    while let Some(digit @ b'0'..=b'9') = digits.get(at) {
        number = number * 10 + u32::from(digit - b'0');
        at += 1;
        if at > 6 {
            return None;
        }
    }
    match digits.get(at) {
        _ if at == 0 => None,
        None => Some((number, &digits[at..])),
        Some(b' ') => Some((number, &digits[at + 1..])),
        Some(_) => None,
    }
}

/// `ERROR: failed to solve: …` and its forms before there was an `ERROR`.
pub(super) fn failure(text: &str) -> Option<&str> {
    let rest =
        text.strip_prefix("ERROR: ").or_else(|| text.strip_prefix("error: ")).unwrap_or(text);
    let rest = rest.strip_prefix("failed to build: ").unwrap_or(rest);
    let is_solve = rest.starts_with("failed to solve") || rest.starts_with("failed to build");
    if is_solve {
        let error = rest.split_once(": ").map_or(rest, |(_, error)| error);
        return Some(error.strip_prefix("rpc error: code = Unknown desc = ").unwrap_or(error));
    }
    (rest.len() < text.len() && text.starts_with("ERROR: ")).then_some(rest)
}

pub(super) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// With `PROGRESS_NO_TRUNC=0` a name is cut after 72 bytes and gets three dots.
pub(super) fn is_shortened(text: &str, name: &str) -> bool {
    text.strip_suffix("...").is_some_and(|head| head.len() >= 40 && name.starts_with(head))
}

/// `      digest: sha256:…`: the key of a line of the first releases.
pub(super) fn detail(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.trim_start().split_once(": ")?;
    let is_indented = text.starts_with("  ");
    let known = matches!(
        key,
        "digest" | "name" | "started" | "completed" | "duration" | "cached" | "error"
    );
    (is_indented && known).then(|| (key, value.trim()))
}

/// A text without the escape sequences in it.
pub(super) fn without_escapes(text: &str) -> String {
    if !text.contains('\u{1b}') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        let length = prefix::escape(&rest.as_bytes()[at..]).map_or(1, |(length, _)| length);
        let mut end = (at + length).min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}
