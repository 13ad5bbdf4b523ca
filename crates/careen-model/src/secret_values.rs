//! Secrets whose values are known, taken out of bytes that may come in pieces.

use crate::redact::MARK;

/// Shorter values occur by chance; hiding them would only damage the text.
const SHORTEST: usize = 4;

/// A line of a key or a setting is at least this long; `}` or `true` is nobody's secret.
const SHORTEST_LINE: usize = 8;

/// The lines of a key are looked for one by one; those of a whole bundle of certificates are not,
/// because they are many, and public.
const MOST_LINES: usize = 500;

/// Replaces known secret values by [`MARK`].
#[derive(Clone, Default)]
pub struct SecretValues {
    /// Longest first, so that a value that contains another one disappears as a whole.
    values: Vec<Vec<u8>>,
}

impl std::fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretValues({})", self.values.len())
    }
}

impl SecretValues {
    /// Hides each secret, with and without white space around it, and each of its longer lines.
    pub fn new<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> SecretValues {
        let mut values: Vec<Vec<u8>> = Vec::new();
        for secret in secrets {
            let whole = secret.trim_ascii();
            let lines: Vec<&[u8]> = whole.split(|&b| b == b'\n').map(<[u8]>::trim_ascii).collect();
            let is_searched =
                |line: &&[u8]| lines.len() <= MOST_LINES && line.len() >= SHORTEST_LINE;
            let lines = lines.iter().copied().filter(is_searched);
            values.extend(std::iter::once(whole).chain(lines).map(<[u8]>::to_vec));
        }
        values.retain(|value| value.len() >= SHORTEST);
        values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        SecretValues { values }
    }

    /// Hides one more value as it is; one that is known or too short changes nothing.
    pub fn add(&mut self, value: &[u8]) {
        if value.len() >= SHORTEST && !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_vec());
            self.values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        }
    }

    /// How many values are hidden.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for value in &self.values {
            if find(&out, value).is_some() {
                out = replaced(&out, value);
            }
        }
        out
    }

    /// How many bytes at the end of a text are the beginning of a value.
    pub fn begun(&self, text: &[u8]) -> usize {
        let longest = |value: &Vec<u8>| {
            let most = text.len().min(value.len() - 1);
            (1..=most).rev().find(|&n| text.ends_with(&value[..n])).unwrap_or(0)
        };
        self.values.iter().map(longest).max().unwrap_or(0)
    }

    pub fn text(&self, text: &str) -> String {
        if self.values.is_empty() {
            return text.to_owned();
        }
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }
}

fn find(text: &[u8], value: &[u8]) -> Option<usize> {
    text.windows(value.len()).position(|window| window == value)
}

fn replaced(text: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find(rest, value) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(MARK.as_bytes());
        rest = &rest[at + value.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_disappear_wherever_they_stand() {
        let secrets: [&[u8]; 3] = [b"hunter2\n", b"hunter2hunter2", b"on"];
        let redactor = SecretValues::new(secrets.into_iter());
        for (text, expected) in [
            ("echo hunter2 hunter2", "echo *** ***"),
            ("xhunter2hunter2x", "x***x"),
            ("on and on", "on and on"),
        ] {
            assert_eq!(redactor.text(text), expected);
        }
    }

    #[test]
    fn each_line_of_a_key_disappears_and_none_of_a_bundle() {
        let key: &[u8] = b"-----BEGIN KEY-----\nMIIEpAIBAAKC\nabc\n";
        let bundle = "line of a certificate\n".repeat(MOST_LINES + 1);
        let secrets = [key, bundle.as_bytes()];
        let values = SecretValues::new(secrets.into_iter());
        assert_eq!(values.text("x MIIEpAIBAAKC y abc"), "x *** y abc");
        assert_eq!(values.text("line of a certificate"), "line of a certificate");
        assert_eq!(format!("{values:?}"), "SecretValues(4)");
    }

    #[test]
    fn a_value_that_has_begun_is_noticed() {
        let secrets: [&[u8]; 1] = [b"hunter2"];
        let redactor = SecretValues::new(secrets.into_iter());
        for (text, expected) in [("xhunt", 4), ("h", 1), ("hunter2", 0), ("hunter", 6), ("", 0)] {
            assert_eq!(redactor.begun(text.as_bytes()), expected, "{text}");
        }
    }
}
