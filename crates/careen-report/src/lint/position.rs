//! Lines and columns of byte offsets, in files of any content.

use careen_model::Span;
use serde::Serialize;

/// Where the lines of a file begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<usize>,
}

/// Two positions, counted from one; columns count characters, the end is behind the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Range {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

impl LineIndex {
    pub fn of(source: &[u8]) -> LineIndex {
        let breaks = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        LineIndex { starts: std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect() }
    }

    pub fn range(&self, source: &[u8], span: Span) -> Range {
        let (line, column) = self.position(source, span.start as usize);
        let (end_line, end_column) = self.position(source, span.end.max(span.start) as usize);
        Range { line, column, end_line, end_column }
    }

    /// The bytes of a line, counted from one, without its line end.
    pub fn line<'a>(&self, source: &'a [u8], line: usize) -> &'a [u8] {
        let Some(&start) = self.starts.get(line.wrapping_sub(1)) else { return b"" };
        let end = self.starts.get(line).map_or(source.len(), |next| next - 1);
        let line = &source[start..end.max(start)];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if start == 0 { line.strip_prefix(MARK).unwrap_or(line) } else { line }
    }

    fn position(&self, source: &[u8], at: usize) -> (usize, usize) {
        let at = at.min(source.len());
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let mut start = self.starts.get(line - 1).copied().unwrap_or(0);
        if start == 0 && source.starts_with(MARK) {
            start = MARK.len().min(at);
        }
        // A byte that begins a character, also where the file is not UTF-8.
        let begins = |byte: &&u8| **byte & 0xc0 != 0x80;
        (line, source[start..at].iter().filter(begins).count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_of_any_file() {
        let check = |source: &[u8], span: (u32, u32), expected: (usize, usize, usize, usize)| {
            let span = Span { start: span.0, end: span.1 };
            let Range { line, column, end_line, end_column } =
                LineIndex::of(source).range(source, span);
            assert_eq!((line, column, end_line, end_column), expected, "{source:?} {span:?}");
        };
        let text = "FROM a\r\nRUN ä b\n".as_bytes();
        check(text, (0, 4), (1, 1, 1, 5));
        check(text, (8, 14), (2, 1, 2, 6));
        check(text, (15, 99), (2, 7, 3, 1));
        check(b"\xef\xbb\xbfFROM a", (3, 7), (1, 1, 1, 5));
        check(b"\xef\xbb\xbfFROM a", (0, 0), (1, 1, 1, 1));
        check(b"RUN \xff\xfe x", (7, 8), (1, 8, 1, 9));
        check(b"", (0, 0), (1, 1, 1, 1));
    }

    #[test]
    fn lines_come_without_their_ends() {
        let text = b"\xef\xbb\xbfa\r\nb\n\nc";
        let index = LineIndex::of(text);
        let lines: Vec<&[u8]> = (0..=5).map(|line| index.line(text, line)).collect();
        assert_eq!(lines, [&b""[..], b"a", b"b", b"", b"c", b""]);
    }
}
