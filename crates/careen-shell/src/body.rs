//! The text that a shell reads, and where each byte of it stands in the Dockerfile.

use std::ops::Range;

use careen_model::{Edit, Safety, Span};
use careen_syntax::dockerfile::{
    Dockerfile, Form, Heredoc, Instruction, Logical, Shell, ShellWord, SimpleCommand, read_opening,
};

use crate::{Repair, dialect::Reader, engine};

/// One script.
///
/// Invariant: `pieces` is sorted by `at`, its first `at` is 0, and `text` is as long as all of
/// them together.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) text: String,
    pub(crate) reader: Reader,
    /// Leading bytes that stay before anything that is put in: comments at the top of a script,
    /// which say something about all of it.
    pub(crate) head: usize,
    pieces: Vec<Piece>,
    file: &'a Dockerfile,
    logical: &'a Logical,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    at: usize,
    origin: Origin,
}

#[derive(Debug, Clone, Copy)]
enum Origin {
    /// Offset in the joined text of the instruction.
    Line(usize),
    /// Offset in the file.
    Source(usize),
    /// The line end between the command and its first heredoc.
    Made,
}

/// The scripts that `shell` and the shells it starts with a heredoc read.
pub(crate) fn bodies<'a>(
    file: &'a Dockerfile,
    instruction: &'a Instruction,
    shell: &Shell,
) -> Vec<Body<'a>> {
    let Some(reader) = Reader::of(shell) else { return Vec::new() };
    let [word] = instruction.words.as_slice() else { return Vec::new() };
    let range = word.range.0 as usize..word.range.1 as usize;
    let mut body = Body {
        text: String::new(),
        reader,
        head: 0,
        pieces: Vec::new(),
        file,
        logical: instruction.logical(),
    };
    match (instruction.form, instruction.heredocs.as_slice()) {
        (Form::Json, _) => Vec::new(),
        (_, []) => {
            body.push_line(range);
            vec![body]
        }
        (_, [only]) if matches!(read_opening(&word.text), Ok(Some(_))) => {
            // The heredoc is all there is: it is the script, and its first line may say whose.
            let is_shell = body.push_script(only, Expansion::None);
            is_shell.then_some(body).into_iter().collect()
        }
        (_, heredocs) => {
            let mut found: Vec<Body<'_>> =
                inner(file, instruction, shell, heredocs).into_iter().collect();
            body.push_line(range);
            body.push("\n", Origin::Made);
            for heredoc in heredocs {
                body.push_source(heredoc.span);
                body.push_source(heredoc.terminator);
            }
            found.insert(0, body);
            found
        }
    }
}

/// What the outer shell does to a heredoc before its reader sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expansion {
    None,
    /// Backslashes before `$`, backticks and backslashes are taken away.
    Shell,
}

/// The heredoc that is the script of a shell on the line: `bash -eu <<EOF`, `<<EOF bash`.
fn inner<'a>(
    file: &'a Dockerfile,
    instruction: &'a Instruction,
    shell: &Shell,
    heredocs: &[Heredoc],
) -> Option<Body<'a>> {
    let script = file.script(instruction, shell);
    let mut on_line = script.commands.iter();
    let command = on_line.find(|command| {
        let after_line = command.span.start >= instruction.code.end;
        !after_line && is_fed(command) && program(command).is_some()
    })?;
    let is_read = |heredoc: &&Heredoc| {
        let inside = |at: u32| (heredoc.span.start..heredoc.span.end).contains(&at);
        script.commands.iter().any(|command| inside(command.span.start))
    };
    let heredoc = heredocs.iter().find(is_read)?;
    let mut body = Body {
        text: String::new(),
        reader: program(command)?,
        head: 0,
        pieces: Vec::new(),
        file,
        logical: instruction.logical(),
    };
    let expansion = if heredoc.expand { Expansion::Shell } else { Expansion::None };
    body.push_script(heredoc, expansion).then_some(body)
}

fn is_fed(command: &SimpleCommand) -> bool {
    command.redirections.iter().any(|redirection| redirection.operator.contains("<<"))
}

fn program(command: &SimpleCommand) -> Option<Reader> {
    let texts = |word: &ShellWord| word.text.clone();
    Reader::of(&Shell::read(&command.words.iter().map(texts).collect::<Vec<_>>()))
}

impl Body<'_> {
    fn push(&mut self, text: &str, origin: Origin) {
        if !text.is_empty() {
            self.pieces.push(Piece { at: self.text.len(), origin });
            self.text.push_str(text);
        }
    }

    fn push_line(&mut self, range: Range<usize>) {
        let text = ascii(&self.logical.text()[range.clone()]);
        self.push(&text, Origin::Line(range.start));
    }

    fn push_source(&mut self, span: Span) {
        let text = ascii(&self.file.source()[span.start as usize..span.end as usize]);
        self.push(&text, Origin::Source(span.start as usize));
    }

    /// False when the first line names an interpreter that is no shell.
    fn push_script(&mut self, heredoc: &Heredoc, expansion: Expansion) -> bool {
        let content = ascii(&self.file.source()[heredoc.span.start as usize..][..length(heredoc)]);
        let mut at = heredoc.span.start as usize;
        let mut top = true;
        for (number, line) in content.split_inclusive('\n').enumerate() {
            let tabs =
                if heredoc.chomp { line.len() - line.trim_start_matches('\t').len() } else { 0 };
            let text = &line[tabs..];
            if let Some(interpreter) = text.strip_prefix("#!").filter(|_| number == 0) {
                let Some(reader) = Reader::of_interpreter(interpreter) else { return false };
                self.reader = reader;
                at += line.len();
                continue;
            }
            match expansion {
                Expansion::None => self.push(text, Origin::Source(at + tabs)),
                Expansion::Shell => self.push_unescaped(text, at + tabs),
            }
            top &= text.trim_start().starts_with('#') || text.trim().is_empty();
            if top {
                self.head = self.text.len();
            }
            at += line.len();
        }
        true
    }

    fn push_unescaped(&mut self, line: &str, at: usize) {
        let mut start = 0;
        let mut bytes = line.bytes().enumerate();
        while let Some((i, byte)) = bytes.next() {
            let next = line.as_bytes().get(i + 1);
            if byte == b'\\' && next.is_some_and(|next| matches!(next, b'$' | b'`' | b'\\')) {
                self.push(&line[start..i], Origin::Source(at + start));
                start = i + 1;
                bytes.next();
            }
        }
        self.push(&line[start..], Origin::Source(at + start));
    }

    /// All of it in the source.
    pub(crate) fn whole(&self) -> Span {
        self.span(0..self.text.len()).unwrap_or(Span { start: 0, end: 0 })
    }

    /// Where a range of the text stands, grown to whole characters; `None` when its ends are not
    /// in the file.
    pub(crate) fn span(&self, range: Range<usize>) -> Option<Span> {
        if range.is_empty() {
            let place = match self.place(range.start) {
                Some(place) => place.start,
                None => self.place(range.start.checked_sub(1)?)?.end,
            };
            return Some(Span { start: place, end: place });
        }
        let mut start = self.place(range.start)?.start;
        let mut end = self.place(range.end - 1)?.end;
        let inside = |at: u32| matches!(self.file.source().get(at as usize), Some(0x80..=0xBF));
        for _ in 0..3 {
            start -= u32::from(inside(start) && start > 0);
            end += u32::from(inside(end));
        }
        (start < end).then_some(Span { start, end })
    }

    /// The byte at `at`; in a joined line the character that it belongs to.
    fn place(&self, at: usize) -> Option<Span> {
        if at >= self.text.len() {
            return None;
        }
        let after = self.pieces.partition_point(|piece| piece.at <= at);
        let piece = self.pieces[after.checked_sub(1)?];
        let offset = at - piece.at;
        match piece.origin {
            Origin::Line(start) => {
                let at = start + offset;
                Some(self.logical.span(at..at + 1))
            }
            Origin::Source(start) => {
                let place = u32::try_from(start + offset).ok()?;
                Some(Span { start: place, end: place + 1 })
            }
            Origin::Made => None,
        }
    }

    /// Edits of the text as edits of the file, when each falls on bytes that stand there as they
    /// are, and none would end the line of a continued instruction.
    pub(crate) fn repair(&self, fix: engine::Fix) -> Option<Repair> {
        let mut edits = Vec::new();
        for (range, text) in fix.edits {
            let (start, end) = (range.start, range.end);
            self.text.get(range.clone())?;
            // Between two bytes that stand apart in the file there is no one place.
            let place = if range.is_empty() { self.between(start)? } else { self.span(range)? };
            let stands = place.end - place.start == u32::try_from(end - start).ok()?;
            let source = &self.file.source()[place.start as usize..place.end as usize];
            if text.contains(OTHER)
                || !stands
                || source != &self.text.as_bytes()[start..end]
                || text.contains('\n')
            {
                return None;
            }
            edits.push(Edit { span: place, text });
        }
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let apart = edits.windows(2).all(|two| two[0].span.end <= two[1].span.start);
        (apart && !edits.is_empty()).then_some(Repair {
            title: fix.title,
            edits,
            safety: Safety::Risky,
        })
    }

    fn between(&self, at: usize) -> Option<Span> {
        let before = at.checked_sub(1).and_then(|before| self.place(before)).map(|place| place.end);
        let after = self.place(at).map(|place| place.start);
        let place = match (before, after) {
            (Some(before), Some(after)) if before != after => return None,
            (before, after) => before.or(after)?,
        };
        Some(Span { start: place, end: place })
    }
}

fn length(heredoc: &Heredoc) -> usize {
    (heredoc.span.end - heredoc.span.start) as usize
}

/// Stands for each byte that is not ASCII: the linter was seen to cut characters of several bytes
/// in two, and to panic. No shell gives this one a meaning.
pub(crate) const OTHER: char = '\u{7F}';

/// The same number of bytes, ASCII.
fn ascii(bytes: &[u8]) -> String {
    let other = |byte: u8| !byte.is_ascii() || byte == 0;
    bytes.iter().map(|&byte| if other(byte) { OTHER } else { char::from(byte) }).collect()
}
