//! The commands of a RUN in shell form: enough to recognise package managers and to edit safely.
//!
//! This is not a shell. A text with constructs it does not follow is read as far as possible and
//! marked as not plain, and nothing that is not plain is ever edited.

use std::ops::Range;

/// The commands of one script, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) commands: Vec<Command>,
    /// Only commands joined by `&&` and `;`: leaving one out leaves the others as they are.
    pub(crate) is_plain: bool,
}

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) words: Vec<Word>,
    /// From the first to the last byte of its words.
    pub(crate) range: Range<usize>,
}

/// A word without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// With its quotes, in the text that was given.
    pub(crate) range: Range<usize>,
}

impl Command {
    /// The program's name without its folder; assignments, `sudo` and `env` are passed over.
    pub(crate) fn program(&self) -> &str {
        self.start().map_or("", |(_, word)| word.text.rsplit('/').next().unwrap_or(""))
    }

    /// The words after the program.
    pub(crate) fn arguments(&self) -> &[Word] {
        self.start().map_or(&[], |(at, _)| &self.words[at + 1..])
    }

    /// The word that names the program.
    pub(crate) fn start(&self) -> Option<(usize, &Word)> {
        let skipped = |text: &str| {
            is_assignment(text) || matches!(text, "sudo" | "env" | "exec" | "time" | "command")
        };
        self.words.iter().enumerate().find(|(_, word)| !skipped(&word.text))
    }

    /// The arguments that are neither options nor values of the options named.
    pub(crate) fn operands(&self, with_value: &[&str]) -> Vec<&Word> {
        let mut out = Vec::new();
        let mut is_value = false;
        for word in self.arguments() {
            if is_value {
                is_value = false;
            } else if word.text.starts_with('-') && word.text.len() > 1 {
                is_value = with_value.contains(&word.text.as_str());
            } else {
                out.push(word);
            }
        }
        out
    }

    pub(crate) fn has(&self, option: &str) -> bool {
        self.arguments().iter().any(|word| word.text == option)
    }
}

fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Words that begin a construct with a life of its own.
const KEYWORDS: [&str; 10] =
    ["if", "for", "while", "until", "case", "{", "}", "function", "select", "[["];

/// Reads the joined text of a RUN.
pub(crate) fn read(text: &str) -> Script {
    let mut reader = Reader { text, at: 0, words: vec![], commands: vec![], is_plain: true };
    reader.run();
    Script { commands: reader.commands, is_plain: reader.is_plain }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    words: Vec<Word>,
    commands: Vec<Command>,
    is_plain: bool,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '&' if self.rest().starts_with("&&") => self.end(2, true),
                ';' if !self.rest().starts_with(";;") => self.end(1, true),
                '\n' => self.end(1, true),
                '|' if self.rest().starts_with("||") => self.end(2, false),
                '|' | '&' | ';' | '(' | ')' | '`' => self.end(1, false),
                '#' => self.skip_comment(),
                c if c.is_whitespace() => self.at += c.len_utf8(),
                _ => self.word(),
            }
        }
        self.end(0, true);
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_comment(&mut self) {
        self.is_plain = false;
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn end(&mut self, length: usize, plain: bool) {
        self.at += length;
        self.is_plain &= plain;
        let words = std::mem::take(&mut self.words);
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        if KEYWORDS.contains(&first.text.as_str()) {
            self.is_plain = false;
        }
        let range = first.range.start..last.range.end;
        self.commands.push(Command { words, range });
    }

    /// One word, quotes taken off. Substitutions stay as written and make the script not plain
    /// only where they hold commands.
    fn word(&mut self) {
        let start = self.at;
        let mut out = String::new();
        while let Some(c) = self.peek() {
            match c {
                c if c.is_whitespace() => break,
                '&' if self.text[..self.at].ends_with('>') => self.take(&mut out),
                '&' | ';' | '|' | '(' | ')' | '`' => break,
                '\'' => self.single(&mut out),
                '"' => self.double(&mut out),
                '\\' => {
                    self.at += 1;
                    self.take(&mut out);
                }
                '$' if self.rest().starts_with("$(") => self.substitution(&mut out),
                _ => self.take(&mut out),
            }
        }
        if out.contains("<<") {
            self.is_plain = false;
        }
        self.words.push(Word { text: out, range: start..self.at });
    }

    fn take(&mut self, out: &mut String) {
        if let Some(c) = self.peek() {
            out.push(c);
            self.at += c.len_utf8();
        }
    }

    fn single(&mut self, out: &mut String) {
        let body = &self.text[self.at + 1..];
        let length = body.find('\'').unwrap_or(body.len());
        self.is_plain &= length < body.len();
        out.push_str(&body[..length]);
        self.at += 1 + length + usize::from(length < body.len());
    }

    fn double(&mut self, out: &mut String) {
        self.at += 1;
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    self.at += 1;
                    self.take(out);
                }
                '$' if self.rest().starts_with("$(") => self.substitution(out),
                _ => self.take(out),
            }
        }
        self.is_plain = false;
    }

    /// `$(…)` with the brackets inside it counted.
    fn substitution(&mut self, out: &mut String) {
        let mut depth = 0;
        while let Some(c) = self.peek() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => (),
            }
            self.take(out);
            if c == ')' && depth == 0 {
                return;
            }
        }
        self.is_plain = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let script = read(text);
        let commands = script.commands.iter().map(|command| {
            command.words.iter().map(|word| word.text.clone()).collect::<Vec<_>>().join(" ")
        });
        let plain = if script.is_plain { "" } else { " (not plain)" };
        let shown = commands.collect::<Vec<_>>().join(" | ") + plain;
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn commands_and_words() {
        check("apt-get update && apt-get install -y a", "apt-get update | apt-get install -y a");
        check("a;b ; c", "a | b | c");
        check("pip install 'x>=1' \"y\"", "pip install x>=1 y");
        check("a || true", "a | true (not plain)");
        check("curl x | sh", "curl x | sh (not plain)");
        check("echo $(ls -a) && b", "echo $(ls -a) | b");
        check("if x; then y; fi", "if x | then y | fi (not plain)");
        check("a > /dev/null 2>&1 && b", "a > /dev/null 2>&1 | b");
        check("echo 'open", "echo open (not plain)");
        check("", "");
    }

    #[test]
    fn programs_behind_assignments() {
        let script = read("DEBIAN_FRONTEND=x sudo /usr/bin/apt-get -o A=b install -y git");
        let command = &script.commands[0];
        assert_eq!(command.program(), "apt-get");
        let operands = command.operands(&["-o"]);
        assert_eq!(
            operands.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(),
            ["install", "git"]
        );
    }
}
