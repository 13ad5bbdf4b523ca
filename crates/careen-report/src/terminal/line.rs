//! One line of a screen: pieces of clean text with a tone, measured in display columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Style;
use crate::clean;

/// What a piece of text means; colour only repeats what the words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
    Beware,
    Hint,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    style: Style,
    pieces: Vec<(Tone, String)>,
    /// Commands and paths are for copying: never cut.
    whole: bool,
}

impl Line {
    pub(super) fn new(style: Style) -> Line {
        Line { style, pieces: vec![], whole: false }
    }

    /// Appends text, cleaned of whatever a file or an engine put into it.
    #[must_use]
    pub(super) fn add(mut self, tone: Tone, text: impl AsRef<str>) -> Line {
        let text = fit(self.style, &clean(text.as_ref()));
        self.pieces.push((tone, text));
        self
    }

    #[must_use]
    pub(super) fn text(self, text: impl AsRef<str>) -> Line {
        self.add(Tone::Plain, text)
    }

    /// Pads to `column`; a line already there gets one space.
    #[must_use]
    pub(super) fn to(self, column: usize) -> Line {
        let gap = column.saturating_sub(self.width()).max(1);
        self.text(" ".repeat(gap))
    }

    /// Appends text that ends at `column`.
    #[must_use]
    pub(super) fn right(self, column: usize, tone: Tone, text: impl AsRef<str>) -> Line {
        let width = width_in(self.style, text.as_ref());
        self.to(column.saturating_sub(width)).add(tone, text)
    }

    /// Appends at most `columns` of the text, the end cut off.
    #[must_use]
    pub(super) fn cut(self, columns: usize, tone: Tone, text: impl AsRef<str>) -> Line {
        let short = cut(self.style, &clean(text.as_ref()), columns);
        self.add(tone, short)
    }

    #[must_use]
    pub(super) fn whole(mut self) -> Line {
        self.whole = true;
        self
    }

    /// The line broken between words, so that nothing is cut; later rows begin at `indent`.
    pub(super) fn rows(self, indent: usize) -> Vec<Line> {
        if self.whole || self.width() <= self.style.width {
            return vec![self];
        }
        let start = Line::new(self.style).text(" ".repeat(indent));
        let mut rows = vec![Line::new(self.style)];
        for (tone, text) in self.pieces {
            for word in text.split_inclusive(' ') {
                let row = rows.last_mut().expect("there is a first row");
                let is_empty = row.width() <= indent;
                if is_empty || row.width() + word.trim_end().width() <= self.style.width {
                    row.pieces.push((tone, word.to_owned()));
                } else if !word.trim().is_empty() {
                    rows.push(start.clone().add(tone, word));
                }
            }
        }
        rows
    }

    pub(super) fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.width()).sum()
    }

    /// The text as it goes to the terminal: not wider than it, blanks at the end left out.
    pub(super) fn render(&self, style: Style) -> String {
        let mut out = String::new();
        let mut room = if self.whole { usize::MAX } else { style.width };
        let too_long = self.width() > room;
        let last = self.pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        let shown = last.map_or(0, |last| last + 1);
        for (i, (tone, text)) in self.pieces[..shown].iter().enumerate() {
            let text = if i + 1 == shown { text.trim_end() } else { text };
            let text = if too_long { cut(style, text, room) } else { text.to_owned() };
            room -= text.width().min(room);
            match code(*tone).filter(|_| style.color && !text.is_empty()) {
                Some(code) => {
                    out.push_str("\x1b[");
                    out.push_str(code);
                    out.push('m');
                    out.push_str(&text);
                    out.push_str("\x1b[0m");
                }
                None => out.push_str(&text),
            }
            if too_long && room == 0 {
                break;
            }
        }
        out
    }
}

fn code(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Strong => Some("1"),
        Tone::Dim => Some("2"),
        Tone::Good => Some("32"),
        Tone::Bad => Some("31"),
        Tone::Beware => Some("33"),
        Tone::Hint => Some("36"),
    }
}

/// Columns of a line as it was drawn, without its colours.
pub fn columns(line: &str) -> usize {
    let mut in_escape = false;
    let shown = line.chars().filter(|&c| {
        let is_shown = !in_escape && c != '\u{1b}';
        in_escape = c == '\u{1b}' || (in_escape && !c.is_ascii_alphabetic());
        is_shown
    });
    shown.filter_map(UnicodeWidthChar::width).sum()
}

/// The width `text` will have in this style.
pub(super) fn width_in(style: Style, text: &str) -> usize {
    fit(style, &clean(text)).width()
}

/// At most `columns` of `text`, with a mark where the rest was cut off.
pub(super) fn cut(style: Style, text: &str, columns: usize) -> String {
    let text = fit(style, text);
    if text.width() <= columns {
        return text;
    }
    let dots = if style.unicode { "…" } else { "..." };
    let Some(room) = columns.checked_sub(dots.width()) else { return ".".repeat(columns) };
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        out.push(c);
    }
    out + dots
}

/// Breaks `text` between words, or within a word that is wider than a line.
pub(super) fn wrap(style: Style, text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in fit(style, &clean(text)).split_whitespace() {
        let gap = usize::from(used > 0);
        if used > 0 && used + gap + word.width() > columns {
            lines.push(String::new());
            used = 0;
        }
        for c in (if used > 0 { " " } else { "" }).chars().chain(word.chars()) {
            let width = c.width().unwrap_or(0);
            if used + width > columns {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().expect("there is a first line").push(c);
            used += width;
        }
    }
    lines
}

/// `text` in the characters this terminal has.
fn fit(style: Style, text: &str) -> String {
    if style.unicode || text.is_ascii() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match ascii(c) {
            Some(plain) => out.push_str(plain),
            None if c.is_ascii() => out.push(c),
            None => out.extend(std::iter::repeat_n('?', c.width().unwrap_or(0))),
        }
    }
    out
}

fn ascii(c: char) -> Option<&'static str> {
    Some(match c {
        '✓' => "+",
        '·' | '–' | '—' | '─' | '−' => "-",
        '✗' | '×' => "x",
        '…' => "...",
        '→' => "->",
        '←' => "<-",
        '↓' => "v",
        '≈' => "~",
        '≤' => "<=",
        '≥' => ">=",
        '│' => "|",
        '█' => "#",
        '░' => ".",
        '±' => "+-",
        'µ' => "u",
        '‘' | '’' => "'",
        '“' | '”' | '„' => "\"",
        '\u{a0}' | '\u{2009}' | '\u{202f}' => " ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Style = Style { color: false, unicode: true, width: 12 };
    const ASCII: Style = Style { color: false, unicode: false, width: 12 };

    #[test]
    fn lines_are_measured_in_columns_and_cut_to_the_screen() {
        let line = |style| Line::new(style).text("漢字漢字").add(Tone::Bad, "\x1b[2J✗ abcdefg");
        assert_eq!(line(WIDE).render(WIDE), "漢字漢字✗ a…");
        assert_eq!(line(ASCII).render(ASCII), "????????x...");
        assert_eq!(line(ASCII).whole().render(ASCII), "????????x abcdefg");
        let color = Style { color: true, ..WIDE };
        assert_eq!(line(color).render(color), "漢字漢字\x1b[31m✗ a…\x1b[0m");
    }

    #[test]
    fn columns_line_up_in_both_alphabets() {
        for style in [WIDE, ASCII] {
            let line = Line::new(style).text("a→b").to(6).text("c").right(12, Tone::Plain, "3.1×");
            assert_eq!(line.width(), 12);
        }
    }

    #[test]
    fn a_line_in_rows_loses_nothing() {
        let line = Line::new(WIDE).text("  ab: ").add(Tone::Dim, "one two three four");
        let rows: Vec<String> = line.rows(4).iter().map(|row| row.render(WIDE)).collect();
        assert_eq!(rows, ["  ab: one", "    two", "    three", "    four"]);
        let short = Line::new(WIDE).text("as it is");
        assert_eq!(short.rows(4).len(), 1);
    }

    #[test]
    fn words_wrap_and_long_ones_break() {
        assert_eq!(wrap(WIDE, "one two  three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap(WIDE, "a 0123456789abc d", 8), ["a", "01234567", "89abc d"]);
        assert_eq!(wrap(WIDE, "", 9), [""]);
    }
}
