//! The text of an ignore file as lines and patterns, and which of two files counts.

use careen_model::{Span, context::IgnoreProblem};

use crate::ignore::{glob, matcher::fault};

/// An ignore file, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IgnoreSource {
    /// Every line; together they cover the file.
    pub lines: Vec<Line>,
    /// What the builder is given, in order.
    pub patterns: Vec<String>,
    pub problems: Vec<IgnoreProblem>,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Counted from one.
    pub number: u32,
    /// The bytes of the line without its line end.
    pub span: Span,
    /// The line without the white space around it; invalid bytes are U+FFFD.
    pub raw: String,
    pub kind: LineKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Blank,
    Comment,
    /// Index in [`IgnoreSource::patterns`].
    Pattern(usize),
}

/// A line of this many bytes fails the build (Go's `bufio.MaxScanTokenSize`).
const LONGEST_LINE: usize = 64 * 1024;

const MARK: &[u8] = b"\xef\xbb\xbf";

impl IgnoreSource {
    /// The line that gave pattern number `index`.
    pub fn line_of(&self, index: usize) -> Option<&Line> {
        self.lines.iter().find(|line| line.kind == LineKind::Pattern(index))
    }
}

/// Reads the file as the reference's `ignorefile.ReadAll` does, and says what will go wrong.
pub fn read(bytes: &[u8]) -> IgnoreSource {
    let mut source = IgnoreSource::default();
    let mut start = 0;
    for (i, line) in bytes.split(|&b| b == b'\n').enumerate() {
        let is_after_last = i > 0 && line.is_empty() && start == bytes.len();
        if !is_after_last {
            source.push(i, start, line);
        }
        start += line.len() + 1;
    }
    let too_long = bytes.split(|&b| b == b'\n').position(|line| line.len() >= LONGEST_LINE);
    source.find_problems(bytes, too_long);
    if too_long.is_some() {
        source.patterns.clear();
        for line in &mut source.lines {
            if let LineKind::Pattern(_) = line.kind {
                line.kind = LineKind::Comment;
            }
        }
    }
    source
}

/// Reads `<Dockerfile>.dockerignore`, whose mere existence disables the file in the root.
pub fn read_dedicated(bytes: &[u8]) -> IgnoreSource {
    let mut source = read(bytes);
    if source.patterns.is_empty() && source.problems.is_empty() {
        let message =
            "this file has no pattern and replaces `.dockerignore`, so nothing is ignored";
        source.problems.push(silent(None, message));
    }
    source
}

/// The files that may be in force, best first: beside the Dockerfile, then in the context root.
/// The first that exists counts alone. Paths are slash paths.
pub fn candidates(dockerfile: &str, context_root: &str) -> [String; 2] {
    let root = context_root.strip_suffix('/').unwrap_or(context_root);
    [format!("{dockerfile}.dockerignore"), format!("{root}/.dockerignore")]
}

impl IgnoreSource {
    fn push(&mut self, index: usize, start: usize, bytes: &[u8]) {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let text = if index == 0 { bytes.strip_prefix(MARK).unwrap_or(bytes) } else { bytes };
        let text = glob::runes(text);
        let kind = if text.starts_with('#') {
            LineKind::Comment
        } else if text.trim().is_empty() {
            LineKind::Blank
        } else {
            self.patterns.push(normalize(text.trim()));
            LineKind::Pattern(self.patterns.len() - 1)
        };
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.lines.push(Line {
            number: offset(index + 1),
            span: Span { start: offset(start), end: offset(start + bytes.len()) },
            raw: text.trim().to_owned(),
            kind,
        });
    }

    /// `too_long` is the index of the first line that no scanner of the reference holds.
    fn find_problems(&mut self, bytes: &[u8], too_long: Option<usize>) {
        if let Some(line) = too_long {
            let message = format!("the line is longer than {} bytes", LONGEST_LINE - 1);
            self.problems.push(fatal(u32::try_from(line + 1).ok(), message));
            return;
        }
        let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
        if is_utf16 {
            let message = "the file is UTF-16, so nothing is ignored";
            self.problems.push(silent(None, message));
            return;
        }
        let patterns: Vec<(u32, &str)> = self
            .lines
            .iter()
            .filter_map(|line| match line.kind {
                LineKind::Pattern(index) => Some((line.number, self.patterns[index].as_str())),
                _ => None,
            })
            .collect();
        let mut problems = Vec::new();
        // Patterns travel in a gRPC header, which is only encoded when one is not ASCII.
        let is_encoded = patterns.iter().any(|(_, pattern)| !pattern.is_ascii());
        for &(number, pattern) in &patterns {
            if pattern.contains('\r') {
                let message = "a carriage return alone does not end a line".to_owned();
                problems.push(IgnoreProblem { line: Some(number), message, fatal: !is_encoded });
            } else if pattern.chars().any(|ch| ch.is_ascii_control()) && !is_encoded {
                let message = "control characters cannot be sent to the builder".to_owned();
                problems.push(fatal(Some(number), message));
            }
            if let Some(detail) = fault(pattern) {
                problems.push(fatal(Some(number), format!("{detail}: `{pattern}`")));
            }
        }
        let broken = self.lines.iter().filter(|line| line.raw.contains('\u{FFFD}'));
        for line in broken {
            let is_pattern = matches!(line.kind, LineKind::Pattern(_));
            let is_invalid =
                std::str::from_utf8(&bytes[line.span.start as usize..line.span.end as usize])
                    .is_err();
            if is_pattern && is_invalid {
                problems.push(silent(Some(line.number), "the line is not UTF-8"));
            }
        }
        self.problems.extend(problems);
    }
}

/// Cleans the path part and takes one leading slash away, keeping a `!`.
fn normalize(trimmed: &str) -> String {
    let (bang, path) = match trimmed.strip_prefix('!') {
        Some(rest) => ("!", rest.trim()),
        None => ("", trimmed),
    };
    if path.is_empty() {
        return bang.to_owned();
    }
    let clean = glob::clean(path);
    let relative = if clean.len() > 1 { clean.strip_prefix('/').unwrap_or(&clean) } else { &clean };
    format!("{bang}{relative}")
}

fn fatal(line: Option<u32>, message: String) -> IgnoreProblem {
    IgnoreProblem { line, message, fatal: true }
}

fn silent(line: Option<u32>, message: &str) -> IgnoreProblem {
    IgnoreProblem { line, message: message.to_owned(), fatal: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_patterns() {
        let cases: [(&[u8], &[&str]); 8] = [
            (b"\xef\xbb\xbffoo\r\nbar", &["foo", "bar"]),
            (b"# c\n #not\nfoo # trailing\n", &["#not", "foo # trailing"]),
            (b"/foo\n//foo/\n/\n", &["foo", "foo", "/"]),
            (b"!\n! /foo\n!!foo", &["!", "!foo", "!!foo"]),
            ("\u{a0}foo\u{3000}\n\u{200b}x".as_bytes(), &["foo", "\u{200b}x"]),
            (b"./a/../b\n..\n/../c", &["b", "..", "c"]),
            (b"", &[]),
            (b"\n \n\t\n", &[]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(bytes).patterns, expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn lines_keep_their_place() {
        let source = read(b"# c\r\n\r\n  foo \nbar");
        let seen: Vec<(u32, u32, u32, &str, LineKind)> = source
            .lines
            .iter()
            .map(|line| (line.number, line.span.start, line.span.end, line.raw.as_str(), line.kind))
            .collect();
        let expected = [
            (1, 0, 3, "# c", LineKind::Comment),
            (2, 5, 5, "", LineKind::Blank),
            (3, 7, 13, "foo", LineKind::Pattern(0)),
            (4, 14, 17, "bar", LineKind::Pattern(1)),
        ];
        assert_eq!(seen, expected);
        assert_eq!(source.line_of(1).unwrap().number, 4);
    }

    #[test]
    fn what_breaks_the_build_is_a_problem() {
        let long = "a".repeat(LONGEST_LINE);
        let cases: [(&[u8], &str, bool); 8] = [
            (b"!", "illegal exclusion pattern: \"!\": `!`", true),
            (b"[a", "syntax error in pattern: `[a`", true),
            // The words of another problem in a pattern are not that problem.
            (b"[longer than", "syntax error in pattern: `[longer than`", true),
            (b"[b-a]x", "invalid character class range: [b-a]x$: `[b-a]x`", true),
            (b"a\rb", "a carriage return alone does not end a line", true),
            (b"\xff\xfea\0", "the file is UTF-16, so nothing is ignored", false),
            (long.as_bytes(), "the line is longer than 65535 bytes", true),
            (b"a\xff*", "the line is not UTF-8", false),
        ];
        for (bytes, message, is_fatal) in cases {
            let problems = read(bytes).problems;
            assert_eq!(problems.len(), 1, "{message}: {problems:?}");
            assert_eq!((problems[0].message.as_str(), problems[0].fatal), (message, is_fatal));
        }
        assert!(read(long.as_bytes()).patterns.is_empty());
        assert_eq!(read(b"# only\n").problems, []);
        assert_eq!(read_dedicated(b"# only\n").problems.len(), 1);
    }

    #[test]
    fn only_a_line_that_is_too_long_takes_all_patterns() {
        assert_eq!(read(b"[longer than\na").patterns.len(), 2);
        let long = format!("a\n{}", "b".repeat(LONGEST_LINE));
        assert_eq!(read(long.as_bytes()).patterns.len(), 0);
    }

    #[test]
    fn the_dedicated_file_comes_first() {
        assert_eq!(
            candidates("ctx/sub/Dockerfile", "ctx"),
            ["ctx/sub/Dockerfile.dockerignore", "ctx/.dockerignore"]
        );
    }
}
