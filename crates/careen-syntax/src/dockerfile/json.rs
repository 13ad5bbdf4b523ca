//! JSON arrays of strings as Go's decoder reads them, with the place of every element.

use std::ops::Range;

use super::text;

/// What an argument text is when it is looked at as a JSON array.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Array {
    Strings(Vec<(String, Range<usize>)>),
    /// Valid JSON, but an element is not a string.
    Mixed,
    /// Not an array, or not valid JSON: BuildKit falls back to the shell form.
    Not,
}

/// Go refuses JSON that nests deeper than this (`encoding/json`, `maxNestingDepth`).
const DEEPEST: usize = 10_000;

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
}

/// Reads `text[start..end]`; ranges are offsets in `text`, quotes included.
pub(super) fn read_array(text: &[u8], start: usize, end: usize) -> Array {
    let start = text::skip_space(text, start, end);
    if start == end || text[start] != b'[' {
        return Array::Not;
    }
    let mut scanner = Scanner { text, at: start + 1, end };
    scanner.array().unwrap_or(Array::Not)
}

impl Scanner<'_> {
    fn array(&mut self) -> Option<Array> {
        let mut found = Vec::new();
        let mut mixed = false;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return self.finish(Array::Strings(found));
        }
        loop {
            self.skip_space();
            let start = self.at;
            if self.peek()? == b'"' {
                let value = self.string()?;
                found.push((value, start..self.at));
            } else {
                self.other_value()?;
                mixed = true;
            }
            self.skip_space();
            match self.next()? {
                b',' => {}
                b']' if mixed => return self.finish(Array::Mixed),
                b']' => return self.finish(Array::Strings(found)),
                _ => return None,
            }
        }
    }

    /// Nothing but white space may follow.
    fn finish(&mut self, array: Array) -> Option<Array> {
        self.skip_space();
        (self.at == self.end).then_some(array)
    }

    fn peek(&self) -> Option<u8> {
        (self.at < self.end).then(|| self.text[self.at])
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// A value that is not a string, checked but not kept; open brackets wait on a list.
    fn other_value(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.skip_space();
            let opened = match self.peek()? {
                b'"' => self.string().map(|_| false)?,
                bracket @ (b'[' | b'{') => {
                    self.at += 1;
                    open.push(bracket);
                    if open.len() >= DEEPEST {
                        return None;
                    }
                    !self.close_at_once(&mut open)
                }
                _ => self.scalar().map(|()| false)?,
            };
            if !opened && self.close_or_continue(&mut open)? {
                return Some(());
            }
            if open.last() == Some(&b'{') {
                self.key()?;
            }
        }
    }

    fn close_at_once(&mut self, open: &mut Vec<u8>) -> bool {
        self.skip_space();
        let closes = matches!(
            (open.last(), self.peek()),
            (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}'))
        );
        if closes {
            self.at += 1;
            open.pop();
        }
        closes
    }

    /// After a value: true when the outermost value is complete.
    fn close_or_continue(&mut self, open: &mut Vec<u8>) -> Option<bool> {
        loop {
            let Some(&bracket) = open.last() else { return Some(true) };
            self.skip_space();
            match (bracket, self.next()?) {
                (_, b',') => return Some(false),
                (b'[', b']') | (b'{', b'}') => open.pop(),
                _ => return None,
            };
        }
    }

    fn key(&mut self) -> Option<()> {
        self.skip_space();
        if self.peek()? != b'"' {
            return None;
        }
        self.string()?;
        self.skip_space();
        (self.next()? == b':').then_some(())
    }

    fn scalar(&mut self) -> Option<()> {
        for word in [&b"true"[..], b"false", b"null"] {
            if self.text[self.at..self.end].starts_with(word) {
                self.at += word.len();
                return Some(());
            }
        }
        self.number()
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.next()? {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        // A number too large for a float makes Go's decoder fail.
        let number: f64 = std::str::from_utf8(&self.text[start..self.at]).ok()?.parse().ok()?;
        number.is_finite().then_some(())
    }

    fn some_digits(&mut self) -> Option<()> {
        let start = self.at;
        self.skip_digits();
        (self.at > start).then_some(())
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<String> {
        self.at += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Some(text::lossy(&out)),
                b'\\' => self.escape(&mut out)?,
                0..=0x1F => return None,
                byte => out.push(byte),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let plain = match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let character = self.unicode()?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Some(());
            }
            _ => return None,
        };
        out.push(plain);
        Some(())
    }

    /// One `\uXXXX`, or two that form a surrogate pair; a lone surrogate becomes U+FFFD.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if let Some(character) = char::from_u32(first) {
            return Some(character);
        }
        let before = self.at;
        let follows = self.text[self.at..self.end].starts_with(b"\\u");
        if first < 0xDC00 && follows {
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                return char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            }
            self.at = before;
        }
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text[self.at..self.end].get(..4)?;
        let digits = std::str::from_utf8(digits).ok()?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

/// The value of `key` in a JSON object, when it is a string; the last one of several.
pub(super) fn string_member(text: &[u8], key: &str) -> Option<String> {
    let mut scanner = Scanner { text, at: 0, end: text.len() };
    scanner.skip_space();
    if scanner.next()? != b'{' {
        return None;
    }
    let mut found = None;
    loop {
        scanner.skip_space();
        if scanner.peek()? != b'"' {
            return None;
        }
        let name = scanner.string()?;
        scanner.skip_space();
        if scanner.next()? != b':' {
            return None;
        }
        scanner.skip_space();
        let value = match scanner.peek()? {
            b'"' => Some(scanner.string()?),
            _ => scanner.other_value().map(|()| None)?,
        };
        if name == key {
            found = value;
        }
        scanner.skip_space();
        match scanner.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    scanner.skip_space();
    if scanner.at == text.len() { found } else { None }
}
