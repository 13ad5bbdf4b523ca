//! Words and operators of a shell text, with opaque substitutions.

use super::{ShellWord, Text};
use crate::dockerfile::text::lossy;

/// A piece of a shell text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(ShellWord),
    /// `&&`, `||`, `|`, `|&`, `;`, `;;`, `;&`, `;;&`, `&`, `(`, `)` or a line end.
    Operator(&'static str),
    /// The operator of a redirection with the digits before it.
    Redirect(String),
}

/// A token and its offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) struct Lexer<'a> {
    text: &'a Text<'a>,
    at: usize,
    /// Terminators of heredocs whose bodies begin after the next line end, and `<<-`.
    heredocs: Vec<(Vec<u8>, bool)>,
}

/// Longest first, so that the first match is the right one.
const OPERATORS: [&str; 11] = [";;&", "&&", "||", "|&", ";;", ";&", "|", ";", "&", "(", ")"];
const REDIRECTS: [&str; 12] =
    ["&>>", "<<<", "<<-", "&>", ">>", "<<", ">&", "<&", ">|", "<>", ">", "<"];

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a Text<'a>) -> Lexer<'a> {
        Lexer { text, at: text.start, heredocs: Vec::new() }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.bytes[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.bytes.get(self.at).copied()
    }

    /// Remembers a heredoc of the script itself; its body is skipped.
    pub(super) fn expect_heredoc(&mut self, name: &str, chomp: bool) {
        self.heredocs.push((name.as_bytes().to_vec(), chomp));
    }

    /// Skips to after `))`, for an arithmetic command.
    pub(super) fn skip_arithmetic(&mut self) {
        let bytes = self.rest();
        let end = bytes.windows(2).position(|pair| pair == b"))");
        self.at += end.map_or(bytes.len(), |n| n + 2);
    }

    /// What was read last is `((`.
    pub(super) fn is_after_two_parentheses(&self) -> bool {
        self.text.bytes[..self.at].ends_with(b"((")
    }

    pub(super) fn next(&mut self) -> Option<Piece> {
        self.skip_blanks();
        let start = self.at;
        let byte = self.peek()?;
        if byte == b'\n' {
            self.at += 1;
            self.skip_heredocs();
            return Some(Piece { token: Token::Operator("\n"), start, end: start + 1 });
        }
        let substitutes = self.rest().starts_with(b"<(") || self.rest().starts_with(b">(");
        if !substitutes && let Some(operator) = self.redirect() {
            return Some(Piece { token: Token::Redirect(operator), start, end: self.at });
        }
        let operator = OPERATORS.iter().find(|op| self.rest().starts_with(op.as_bytes()));
        if let Some(operator) = operator {
            self.at += operator.len();
            return Some(Piece { token: Token::Operator(operator), start, end: self.at });
        }
        let word = self.word();
        Some(Piece { token: Token::Word(word), start, end: self.at })
    }

    /// Words until one is `]]`, operators being words.
    pub(super) fn test_words(&mut self) -> Vec<(ShellWord, usize)> {
        let mut words = Vec::new();
        loop {
            self.skip_blanks();
            if self.peek().is_none() {
                return words;
            }
            let before = self.at;
            let mut word = self.word();
            if self.at == before {
                // An operator character is a word of its own here.
                self.at += 1;
                word.text = lossy(&self.text.bytes[before..self.at]);
                word.span = self.text.span(before, self.at);
            }
            let last = word.text == "]]";
            words.push((word, self.at));
            if last {
                return words;
            }
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\r' | 0x0B | 0x0C, ..] => self.at += 1,
                [b'\\', b'\n', ..] => self.at += 2,
                [b'\\', b'\r', b'\n', ..] => self.at += 3,
                [b'#', ..] => {
                    let line = self.rest().iter().position(|&byte| byte == b'\n');
                    self.at += line.unwrap_or(self.rest().len());
                }
                _ => return,
            }
        }
    }

    fn skip_heredocs(&mut self) {
        for (name, chomp) in std::mem::take(&mut self.heredocs) {
            while self.at < self.text.bytes.len() {
                let rest = self.rest();
                let length =
                    rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |n| n + 1);
                self.at += length;
                let mut line = crate::dockerfile::text::without_line_end(&rest[..length]);
                if chomp {
                    let tabs = line.iter().take_while(|&&byte| byte == b'\t').count();
                    line = &line[tabs..];
                }
                if line == name {
                    break;
                }
            }
        }
    }

    fn redirect(&mut self) -> Option<String> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = &self.rest()[digits..];
        let operator = REDIRECTS.iter().find(|op| rest.starts_with(op.as_bytes()))?;
        if digits > 0 && operator.starts_with('&') {
            return None;
        }
        let length = digits + operator.len();
        let text = lossy(&self.rest()[..length]);
        self.at += length;
        Some(text)
    }

    fn word(&mut self) -> ShellWord {
        let start = self.at;
        let mut word = Builder::default();
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b')' => break,
                b'(' if self.at > start && self.text.bytes[self.at - 1] != b'=' => break,
                b'(' if self.at == start => break,
                b'<' | b'>' if !self.rest()[1..].starts_with(b"(") => break,
                b'(' | b'<' | b'>' | b'$' | b'`' => self.opaque(&mut word),
                b'\'' => self.single_quotes(&mut word),
                b'"' => self.double_quotes(&mut word),
                b'\\' => self.escape(&mut word),
                _ => {
                    word.text.push(byte);
                    self.at += 1;
                }
            }
        }
        ShellWord {
            text: lossy(&word.text),
            span: self.text.span(start, self.at),
            quoted: word.quoted,
            dynamic: word.dynamic,
        }
    }

    fn escape(&mut self, word: &mut Builder) {
        match self.rest() {
            [_, b'\n', ..] => self.at += 2,
            [_, b'\r', b'\n', ..] => self.at += 3,
            [_, escaped, ..] => {
                word.quoted = true;
                word.text.push(*escaped);
                self.at += 2;
            }
            _ => {
                word.text.push(b'\\');
                self.at += 1;
            }
        }
    }

    fn single_quotes(&mut self, word: &mut Builder) {
        word.quoted = true;
        let inside = &self.rest()[1..];
        let length = inside.iter().position(|&byte| byte == b'\'');
        word.text.extend_from_slice(&inside[..length.unwrap_or(inside.len())]);
        self.at += 1 + length.map_or(inside.len(), |n| n + 1);
    }

    fn double_quotes(&mut self, word: &mut Builder) {
        word.quoted = true;
        self.at += 1;
        while let Some(byte) = self.peek() {
            match (byte, self.rest()) {
                (b'"', _) => {
                    self.at += 1;
                    return;
                }
                (b'$' | b'`', _) => self.opaque(word),
                (b'\\', [_, escaped @ (b'"' | b'\\' | b'$' | b'`'), ..]) => {
                    word.text.push(*escaped);
                    self.at += 2;
                }
                (b'\\', [_, b'\n', ..]) => self.at += 2,
                _ => {
                    word.text.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// A variable or substitution, copied as it is.
    fn opaque(&mut self, word: &mut Builder) {
        let start = self.at;
        match self.rest() {
            [b'$', b'{' | b'(', ..] | [b'<' | b'>', b'(', ..] => {
                self.at += 1;
                self.skip_balanced();
                word.dynamic = true;
            }
            [b'(' | b'`', ..] => {
                self.skip_balanced();
                word.dynamic = true;
            }
            [b'$', b'\'' | b'"', ..] => {
                // $'…' and $"…": the dollar belongs to the quotes.
                self.at += 1;
                word.quoted = true;
                return;
            }
            [b'$', next, ..] if next.is_ascii_alphanumeric() || b"_@*#?-$!".contains(next) => {
                let name = &self.rest()[1..];
                let letters =
                    name.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                self.at += 1 + letters.max(1);
                word.dynamic = true;
            }
            _ => self.at += 1,
        }
        word.text.extend_from_slice(&self.text.bytes[start..self.at]);
    }

    /// From an opening bracket or backtick to after the one that closes it, or to the end.
    /// Open brackets wait on a list, so that no nesting is too deep.
    fn skip_balanced(&mut self) {
        let mut open: Vec<u8> = Vec::new();
        while let Some(byte) = self.peek() {
            let after_dollar = self.at > 0 && self.text.bytes[self.at - 1] == b'$';
            self.at += 1;
            if byte == b'\\' && open.last() != Some(&b'\'') {
                self.at = (self.at + 1).min(self.text.bytes.len());
            } else if Some(byte) == open.last().copied().map(closing) {
                open.pop();
            } else if opens(open.last().copied(), byte, after_dollar) {
                open.push(byte);
            }
            if open.is_empty() {
                return;
            }
        }
    }
}

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'{' => b'}',
        quote => quote,
    }
}

/// Whether a byte opens something inside what is open already.
fn opens(inside: Option<u8>, byte: u8, after_dollar: bool) -> bool {
    match (inside, byte) {
        (Some(b'\''), _) => false,
        (None, _) | (_, b'`') => true,
        (Some(b'"'), b'(' | b'{') | (_, b'{') => after_dollar,
        (Some(b'"'), _) => false,
        (_, b'\'' | b'"' | b'(') => true,
        _ => false,
    }
}

#[derive(Default)]
struct Builder {
    text: Vec<u8>,
    quoted: bool,
    dynamic: bool,
}
