//! The reading loop: physical lines become items.

use std::{collections::BTreeSet, sync::Arc};

use careen_model::Span;

use super::{
    Dockerfile,
    arguments::Reader,
    ast::{Directive, Form, FoundBy, Heredoc, Instruction, Item, Keyword, Problem},
    heredoc,
    logical::{Logical, offset},
    text,
};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Longest line that BuildKit's scanner takes, without its line feed (`bufio.MaxScanTokenSize`).
const LONGEST_LINE: usize = 65_535;

/// What BuildKit says of a file in which no `FROM` is.
pub const NO_STAGES: &str = "dockerfile contains no stages to build";
/// What it says of an instruction before the first `FROM`.
pub const OUTSIDE_OF_STAGES: &str = "no build stage in current context";

/// One physical line: offsets of its start, its text's end and its end with the line end.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    text_end: usize,
    end: usize,
    number: u32,
}

struct Parser<'a> {
    source: &'a [u8],
    at: usize,
    number: u32,
    escape: u8,
    /// Directives seen so far; `None` once something else was seen.
    directives: Option<BTreeSet<String>>,
    items: Vec<Item>,
    problems: Vec<Problem>,
    /// A FROM was seen.
    in_stage: bool,
}

pub(super) fn parse(source: Vec<u8>) -> Dockerfile {
    let mut parser = Parser {
        source: &source,
        at: 0,
        number: 0,
        escape: b'\\',
        directives: Some(BTreeSet::new()),
        items: Vec::new(),
        problems: Vec::new(),
        in_stage: false,
    };
    parser.file();
    let Parser { escape, items, problems, .. } = parser;
    Dockerfile { source, items, escape: char::from(escape), problems }
}

impl Parser<'_> {
    fn file(&mut self) {
        if self.source.starts_with(BYTE_ORDER_MARK) {
            self.at = BYTE_ORDER_MARK.len();
            self.items.push(Item::ByteOrderMark(span(0, self.at)));
        }
        while let Some(line) = self.next_line() {
            self.item(line);
        }
        if !self.items.iter().any(|item| matches!(item, Item::Instruction(_))) {
            let end = self.source.len();
            self.refuse(span(end, end), self.number.max(1), "file with no instructions");
        } else if !self.in_stage && self.problems.is_empty() {
            let (span, line) = (span(0, 0), 1);
            let message = NO_STAGES.to_owned();
            let found_by = FoundBy::Instructions;
            self.problems.push(Problem { span, line, message, fatal: true, found_by });
        }
    }

    fn next_line(&mut self) -> Option<Line> {
        let start = self.at;
        if start >= self.source.len() {
            return None;
        }
        let rest = &self.source[start..];
        let length = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |n| n + 1);
        let text = text::without_line_end(&rest[..length]).len();
        self.at = start + length;
        self.number += 1;
        let line = Line { start, text_end: start + text, end: self.at, number: self.number };
        if length - usize::from(rest[length - 1] == b'\n') > LONGEST_LINE {
            let message =
                format!("dockerfile line greater than max allowed size of {LONGEST_LINE}");
            self.refuse(span(line.start, line.end), line.number, message);
        }
        Some(line)
    }

    fn item(&mut self, line: Line) {
        let start = text::skip_space(self.source, line.start, line.text_end);
        let whole = span(line.start, line.end);
        if let Some(directive) = self.directive(line, start) {
            self.items.push(Item::Directive(directive));
        } else if start == line.text_end {
            self.items.push(Item::Blank(whole));
        } else if self.source[start] == b'#' {
            self.items.push(Item::Comment(whole));
        } else {
            let instruction = self.instruction(line, start);
            self.items.push(Item::Instruction(Box::new(instruction)));
        }
    }

    fn refuse(&mut self, span: Span, line: u32, message: impl Into<String>) {
        let (message, found_by) = (message.into(), FoundBy::Parser);
        self.problems.push(Problem { span, line, message, fatal: true, found_by });
    }

    fn directive(&mut self, line: Line, start: usize) -> Option<Directive> {
        let seen = self.directives.as_mut()?;
        let found = super::directive::read(self.source, start, line.text_end, b"#");
        let Some((name, value)) = found else {
            self.directives = None;
            return None;
        };
        let whole = span(line.start, line.end);
        if !seen.insert(name.clone()) {
            let message = format!("only one {name} parser directive can be used");
            self.refuse(whole, line.number, message);
            return None;
        }
        let text = text::lossy(&self.source[value.clone()]);
        if name == "escape" {
            match text.as_str() {
                "`" => self.escape = b'`',
                "\\" => self.escape = b'\\',
                _ => {
                    let message = format!("invalid escape token '{text}' does not match ` or \\");
                    self.refuse(whole, line.number, message);
                }
            }
        }
        let value_span = span(value.start, value.end);
        Some(Directive { name, value: text, span: whole, value_span, line: line.number })
    }

    fn instruction(&mut self, first: Line, start: usize) -> Instruction {
        let mut logical = Logical::default();
        let (mut stop, mut continues) = self.without_continuation(start, first.text_end);
        logical.push(self.source, start..stop);
        let mut blank_inside = false;
        let mut last = first;
        while continues {
            let Some(line) = self.next_line() else { break };
            last = line;
            let text = text::skip_space(self.source, line.start, line.text_end);
            if text == line.text_end {
                blank_inside = true;
                continue;
            }
            if self.source[text] == b'#' {
                continue;
            }
            (stop, continues) = self.without_continuation(line.start, line.text_end);
            logical.push(self.source, line.start..stop);
        }

        let logical = Arc::new(logical);
        let reader = Reader { logical: &logical, escape: self.escape };
        let (mut instruction, error) = reader.read(0..logical.text().len(), 0);
        instruction.blank_inside = blank_inside;
        instruction.dangling = continues;
        if logical.text().is_empty() {
            // Nothing but a continuation character: its place is the line.
            instruction.code = span(start, first.text_end);
            instruction.name.span = instruction.code;
        }
        let mut error = error;
        match self.heredocs(&instruction, first, last) {
            Ok((heredocs, end)) => {
                last = end;
                hand_over(&mut instruction, heredocs);
            }
            Err(message) => error = error.or(Some(message)),
        }
        place(&mut instruction, first, last);
        let code = instruction.code;
        match error {
            Some(message) => self.refuse(code, first.number, message),
            None => self.check(&instruction),
        }
        instruction
    }

    fn check(&mut self, instruction: &Instruction) {
        let outside = !self.in_stage
            && !matches!(instruction.keyword, Keyword::From | Keyword::Arg | Keyword::Unknown);
        self.in_stage |= instruction.keyword == Keyword::From;
        let found = super::validate::check(instruction)
            .or_else(|| outside.then(|| (instruction.code, OUTSIDE_OF_STAGES.to_owned())));
        if let Some((span, message)) = found {
            let (line, found_by) = (instruction.lines.0, FoundBy::Instructions);
            self.problems.push(Problem { span, line, message, fatal: true, found_by });
        }
    }

    /// Where the text of a line ends when a continuation character is taken off, and whether
    /// there was one. A doubled escape character does not continue.
    fn without_continuation(&self, start: usize, end: usize) -> (usize, bool) {
        let line = &self.source[start..end];
        let kept = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
        match kept {
            Some(at) if line[at] == self.escape => {
                let doubled = at > 0 && line[at - 1] == self.escape;
                if doubled { (end, false) } else { (start + at, true) }
            }
            _ => (end, false),
        }
    }

    /// Reads the heredoc bodies that follow, and the last line of them.
    fn heredocs(
        &mut self,
        instruction: &Instruction,
        first: Line,
        last: Line,
    ) -> Result<(Vec<Heredoc>, Line), String> {
        if !may_hold_heredoc(instruction) {
            return Ok((Vec::new(), last));
        }
        let line = text::lossy(instruction.logical.text());
        if !line.contains("<<") {
            return Ok((Vec::new(), last));
        }
        let openings = heredoc::read_openings(&line)?;
        let mut found = Vec::new();
        let mut end = last;
        let mut unterminated = false;
        for opening in openings {
            let start = self.at;
            let mut terminator = None;
            while let Some(line) = self.next_line() {
                end = line;
                if heredoc::ends(&self.source[line.start..line.end], &opening) {
                    terminator = Some(span(line.start, line.end));
                    break;
                }
            }
            if terminator.is_none() {
                unterminated = true;
            }
            let body_end = terminator.map_or(offset(self.at), |line| line.start);
            let body = Span { start: offset(start), end: body_end };
            found.push(Heredoc {
                content: text::lossy(&self.source[start..body_end as usize]),
                span: body,
                terminator: terminator.unwrap_or(span(self.at, self.at)),
                name: opening.name,
                expand: opening.expand,
                chomp: opening.chomp,
                file_descriptor: opening.file_descriptor,
            });
        }
        if unterminated {
            self.refuse(instruction.code, first.number, "unterminated heredoc");
        }
        Ok((found, end))
    }
}

fn span(start: usize, end: usize) -> Span {
    Span { start: offset(start), end: offset(end) }
}

fn place(instruction: &mut Instruction, first: Line, last: Line) {
    instruction.lines = (first.number, last.number);
    instruction.span = span(first.start, last.end);
    if let Some(trigger) = &mut instruction.trigger {
        place(trigger, first, last);
    }
}

fn may_hold_heredoc(instruction: &Instruction) -> bool {
    let instruction = match &instruction.trigger {
        Some(trigger) if instruction.keyword == Keyword::Onbuild => trigger,
        _ => instruction,
    };
    let takes = matches!(instruction.keyword, Keyword::Add | Keyword::Copy | Keyword::Run);
    takes && instruction.form != Form::Json
}

/// Heredocs of an ONBUILD belong to it and to what it triggers.
fn hand_over(instruction: &mut Instruction, heredocs: Vec<Heredoc>) {
    if heredocs.is_empty() {
        return;
    }
    if let Some(trigger) = &mut instruction.trigger {
        trigger.form = Form::Heredoc;
        trigger.heredocs.clone_from(&heredocs);
    }
    instruction.form = Form::Heredoc;
    instruction.heredocs = heredocs;
}
