//! One pattern compiled the way the reference compiles it: exact, prefix, suffix or regular expression.

/// What a pattern is compared with.
///
/// The four kinds and their oddities are those of `Pattern.compile` in moby/patternmatcher v0.6.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// The path is equal to the pattern.
    Exact(String),
    /// The path starts with this; slashes mean nothing here.
    Prefix(String),
    /// The path ends with this. When it starts with a slash, the rest alone also matches.
    Suffix(Vec<u8>),
    /// RE2 syntax, searched in the path.
    Regex(String),
}

/// The characters that the reference escapes. It means to escape `{`, `|` and `}` too, but its
/// bitmap has room for bytes below 64 only, so those keep their meaning.
const ESCAPED: &str = ".+()$";

/// Compiles a cleaned pattern (without its `!`).
pub(super) fn compile(pattern: &str) -> Form {
    // The reference's scanner drops a byte order mark at the start, but only where it scans.
    let mut rest = pattern.strip_prefix('\u{FEFF}').unwrap_or(pattern).chars().peekable();
    let mut regex = String::from("^");
    let mut kind = Kind::Exact;
    let mut is_first = true;
    while let Some(ch) = rest.next() {
        match ch {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                match (rest.peek().is_none(), kind) {
                    (true, Kind::Exact) => kind = Kind::Prefix,
                    (true, _) => {
                        regex.push_str(".*");
                        kind = Kind::Regex;
                    }
                    (false, _) => {
                        regex.push_str("(.*/)?");
                        kind = Kind::Regex;
                    }
                }
                if is_first {
                    kind = Kind::Suffix;
                }
            }
            '*' => {
                regex.push_str("[^/]*");
                kind = Kind::Regex;
            }
            '?' => {
                regex.push_str("[^/]");
                kind = Kind::Regex;
            }
            '\\' => {
                regex.push('\\');
                if let Some(next) = rest.next() {
                    regex.push(next);
                    kind = Kind::Regex;
                }
            }
            '[' | ']' => {
                regex.push(ch);
                kind = Kind::Regex;
            }
            _ => {
                if ESCAPED.contains(ch) {
                    regex.push('\\');
                }
                regex.push(ch);
            }
        }
        is_first = false;
    }
    match kind {
        Kind::Exact => Form::Exact(pattern.to_owned()),
        Kind::Prefix => Form::Prefix(pattern[..pattern.len() - 2].to_owned()),
        // After a dropped mark this cuts into its three bytes, as the reference does.
        Kind::Suffix => Form::Suffix(pattern.as_bytes()[2..].to_owned()),
        Kind::Regex => {
            regex.push('$');
            Form::Regex(regex)
        }
    }
}

/// Compiles a cleaned pattern as Docker 20.10 does: always an expression, in which only `.` and `$`
/// are taken literally (`compile` in moby `pkg/fileutils`, before moby/moby#42961).
pub(super) fn compile_20_10(pattern: &str) -> Form {
    let mut rest = pattern.strip_prefix('\u{FEFF}').unwrap_or(pattern).chars().peekable();
    let mut regex = String::from("^");
    while let Some(ch) = rest.next() {
        match ch {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                regex.push_str(if rest.peek().is_none() { ".*" } else { "(.*/)?" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '.' | '$' => regex.extend(['\\', ch]),
            '\\' => {
                regex.push('\\');
                regex.extend(rest.next());
            }
            _ => regex.push(ch),
        }
    }
    regex.push('$');
    Form::Regex(regex)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exact,
    Prefix,
    Suffix,
    Regex,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_in_20_10() {
        for (pattern, expected) in [
            ("a.b", r"^a\.b$"),
            ("**", "^.*$"),
            ("a/**", "^a/.*$"),
            ("**.py", r"^(.*/)?\.py$"),
            ("o++o", "^o++o$"),
            (r"a\*", r"^a\*$"),
        ] {
            assert_eq!(compile_20_10(pattern), Form::Regex(expected.into()), "{pattern}");
        }
    }

    #[test]
    fn four_kinds() {
        let cases = [
            ("a.b", Form::Exact("a.b".into())),
            ("a/**", Form::Prefix("a/".into())),
            ("**", Form::Suffix(Vec::new())),
            ("**.py", Form::Suffix(b".py".to_vec())),
            ("**/a", Form::Suffix(b"/a".to_vec())),
            ("**foo*", Form::Regex("^(.*/)?foo[^/]*$".into())),
            ("*.{js,ts}", Form::Regex(r"^[^/]*\.{js,ts}$".into())),
            ("**/a/**", Form::Regex("^(.*/)?a/.*$".into())),
            (r"dir\subdir", Form::Regex(r"^dir\subdir$".into())),
        ];
        for (pattern, expected) in cases {
            assert_eq!(compile(pattern), expected, "{pattern}");
        }
    }
}
