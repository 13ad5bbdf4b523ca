//! One joined line taken apart: keyword, flags and arguments, as each keyword wants them.

use std::{ops::Range, sync::Arc};

use careen_model::Span;

use super::{
    ast::{Flag, Form, Instruction, Keyword, Word},
    json::{self, Array},
    logical::{Logical, offset},
    text,
};

/// ONBUILD in ONBUILD is refused later; reading stops here so that no input nests us deep.
const DEEPEST_TRIGGER: u32 = 8;

const NOT_STRINGS: &str = "when using JSON array syntax, arrays must be comprised of strings only";

/// Reads the instruction in `range` of the joined text; the caller sets what lies around it.
pub(super) struct Reader<'a> {
    pub(super) logical: &'a Arc<Logical>,
    pub(super) escape: u8,
}

#[derive(Default)]
struct Arguments {
    words: Vec<Word>,
    json: bool,
    legacy_pair: bool,
    trigger: Option<Box<Instruction>>,
    error: Option<String>,
}

impl Reader<'_> {
    /// The instruction and, when BuildKit's parser refuses it, the reason.
    pub(super) fn read(&self, range: Range<usize>, depth: u32) -> (Instruction, Option<String>) {
        let line = self.logical.text();
        let (start, end) = text::trim(line, range.start, range.end);
        let length = line[start..end].iter().position(|&byte| text::is_separator(byte));
        let name_end = length.map_or(end, |n| start + n);
        let keyword = Keyword::read(&line[start..name_end]);

        let after = line[name_end..end].iter().position(|&byte| !text::is_separator(byte));
        let rest = after.map_or(end, |n| name_end + n);
        let (flags, rest) = self.flags(rest, end);
        let (from, to) = text::trim(line, rest, end);
        let arguments = self.arguments(keyword, from, to, depth);
        let instruction = Instruction {
            keyword,
            name: self.word(start..name_end),
            span: self.logical.span(start..end),
            code: self.logical.span(start..end),
            lines: (0, 0),
            flags,
            form: if arguments.json { Form::Json } else { Form::Shell },
            words: arguments.words,
            heredocs: Vec::new(),
            trigger: arguments.trigger,
            blank_inside: false,
            dangling: false,
            legacy_pair: arguments.legacy_pair,
            logical: Arc::clone(self.logical),
        };
        (instruction, arguments.error)
    }

    fn word(&self, range: Range<usize>) -> Word {
        Word {
            text: text::lossy(&self.logical.text()[range.clone()]),
            span: self.logical.span(range.clone()),
            range: (offset(range.start), offset(range.end)),
        }
    }

    fn arguments(&self, keyword: Keyword, start: usize, end: usize, depth: u32) -> Arguments {
        match keyword {
            Keyword::Cmd | Keyword::Entrypoint | Keyword::Run | Keyword::Shell => {
                self.command(start, end)
            }
            Keyword::Add | Keyword::Copy | Keyword::Volume => self.json_or_list(start, end),
            Keyword::Arg => {
                Arguments { words: self.quoted_words(start, end), ..Arguments::default() }
            }
            Keyword::Env | Keyword::Label => self.pairs(keyword, start, end),
            Keyword::Expose | Keyword::From => self.list(start, end),
            Keyword::Healthcheck => self.health(start, end),
            Keyword::Maintainer | Keyword::Stopsignal | Keyword::User | Keyword::Workdir => {
                self.whole(start, end)
            }
            Keyword::Onbuild => self.trigger(start, end, depth),
            // BuildKit's parser drops these arguments; kept here for whoever looks.
            Keyword::Unknown => self.whole(start, end),
        }
    }

    fn whole(&self, start: usize, end: usize) -> Arguments {
        let words = if start == end { vec![] } else { vec![self.word(start..end)] };
        Arguments { words, ..Arguments::default() }
    }

    fn list(&self, start: usize, end: usize) -> Arguments {
        let line = self.logical.text();
        let mut words = Vec::new();
        let mut at = start;
        while at < end {
            let length = line[at..end].iter().position(|&byte| text::is_separator(byte));
            let stop = length.map_or(end, |n| at + n);
            words.push(self.word(at..stop));
            let gap = line[stop..end].iter().position(|&byte| !text::is_separator(byte));
            at = gap.map_or(end, |n| stop + n);
        }
        Arguments { words, ..Arguments::default() }
    }

    fn json(&self, start: usize, end: usize) -> Option<Arguments> {
        match json::read_array(self.logical.text(), start, end) {
            Array::Not => None,
            Array::Mixed => {
                Some(Arguments { error: Some(NOT_STRINGS.to_owned()), ..self.whole(start, end) })
            }
            Array::Strings(strings) => {
                let word = |(text, range): (String, Range<usize>)| Word {
                    text,
                    span: self.logical.span(range.clone()),
                    range: (offset(range.start), offset(range.end)),
                };
                let words = strings.into_iter().map(word).collect();
                Some(Arguments { words, json: true, ..Arguments::default() })
            }
        }
    }

    fn command(&self, start: usize, end: usize) -> Arguments {
        self.json(start, end).unwrap_or_else(|| self.whole(start, end))
    }

    fn json_or_list(&self, start: usize, end: usize) -> Arguments {
        self.json(start, end).unwrap_or_else(|| self.list(start, end))
    }

    fn health(&self, start: usize, end: usize) -> Arguments {
        let line = self.logical.text();
        let length = line[start..end].iter().position(|&byte| text::is_space_byte(byte));
        let stop = length.map_or(end, |n| start + n);
        if stop == start {
            return Arguments::default();
        }
        let gap = line[stop..end].iter().position(|&byte| !text::is_space_byte(byte));
        let mut command = self.command(gap.map_or(end, |n| stop + n), end);
        command.words.insert(0, self.word(start..stop));
        command
    }

    fn trigger(&self, start: usize, end: usize, depth: u32) -> Arguments {
        if start == end || depth >= DEEPEST_TRIGGER {
            return self.whole(start, end);
        }
        let (trigger, error) = self.read(start..end, depth + 1);
        Arguments { trigger: Some(Box::new(trigger)), error, ..Arguments::default() }
    }

    /// ENV and LABEL: `NAME=value …`, or `NAME value` when the first word has no equals sign.
    fn pairs(&self, keyword: Keyword, start: usize, end: usize) -> Arguments {
        let line = self.logical.text();
        let words = self.quoted_words(start, end);
        let Some(first) = words.first() else { return Arguments::default() };
        let equals = |word: &Word| {
            let (from, to) = (word.range.0 as usize, word.range.1 as usize);
            line[from..to].iter().position(|&byte| byte == b'=').map(|n| (from, from + n, to))
        };
        if equals(first).is_none() {
            return self.legacy_pair(keyword, start, end);
        }
        let mut pairs = Vec::with_capacity(words.len() * 2);
        for word in &words {
            let Some((from, at, to)) = equals(word) else {
                let quoted = super::dump::quote(word.text.as_bytes());
                let error = format!(
                    "Syntax error - can't find = in {quoted}. Must be of the form: name=value"
                );
                return Arguments { words: pairs, error: Some(error), ..Arguments::default() };
            };
            pairs.push(self.word(from..at));
            pairs.push(self.word(at + 1..to));
        }
        Arguments { words: pairs, ..Arguments::default() }
    }

    fn legacy_pair(&self, keyword: Keyword, start: usize, end: usize) -> Arguments {
        let line = self.logical.text();
        let Some(n) = line[start..end].iter().position(|&byte| text::is_separator(byte)) else {
            let error = format!("{} must have two arguments", keyword.as_str());
            return Arguments { error: Some(error), ..self.whole(start, end) };
        };
        let gap = line[start + n..end].iter().position(|&byte| !text::is_separator(byte));
        let value = gap.map_or(end, |gap| start + n + gap);
        let words = vec![self.word(start..start + n), self.word(value..end)];
        Arguments { words, legacy_pair: true, ..Arguments::default() }
    }

    /// Words separated by white space outside quotes; quotes and escapes stay in the words.
    fn quoted_words(&self, start: usize, end: usize) -> Vec<Word> {
        let line = self.logical.text();
        let mut words = Vec::new();
        let mut at = start;
        loop {
            at = text::skip_space(line, at, end);
            if at >= end {
                return words;
            }
            let (stop, next) = self.quoted_word(at, end);
            if stop > at {
                words.push(self.word(at..stop));
            }
            at = next;
        }
    }

    /// End of the word's text and where to go on; an escape at the very end is not text.
    fn quoted_word(&self, start: usize, end: usize) -> (usize, usize) {
        let line = self.logical.text();
        let mut quote = None;
        let mut at = start;
        while at < end {
            let byte = line[at];
            let (length, space) = text::character(&line[at..end]);
            if quote.is_none() && space {
                return (at, at);
            }
            let quotes_end = quote == Some(byte);
            if quotes_end {
                quote = None;
            } else if quote.is_none() && matches!(byte, b'\'' | b'"') {
                quote = Some(byte);
            }
            let escapes = byte == self.escape && quote != Some(b'\'');
            if escapes && !quotes_end {
                if at + 1 == end {
                    return (at, end);
                }
                at += 1 + text::character(&line[at + 1..end]).0;
            } else {
                at += length;
            }
        }
        (end, end)
    }

    /// `--name=value` words at the front, and where the arguments begin. Works on bytes, takes
    /// quotes away and always escapes with a backslash, as BuildKit does.
    fn flags(&self, start: usize, end: usize) -> (Vec<Flag>, usize) {
        let line = self.logical.text();
        let mut flags = Vec::new();
        let mut at = start;
        loop {
            while at < end && text::is_space_byte(line[at]) {
                at += 1;
            }
            if !line[at..end].starts_with(b"--") {
                return (flags, at);
            }
            let (text, places, stop) = unquote_flag(line, at, end);
            if text == "--" {
                return (flags, stop);
            }
            flags.push(self.flag(&text, &places, at..stop));
            at = stop;
        }
    }

    fn flag(&self, text: &str, places: &[usize], range: Range<usize>) -> Flag {
        let span = self.logical.span(range);
        let body = text.strip_prefix("--").unwrap_or(text);
        let Some((name, value)) = body.split_once('=') else {
            let value_span = Span { start: span.end, end: span.end };
            let name = body.to_owned();
            return Flag { name, value: None, span, value_span, places: None };
        };
        let offset_of_value = text.len() - value.len();
        let sources: Vec<u32> =
            places[offset_of_value..].iter().map(|&place| self.logical.source_of(place)).collect();
        let begin = self.logical.span(places[offset_of_value - 1]..places[offset_of_value - 1] + 1);
        let even = (begin.end..).zip(&sources).all(|(expected, &real)| expected == real);
        Flag {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            span,
            value_span: Span { start: begin.end, end: span.end },
            places: if even { None } else { Some(sources) },
        }
    }
}

/// A flag without quotes, the place of each of its bytes in the line, and where it ends.
fn unquote_flag(line: &[u8], start: usize, end: usize) -> (String, Vec<usize>, usize) {
    let mut out = String::new();
    let mut places = Vec::new();
    let mut quote = None;
    let mut at = start;
    while at < end {
        let byte = line[at];
        if quote.is_none() && text::is_space_byte(byte) {
            break;
        }
        let is_quote = match quote {
            None => matches!(byte, b'\'' | b'"'),
            Some(open) => byte == open,
        };
        if is_quote {
            quote = if quote.is_none() { Some(byte) } else { None };
            at += 1;
            continue;
        }
        let taken = if byte == b'\\' { at + 1 } else { at };
        at = taken + 1;
        if taken < end {
            // Bytes become characters one by one: BuildKit reads flags as Latin-1.
            let character = char::from(line[taken]);
            out.push(character);
            places.extend((0..character.len_utf8()).map(|_| taken));
        }
    }
    (out, places, at.min(end))
}
