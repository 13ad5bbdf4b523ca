//! Edits of whole instructions and flags that keep indentation, line ends and continuations.
//!
//! Spans are those of the file as it was read. A file that is not UTF-8 ([`Dockerfile::text`])
//! or that BuildKit refuses ([`Dockerfile::refusal`]) is not to be edited.

use std::ops::Range;

use careen_model::{Edit, Span};

use super::{
    Dockerfile,
    ast::{Instruction, Item},
};

impl Dockerfile {
    /// `\r\n` when the first line ends so, else `\n`.
    pub fn line_end(&self) -> &'static str {
        let feed = self.source().iter().position(|&byte| byte == b'\n');
        match feed {
            Some(at) if self.source()[..at].ends_with(b"\r") => "\r\n",
            _ => "\n",
        }
    }

    /// Adds `--name=value` after the keyword and the flags that are there, in their style: on a
    /// line of its own when they are.
    pub fn insert_flag(&self, instruction: &Instruction, flag: &str) -> Edit {
        let flags = &instruction.flags;
        // A flag that reaches to the end may have an open quote, which would take the new one in.
        let Some(last) = flags.last().filter(|_| !instruction.words.is_empty()) else {
            return insert(instruction.name.span.end, format!(" {flag}"));
        };
        let before = match flags.len().checked_sub(2) {
            Some(i) => flags[i].span.end,
            None => instruction.name.span.end,
        };
        let gap = self.slice(Span { start: before, end: last.span.start });
        let Some((_, indent)) = gap.rsplit_once('\n') else {
            return insert(last.span.end, format!(" {flag}"));
        };
        let (escape, line_end) = (self.escape, self.line_end());
        insert(last.span.end, format!(" {escape}{line_end}{indent}{flag}"))
    }

    /// Takes a flag away together with the white space or continuation before it.
    pub fn delete_flag(&self, instruction: &Instruction, index: usize) -> Edit {
        let start = match index.checked_sub(1) {
            Some(before) => instruction.flags[before].span.end,
            None => instruction.name.span.end,
        };
        Edit::replace(Span { start, end: instruction.flags[index].span.end }, "")
    }

    /// Puts whole lines before the item at `item`; never before the directives. `text` may have
    /// several lines and needs no line end; they are indented as the item is.
    pub fn insert_before(&self, item: usize, text: &str) -> Edit {
        let item = item.max(self.after_directives());
        let Some(next) = self.items.get(item) else { return self.append(text) };
        let place = next.span().start;
        let indent = next.instruction().map_or("", |instruction| self.indent(instruction));
        insert(place, self.lines(indent, text))
    }

    /// Puts whole lines after the item at `item`, indented as it is.
    pub fn insert_after(&self, item: usize, text: &str) -> Edit {
        if item + 1 < self.after_directives() {
            return self.insert_before(item + 1, text);
        }
        let before = &self.items[item];
        let indent = before.instruction().map_or("", |instruction| self.indent(instruction));
        let lines = self.lines(indent, text);
        self.after(before, &lines)
    }

    /// Puts whole lines at the end of the file.
    pub fn append(&self, text: &str) -> Edit {
        let lines = self.lines("", text);
        match self.items.last() {
            Some(last) => self.after(last, &lines),
            None => insert(0, lines),
        }
    }

    /// Replaces an instruction from its keyword to its last word, heredocs included. What is
    /// before it on its line stays; so does its line end.
    pub fn replace_instruction(&self, instruction: &Instruction, text: &str) -> Edit {
        let indent = self.indent(instruction);
        let lines = self.lines(indent, text);
        let text = lines[indent.len()..].trim_end_matches(['\r', '\n']);
        let end = match instruction.heredocs.last() {
            Some(heredoc) => {
                let terminator = self.slice(heredoc.terminator).trim_end_matches(['\r', '\n']);
                heredoc.terminator.start + super::logical::offset(terminator.len())
            }
            None => instruction.code.end,
        };
        Edit::replace(Span { start: instruction.code.start, end }, text)
    }

    /// Deletes whole items. Of blank lines on both sides those before go as well.
    pub fn delete(&self, items: Range<usize>) -> Edit {
        let mut start = items.start;
        let blank = |i: usize| matches!(self.items.get(i), Some(Item::Blank(_)));
        let ends = items.end == self.items.len();
        if blank(items.end) || ends {
            while start > 0 && blank(start - 1) {
                start -= 1;
            }
        }
        self.remove(start..items.end)
    }

    /// A comment that comes to stand at the top must not become a directive: then an empty line
    /// takes the place of what goes.
    fn remove(&self, items: Range<usize>) -> Edit {
        let start = self.items[items.start].span().start;
        let end = self.items[items.end - 1].span().end;
        let at_top = items.start <= self.after_directives();
        let next = match self.items.get(items.end) {
            Some(Item::Comment(span)) if at_top => self.slice(*span).trim_start().as_bytes(),
            _ => b"",
        };
        let directs = super::directive::read(next, 0, next.len(), b"#").is_some();
        Edit::replace(Span { start, end }, if directs { self.line_end() } else { "" })
    }

    /// Moves whole items before the item at `to`, or to the end when there is none. Empty when
    /// they would not move.
    pub fn move_before(&self, items: Range<usize>, to: usize) -> Vec<Edit> {
        let to = to.max(self.after_directives());
        if items.is_empty() || (items.start..=items.end).contains(&to) {
            return Vec::new();
        }
        let last = &self.items[items.end - 1];
        let start = self.items[items.start].span().start;
        let text = match last {
            Item::Instruction(instruction) if instruction.dangling => {
                self.slice(Span { start, end: instruction.code.end })
            }
            _ => self.slice(Span { start, end: last.span().end }),
        };
        let lines = self.lines("", text);
        let put = match self.items.get(to) {
            Some(next) => insert(next.span().start, lines),
            None => self.after(&self.items[self.items.len() - 1], &lines),
        };
        vec![self.remove(items), put]
    }

    /// The item together with the comment lines right above it.
    pub fn with_comments(&self, item: usize) -> Range<usize> {
        let mut start = item;
        while start > 0 && matches!(self.items[start - 1], Item::Comment(_)) {
            start -= 1;
        }
        start..item + 1
    }

    /// Adds a parser directive, or changes the value of the one that is there.
    pub fn set_directive(&self, name: &str, value: &str) -> Edit {
        if let Some(there) = self.directives().find(|directive| directive.name == name) {
            return Edit::replace(there.value_span, value);
        }
        let line = format!("# {name}={value}{}", self.line_end());
        let place = match self.items.first() {
            Some(Item::ByteOrderMark(span)) => span.end,
            // A directive that the client looks for may stand after a `#!` line.
            Some(Item::Comment(span)) if self.slice(*span).starts_with("#!") => span.end,
            _ => 0,
        };
        insert(place, line)
    }

    /// Index of the first item that is neither a byte order mark nor a directive.
    fn after_directives(&self) -> usize {
        let head = |item: &Item| matches!(item, Item::ByteOrderMark(_) | Item::Directive(_));
        self.items.iter().position(|item| !head(item)).unwrap_or(self.items.len())
    }

    fn after(&self, before: &Item, lines: &str) -> Edit {
        let line_end = self.line_end();
        let span = before.span();
        match before {
            Item::Instruction(instruction) if instruction.dangling => {
                let open = Span { start: instruction.code.end, end: span.end };
                Edit::replace(open, format!("{line_end}{lines}"))
            }
            Item::ByteOrderMark(_) => insert(span.end, lines.to_owned()),
            _ if self.source()[..span.end as usize].ends_with(b"\n") => {
                insert(span.end, lines.to_owned())
            }
            _ => insert(span.end, format!("{line_end}{lines}")),
        }
    }

    /// `text` with this file's line ends, each line that is not empty indented, ended.
    ///
    /// Lines after the first keep what indentation they have: they continue an instruction or
    /// belong to a heredoc.
    fn lines(&self, indent: &str, text: &str) -> String {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut out = String::from(indent);
        for line in text.split('\n') {
            out.push_str(line.trim_end_matches('\r'));
            out.push_str(self.line_end());
        }
        out
    }

    fn indent(&self, instruction: &Instruction) -> &str {
        self.slice(Span { start: instruction.span.start, end: instruction.code.start })
    }

    /// Source text; empty where it is not UTF-8.
    fn slice(&self, span: Span) -> &str {
        let bytes = &self.source()[span.start as usize..span.end as usize];
        std::str::from_utf8(bytes).unwrap_or("")
    }
}

fn insert(place: u32, text: String) -> Edit {
    Edit { span: Span { start: place, end: place }, text }
}
