//! The tree: items that tile the source, and what each instruction is made of.

use std::sync::Arc;

use careen_model::Span;

use super::logical::Logical;

/// One or more whole lines of the file. The spans of all items, in order, tile the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// UTF-8 byte order mark; only ever the first item.
    ByteOrderMark(Span),
    /// One line of nothing but white space.
    Blank(Span),
    /// One comment line between instructions.
    Comment(Span),
    /// One parser directive that BuildKit acts on.
    Directive(Directive),
    Instruction(Box<Instruction>),
}

/// `# syntax=…`, `# escape=…` or `# check=…` at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Lower case.
    pub name: String,
    pub value: String,
    /// The whole line with its line end.
    pub span: Span,
    pub value_span: Span,
    /// Counted from 1.
    pub line: u32,
}

/// One instruction, from the start of its first line to the end of its last line or heredoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    pub keyword: Keyword,
    /// The keyword as written.
    pub name: Word,
    /// Whole lines: indentation, continuations, comments inside, heredocs and last line end.
    pub span: Span,
    /// From the keyword to the last word, before any heredoc body.
    pub code: Span,
    /// First and last line, counted from 1.
    pub lines: (u32, u32),
    pub flags: Vec<Flag>,
    pub form: Form,
    /// The arguments after the flags, split as BuildKit splits them for this keyword.
    ///
    /// RUN, CMD, ENTRYPOINT, SHELL, USER, WORKDIR, STOPSIGNAL and MAINTAINER in shell form
    /// have one word that holds all of the text; ENV and LABEL alternate names and values.
    pub words: Vec<Word>,
    pub heredocs: Vec<Heredoc>,
    /// The instruction after ONBUILD. Its lines and spans are those of the same file.
    pub trigger: Option<Box<Instruction>>,
    /// A blank line stands inside the continuation (BuildKit warns `NoEmptyContinuation`).
    pub blank_inside: bool,
    /// The file ends in the continuation of this instruction: what is put after it joins it.
    pub dangling: bool,
    /// ENV or LABEL as `NAME value`, without an equals sign.
    pub legacy_pair: bool,
    pub(super) logical: Arc<Logical>,
}

/// A piece of text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Quotes, escapes and variables as written, except in JSON form, where it is decoded.
    /// Bytes that are not UTF-8 are replaced.
    pub text: String,
    /// From the first to the last byte; through continuations, quotes included.
    pub span: Span,
    /// Byte range in the joined text of the instruction.
    pub range: (u32, u32),
}

/// `--name` or `--name=value` between keyword and arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without the dashes.
    pub name: String,
    /// Without quotes and escapes, variables as written; `None` without an equals sign.
    pub value: Option<String>,
    pub span: Span,
    /// What stands after the equals sign; empty at the end of the flag when there is none.
    pub value_span: Span,
    /// Source offset of each byte of `value`, when quotes or continuations make it uneven.
    pub(super) places: Option<Vec<u32>>,
}

/// How the arguments were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Words or a shell command.
    Shell,
    /// A JSON array of strings that BuildKit accepts as such.
    Json,
    /// Like `Shell`, with at least one heredoc.
    Heredoc,
}

/// Lines after an instruction that belong to it, up to their terminator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    pub name: String,
    /// Variables are expanded: no part of the name is quoted.
    pub expand: bool,
    /// `<<-`: leading tabs of each line and of the terminator are dropped.
    pub chomp: bool,
    pub file_descriptor: u32,
    /// The body as it stands, line ends included, not chomped.
    pub content: String,
    /// The body in the source, without the terminator line.
    pub span: Span,
    /// The terminator line with its line end; empty when the heredoc never ends.
    pub terminator: Span,
}

/// Instructions of the Dockerfile reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
    /// Not an instruction; its name is what was written.
    Unknown,
}

/// Something BuildKit says about the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub span: Span,
    /// First line of the instruction, counted from 1.
    pub line: u32,
    /// As BuildKit words it, without the prefix that names the line.
    pub message: String,
    /// BuildKit refuses the file.
    pub fatal: bool,
    pub found_by: FoundBy,
}

/// Which of BuildKit's two passes has the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// The parser: there is no tree.
    Parser,
    /// The reading of the tree's instructions and stages.
    Instructions,
}

pub(super) const KEYWORDS: [(&str, Keyword); 18] = [
    ("ADD", Keyword::Add),
    ("ARG", Keyword::Arg),
    ("CMD", Keyword::Cmd),
    ("COPY", Keyword::Copy),
    ("ENTRYPOINT", Keyword::Entrypoint),
    ("ENV", Keyword::Env),
    ("EXPOSE", Keyword::Expose),
    ("FROM", Keyword::From),
    ("HEALTHCHECK", Keyword::Healthcheck),
    ("LABEL", Keyword::Label),
    ("MAINTAINER", Keyword::Maintainer),
    ("ONBUILD", Keyword::Onbuild),
    ("RUN", Keyword::Run),
    ("SHELL", Keyword::Shell),
    ("STOPSIGNAL", Keyword::Stopsignal),
    ("USER", Keyword::User),
    ("VOLUME", Keyword::Volume),
    ("WORKDIR", Keyword::Workdir),
];

impl Keyword {
    /// Reads a keyword in any case.
    pub fn read(text: &[u8]) -> Keyword {
        let found = KEYWORDS.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(text));
        found.map_or(Keyword::Unknown, |&(_, keyword)| keyword)
    }

    /// Upper case, as in the reference; `UNKNOWN` for what is not an instruction.
    pub fn as_str(self) -> &'static str {
        let found = KEYWORDS.iter().find(|(_, keyword)| *keyword == self);
        found.map_or("UNKNOWN", |&(name, _)| name)
    }
}

impl Item {
    pub fn span(&self) -> Span {
        match self {
            Item::ByteOrderMark(span) | Item::Blank(span) | Item::Comment(span) => *span,
            Item::Directive(directive) => directive.span,
            Item::Instruction(instruction) => instruction.span,
        }
    }

    pub fn instruction(&self) -> Option<&Instruction> {
        match self {
            Item::Instruction(instruction) => Some(instruction),
            _ => None,
        }
    }
}

impl Instruction {
    /// The first flag of that name.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// All flags of that name, in order.
    pub fn flags_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Flag> {
        self.flags.iter().filter(move |flag| flag.name == name)
    }

    /// The instruction on one line as BuildKit joins it, with the place of every byte.
    pub fn logical(&self) -> &Logical {
        &self.logical
    }
}

impl Flag {
    /// The value, or nothing.
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or("")
    }

    /// Source span of bytes `start..end` of the value.
    pub fn span_in_value(&self, start: usize, end: usize) -> Span {
        let place = |at: usize| match &self.places {
            Some(places) => places.get(at).copied().unwrap_or(self.value_span.end),
            None => self.value_span.start + super::logical::offset(at),
        };
        match end.checked_sub(1).filter(|_| end > start) {
            Some(last) => Span { start: place(start), end: place(last) + 1 },
            None => Span { start: place(start), end: place(start) },
        }
    }
}
