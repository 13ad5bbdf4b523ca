//! Tokens become simple commands; reserved words open and close what stands around them.

use careen_model::Span;

use super::{
    Join, Redirection, ShellWord, SimpleCommand, Text,
    lexer::{Lexer, Piece, Token},
};

pub(super) fn split(text: &Text<'_>) -> Vec<SimpleCommand> {
    let mut splitter = Splitter {
        text,
        lexer: Lexer::new(text),
        commands: Vec::new(),
        current: SimpleCommand::default(),
        extent: None,
        mode: Mode::Start,
        open: Vec::new(),
    };
    splitter.run();
    splitter.commands
}

/// What the next word would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// A reserved word, an assignment or a program.
    Start,
    /// An assignment or a program: a redirection came first.
    Program,
    /// An argument.
    Argument,
    /// Nothing of interest up to the next separator: after `fi`, `done`, `}`, in a `for` head.
    Skip,
    /// The subject of a `case`, up to `in`.
    Subject,
    /// A pattern of a `case`, up to its parenthesis.
    Pattern,
}

/// What stands around the current command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Parenthesis,
    /// The empty parentheses of `name()`.
    Function,
    Brace,
    Compound,
    Case,
}

struct Splitter<'a> {
    text: &'a Text<'a>,
    lexer: Lexer<'a>,
    commands: Vec<SimpleCommand>,
    current: SimpleCommand,
    /// Offsets of the first and after the last byte of the current command.
    extent: Option<(usize, usize)>,
    mode: Mode,
    open: Vec<Around>,
}

impl Splitter<'_> {
    fn run(&mut self) {
        while let Some(piece) = self.lexer.next() {
            match piece.token {
                Token::Word(ref word) if word.span.start == word.span.end => {
                    // A character that starts no word cannot be read; the rest is left alone.
                    break;
                }
                Token::Word(word) => self.word(word, piece.start, piece.end),
                Token::Redirect(operator) => self.redirect(operator, piece.start, piece.end),
                Token::Operator(operator) => self.operator(operator, &piece),
            }
        }
        self.finish(Join::End, None);
    }

    fn extend(&mut self, start: usize, end: usize) {
        let first = self.extent.map_or(start, |(first, _)| first);
        self.extent = Some((first, end));
    }

    fn word(&mut self, word: ShellWord, start: usize, end: usize) {
        if self.mode == Mode::Start && !word.quoted && self.reserved(&word.text) {
            return;
        }
        match self.mode {
            Mode::Skip => {}
            Mode::Subject => {
                if word.text == "in" {
                    self.mode = Mode::Pattern;
                }
            }
            Mode::Pattern => {
                if word.text == "esac" {
                    self.close(Around::Case);
                }
            }
            Mode::Start | Mode::Program if is_assignment(&word) => {
                self.extend(start, end);
                self.current.assignments.push(word);
                self.mode = Mode::Program;
            }
            Mode::Start | Mode::Program | Mode::Argument => {
                let is_test = self.mode != Mode::Argument && word.text == "[[";
                self.extend(start, end);
                self.current.words.push(word);
                self.mode = Mode::Argument;
                if is_test {
                    for (word, end) in self.lexer.test_words() {
                        self.extend(start, end);
                        self.current.words.push(word);
                    }
                }
            }
        }
    }

    /// Acts on a reserved word where a command may start; false when it is none.
    fn reserved(&mut self, word: &str) -> bool {
        match word {
            "if" | "while" | "until" => self.open.push(Around::Compound),
            "then" | "elif" | "else" | "do" | "!" | "time" | "function" => {}
            "{" => self.open.push(Around::Brace),
            "for" | "select" => {
                self.open.push(Around::Compound);
                self.mode = Mode::Skip;
            }
            "case" => {
                self.open.push(Around::Case);
                self.mode = Mode::Subject;
            }
            "fi" | "done" => self.close(Around::Compound),
            "esac" => self.close(Around::Case),
            "}" => self.close(Around::Brace),
            _ => return false,
        }
        true
    }

    fn close(&mut self, around: Around) {
        if let Some(at) = self.open.iter().rposition(|open| *open == around) {
            self.open.truncate(at);
        }
        self.mode = Mode::Skip;
    }

    fn redirect(&mut self, operator: String, start: usize, mut end: usize) {
        let heredoc = operator.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
        let mut target = None;
        let mut after = None;
        match self.lexer.next() {
            Some(Piece { token: Token::Word(word), end: stop, .. }) => {
                end = stop;
                if matches!(heredoc.as_str(), "<<" | "<<-") {
                    self.lexer.expect_heredoc(&word.text, heredoc == "<<-");
                }
                target = Some(word);
            }
            other => after = other,
        }
        if !matches!(self.mode, Mode::Skip | Mode::Subject | Mode::Pattern) {
            self.extend(start, end);
            let span = self.text.span(start, end);
            self.current.redirections.push(Redirection { operator, target, span });
            if self.mode == Mode::Start {
                self.mode = Mode::Program;
            }
        }
        if let Some(piece) = after
            && let Token::Operator(operator) = piece.token
        {
            self.operator(operator, &piece);
        }
    }

    fn operator(&mut self, operator: &'static str, piece: &Piece) {
        let place = Some((piece.start, piece.end));
        match (operator, self.mode) {
            (")", Mode::Pattern) => self.mode = Mode::Start,
            (_, Mode::Pattern | Mode::Subject) => {}
            ("(", _) => self.parenthesis(),
            (")", _) => {
                self.finish(Join::End, None);
                if self.open.last() == Some(&Around::Function) {
                    self.open.pop();
                } else {
                    self.close(Around::Parenthesis);
                }
            }
            (";;" | ";&" | ";;&", _) => {
                self.finish(Join::Sequence, place);
                let in_case = self.open.last() == Some(&Around::Case);
                self.mode = if in_case { Mode::Pattern } else { Mode::Start };
            }
            _ => {
                let join = match operator {
                    "&&" => Join::And,
                    "||" => Join::Or,
                    "|" | "|&" => Join::Pipe,
                    "&" => Join::Background,
                    _ => Join::Sequence,
                };
                self.finish(join, place);
            }
        }
    }

    fn parenthesis(&mut self) {
        match self.mode {
            Mode::Start if self.extent.is_none() => {
                let opened = self.open.last() == Some(&Around::Parenthesis);
                self.open.push(Around::Parenthesis);
                if opened && self.lexer.is_after_two_parentheses() {
                    self.lexer.skip_arithmetic();
                    self.open.pop();
                    self.open.pop();
                    self.mode = Mode::Skip;
                }
            }
            // `name()`: a function follows.
            Mode::Argument if self.current.words.len() == 1 => {
                self.current = SimpleCommand::default();
                self.extent = None;
                self.open.push(Around::Function);
                self.mode = Mode::Start;
            }
            _ => self.open.push(Around::Parenthesis),
        }
    }

    fn finish(&mut self, join: Join, operator: Option<(usize, usize)>) {
        self.mode = Mode::Start;
        let join_span = match (operator, self.extent) {
            (Some((start, end)), _) => self.text.span(start, end),
            (None, Some((_, end))) => {
                let end = self.text.span(end, end).end;
                Span { start: end, end }
            }
            (None, None) => return,
        };
        let Some((start, end)) = self.extent.take() else { return };
        let mut command = std::mem::take(&mut self.current);
        command.span = self.text.span(start, end);
        command.join = join;
        command.join_span = join_span;
        command.depth = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.commands.push(command);
    }
}

fn is_assignment(word: &ShellWord) -> bool {
    let Some((name, _)) = word.text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
