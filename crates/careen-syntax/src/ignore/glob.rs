//! Slash paths and simple globs as Go's `path/filepath` defines them on Linux.
//!
//! Everything works on bytes, because file names are bytes.

/// A glob that cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadGlob;

/// The shortest equal path: no empty, `.` or resolvable `..` components, no slash at the end.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => (),
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            ".." if rooted => (),
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// `clean(a/b)`, where empty parts do not count.
pub fn join(a: &str, b: &str) -> String {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(b),
        (false, true) => clean(a),
        (false, false) => clean(&format!("{a}/{b}")),
    }
}

/// Everything before the last component, cleaned; `.` when there is nothing.
pub fn dir(path: &str) -> String {
    match path.rfind('/') {
        Some(at) => clean(&path[..=at]),
        None => ".".to_owned(),
    }
}

/// The last component.
pub fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Go's test for "this component is a wildcard": an unescaped `*`, `?` or `[`.
pub fn has_wildcard(component: &str) -> bool {
    let mut bytes = component.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'*' | b'?' | b'[' => return true,
            _ => (),
        }
    }
    false
}

/// One unit of a glob between stars.
#[derive(Debug)]
enum Unit {
    Byte(u8),
    AnyRune,
    Class { negated: bool, ranges: Vec<(u32, u32)> },
}

/// A parsed glob: literal runs between stars.
#[derive(Debug)]
pub struct Glob {
    /// Each run with whether a star stands before it.
    runs: Vec<(bool, Result<Vec<Unit>, BadGlob>)>,
}

impl Glob {
    /// Reads the syntax of Go's `filepath.Match`.
    pub fn new(pattern: &[u8]) -> Glob {
        let mut runs = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            let stars = rest.iter().take_while(|&&b| b == b'*').count();
            rest = &rest[stars..];
            let end = run_end(rest);
            runs.push((stars > 0, parse_run(&rest[..end])));
            rest = &rest[end..];
        }
        Glob { runs }
    }

    /// Whether the whole of `name` matches; `*` and `?` do not cross slashes.
    ///
    /// A malformed part is an error only when the comparison gets that far, as in Go 1.27.
    pub fn matches(&self, name: &[u8]) -> Result<bool, BadGlob> {
        let mut rest = name;
        for (i, (star, run)) in self.runs.iter().enumerate() {
            let run = run.as_ref().map_err(|&err| err)?;
            let is_last = i + 1 == self.runs.len();
            if *star && run.is_empty() {
                return Ok(!rest.contains(&b'/'));
            }
            let furthest = match (*star, rest.iter().position(|&b| b == b'/')) {
                (true, slash) => slash.unwrap_or(rest.len()),
                (false, _) => 0,
            };
            let found = (0..=furthest).find_map(|skip| {
                match_run(run, &rest[skip..]).filter(|tail| tail.is_empty() || !is_last)
            });
            let Some(tail) = found else { return Ok(false) };
            rest = tail;
        }
        Ok(rest.is_empty())
    }
}

/// Where the run ends: at the next star outside a class.
fn run_end(bytes: &[u8]) -> usize {
    let mut in_class = false;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => return i,
            _ => (),
        }
        i += 1;
    }
    bytes.len()
}

fn parse_run(mut bytes: &[u8]) -> Result<Vec<Unit>, BadGlob> {
    let mut units = Vec::new();
    while let Some((&first, rest)) = bytes.split_first() {
        bytes = rest;
        match first {
            b'[' => {
                let (unit, rest) = parse_class(bytes)?;
                units.push(unit);
                bytes = rest;
            }
            b'?' => units.push(Unit::AnyRune),
            b'\\' => {
                let (&escaped, rest) = bytes.split_first().ok_or(BadGlob)?;
                units.push(Unit::Byte(escaped));
                bytes = rest;
            }
            other => units.push(Unit::Byte(other)),
        }
    }
    Ok(units)
}

fn parse_class(mut bytes: &[u8]) -> Result<(Unit, &[u8]), BadGlob> {
    let negated = bytes.first() == Some(&b'^');
    if negated {
        bytes = &bytes[1..];
    }
    let mut ranges = Vec::new();
    loop {
        if bytes.first() == Some(&b']') && !ranges.is_empty() {
            return Ok((Unit::Class { negated, ranges }, &bytes[1..]));
        }
        let (low, rest) = class_rune(bytes)?;
        let mut high = low;
        bytes = rest;
        if bytes[0] == b'-' {
            (high, bytes) = class_rune(&bytes[1..])?;
        }
        ranges.push((low, high));
    }
}

/// One rune of a class; something must follow it, because the class must be closed.
fn class_rune(mut bytes: &[u8]) -> Result<(u32, &[u8]), BadGlob> {
    match bytes.first() {
        None | Some(b'-' | b']') => return Err(BadGlob),
        Some(b'\\') => bytes = &bytes[1..],
        Some(_) => (),
    }
    let (rune, width) = decode(bytes).ok_or(BadGlob)?;
    let invalid = rune == INVALID && width == 1;
    let rest = &bytes[width..];
    if invalid || rest.is_empty() { Err(BadGlob) } else { Ok((rune, rest)) }
}

fn match_run<'a>(run: &[Unit], mut name: &'a [u8]) -> Option<&'a [u8]> {
    for unit in run {
        let &first = name.first()?;
        let width = match unit {
            Unit::Byte(byte) => {
                if first != *byte {
                    return None;
                }
                1
            }
            Unit::AnyRune => {
                if first == b'/' {
                    return None;
                }
                decode(name)?.1
            }
            Unit::Class { negated, ranges } => {
                let (rune, width) = decode(name)?;
                let inside = ranges.iter().any(|&(low, high)| low <= rune && rune <= high);
                if inside == *negated {
                    return None;
                }
                width
            }
        };
        name = &name[width..];
    }
    Some(name)
}

const INVALID: u32 = 0xFFFD;

/// The first rune and its width; an invalid byte is U+FFFD of width 1, as in Go.
fn decode(bytes: &[u8]) -> Option<(u32, usize)> {
    let &first = bytes.first()?;
    if first < 0x80 {
        return Some((u32::from(first), 1));
    }
    let longest = bytes.len().min(4);
    let valid = (2..=longest).find_map(|n| std::str::from_utf8(&bytes[..n]).ok());
    match valid.and_then(|text| text.chars().next()) {
        Some(rune) => Some((u32::from(rune), rune.len_utf8())),
        None => Some((INVALID, 1)),
    }
}

/// `bytes` as text in which every invalid byte is one U+FFFD, the way Go reads runes.
pub fn runes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                out.push_str(text);
                break;
            }
            Err(err) => {
                let (good, bad) = rest.split_at(err.valid_up_to());
                out.push_str(std::str::from_utf8(good).unwrap_or_default());
                out.push('\u{FFFD}');
                rest = &bad[1..];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_is_lexical() {
        let cases = [
            ("", "."),
            ("./a//b/", "a/b"),
            ("/..", "/"),
            ("/../a", "/a"),
            ("a/../..", ".."),
            ("../a", "../a"),
            ("a/..", "."),
            ("//", "/"),
        ];
        for (input, expected) in cases {
            assert_eq!(clean(input), expected, "{input}");
        }
        assert_eq!(dir("a/b"), "a");
        assert_eq!(dir("a"), ".");
        assert_eq!(dir("a/"), "a");
        assert_eq!(join("/", "a/../b"), "/b");
    }

    #[test]
    fn glob_matches_as_go_does() {
        let cases = [
            ("l*", "l1", true),
            ("*", "a/b", false),
            ("a*b*c", "axbxbc", true),
            ("[a-c]x", "bx", true),
            ("[^a]", "a", false),
            ("\\*", "*", true),
            ("?", "☺", true),
            ("*x", "yyx", true),
            ("", "", true),
            ("a", "ab", false),
        ];
        for (pattern, name, expected) in cases {
            let glob = Glob::new(pattern.as_bytes());
            assert_eq!(glob.matches(name.as_bytes()), Ok(expected), "{pattern} {name}");
        }
        for bad in ["[", "[]a]", "[a", "[-]", "[x-]", "a\\", "[a-b-c]", "[^"] {
            assert!(Glob::new(bad.as_bytes()).matches(b".").is_err(), "{bad}");
        }
        assert_eq!(Glob::new(b"a*[").matches(b"."), Ok(false));
        assert_eq!(Glob::new(b"a*[").matches(b"a"), Err(BadGlob));
    }

    #[test]
    fn each_invalid_byte_is_one_rune() {
        assert_eq!(runes(b"a\xff\xe2\x82b"), "a\u{FFFD}\u{FFFD}\u{FFFD}b");
    }
}
