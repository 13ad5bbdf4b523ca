//! RUN as hadolint reads it: every body with the eyes of bash, whatever shell is in force, and with
//! the commands of substitutions among the others.

use careen_syntax::dockerfile::{Form, Instruction, Join, Keyword, Script};

use crate::steps::Placed;

/// One RUN, behind ONBUILD or not, before the first FROM or after.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) step: Placed<'a>,
    pub(crate) commands: Vec<Call>,
    /// Some command writes into another.
    pub(crate) pipes: bool,
}

/// A command whose program is written out.
#[derive(Debug)]
pub(crate) struct Call {
    /// As written, folders included; what `command`, `exec` and their like start instead of them.
    pub(crate) name: String,
    /// Everything after the first word.
    pub(crate) arguments: Vec<String>,
}

/// Substitutions inside substitutions, deeper than any file needs.
const DEEPEST: u32 = 8;

/// All RUNs of a file, in order.
pub(crate) fn bodies<'a>(steps: &[Placed<'a>]) -> Vec<Body<'a>> {
    let runs = steps.iter().filter(|step| step.instruction.keyword == Keyword::Run);
    runs.map(|step| body(*step)).collect()
}

fn body(step: Placed<'_>) -> Body<'_> {
    let mut body = Body { step, commands: vec![], pipes: false };
    for text in texts(step.instruction) {
        body.add(&text, 0);
    }
    body
}

/// What bash is given: the line, or the heredocs when there is nothing else.
fn texts(instruction: &Instruction) -> Vec<String> {
    if instruction.form == Form::Json {
        let words: Vec<&str> = instruction.words.iter().map(|word| word.text.as_str()).collect();
        return vec![words.join(" ")];
    }
    let line = instruction.words.first().map_or("", |word| word.text.as_str());
    if !instruction.heredocs.is_empty() && line.trim_start().starts_with("<<") {
        return instruction.heredocs.iter().map(|heredoc| heredoc.content.clone()).collect();
    }
    vec![line.to_owned()]
}

impl Body<'_> {
    fn add(&mut self, text: &str, depth: u32) {
        let script = Script::read(text);
        let scan = scan(text);
        self.pipes |= scan.pipes || script.commands.iter().any(|one| one.join == Join::Pipe);
        for command in script.commands {
            let Some((program, rest)) = command.words.split_first() else { continue };
            // A test is no command to hadolint, and `$program` has no name.
            if program.dynamic || matches!(program.text.as_str(), "[" | "[[") {
                continue;
            }
            let arguments: Vec<String> = rest.iter().map(|word| word.text.clone()).collect();
            let starts =
                matches!(program.text.as_str(), "command" | "exec" | "builtin" | "busybox");
            let named = rest.first().filter(|word| starts && !word.text.starts_with('-'));
            let name = named.map_or(&program.text, |word| &word.text).clone();
            self.commands.push(Call { name, arguments });
        }
        if depth < DEEPEST {
            for inner in scan.inner {
                self.add(inner, depth + 1);
            }
        }
    }

    /// Some command is the program of that name.
    pub(crate) fn starts(&self, name: &str) -> bool {
        self.commands.iter().any(|call| call.name == name)
    }
}

impl Call {
    /// The letters of short options one by one, the names of long ones without their values.
    pub(crate) fn options(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().flat_map(|argument| options_of(argument))
    }

    pub(crate) fn has_option(&self, names: &[&str]) -> bool {
        self.options().any(|option| names.contains(&option))
    }

    /// The arguments that begin with no dash, and the dash alone.
    pub(crate) fn operands(&self) -> impl Iterator<Item = &str> {
        let all = self.arguments.iter().map(String::as_str);
        all.filter(|argument| options_of(argument).next().is_none())
    }
}

fn options_of(argument: &str) -> impl Iterator<Item = &str> {
    let (long, letters) = match argument {
        "-" | "--" => (None, ""),
        _ => match argument.strip_prefix("--") {
            Some(long) => (long.split('=').next(), ""),
            None => (None, argument.strip_prefix('-').unwrap_or("")),
        },
    };
    let letters = letters.char_indices().map(move |(at, c)| &letters[at..at + c.len_utf8()]);
    long.into_iter().chain(letters)
}

/// What the words of a text hide.
struct Scan<'a> {
    /// The texts of `$(…)`, `<(…)` and backticks.
    inner: Vec<&'a str>,
    /// A group or a loop writes into a command.
    pipes: bool,
}

fn scan(text: &str) -> Scan<'_> {
    let bytes = text.as_bytes();
    let mut scan = Scan { inner: vec![], pipes: false };
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' => quoted = !quoted,
            b'\'' if !quoted => at += until(&bytes[at + 1..], b'\''),
            b'#' if !quoted && (at == 0 || bytes[at - 1].is_ascii_whitespace()) => {
                at += until(&bytes[at..], b'\n');
            }
            b'`' => {
                let length = until(&bytes[at + 1..], b'`');
                scan.inner.extend(text.get(at + 1..at + length));
                at += length;
            }
            b'$' | b'<' | b'>' if bytes.get(at + 1) == Some(&b'(') => {
                let is_sum = bytes[at] == b'$' && bytes.get(at + 2) == Some(&b'(');
                let length = balanced(&bytes[at + 2..]);
                if !is_sum && (bytes[at] == b'$' || !quoted) {
                    scan.inner.extend(text.get(at + 2..at + 2 + length));
                    at += length + 2;
                }
            }
            b'|' if !quoted && bytes.get(at + 1) == Some(&b'|') => at += 1,
            b'|' if !quoted => scan.pipes |= ends_compound(&text[..at]),
            _ => {}
        }
        at += 1;
    }
    scan
}

/// Bytes up to and with the next one of that kind, or all.
fn until(bytes: &[u8], end: u8) -> usize {
    bytes.iter().position(|byte| *byte == end).map_or(bytes.len(), |n| n + 1)
}

/// Bytes up to the parenthesis that closes one opened before.
fn balanced(bytes: &[u8]) -> usize {
    let (mut open, mut at) = (1, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\'' => at += until(&bytes[at + 1..], b'\''),
            b'"' => at += string(&bytes[at + 1..]),
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// Bytes up to and with the quote that ends a string, substitutions in it passed over.
fn string(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' => return at + 1,
            b'$' if bytes.get(at + 1) == Some(&b'(') => {
                let mut open = 0;
                while at < bytes.len() {
                    match bytes[at] {
                        b'(' => open += 1,
                        b')' => open -= 1,
                        _ => {}
                    }
                    if open == 0 && bytes[at] == b')' {
                        break;
                    }
                    at += 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn ends_compound(before: &str) -> bool {
    let before = before.trim_end();
    before.ends_with([')', '}'])
        || ["done", "fi", "esac"].iter().any(|word| {
            before.strip_suffix(word).is_some_and(|rest| rest.ends_with([' ', '\n', '\t', ';']))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_pipes_of_a_text() {
        let check = |text: &str, names: &[&str], pipes: bool| {
            let file = careen_syntax::dockerfile::parse(format!("RUN {text}\n"));
            let run = file.instructions().next().expect("there is one instruction");
            let step = Placed { instruction: run, item: 0, at: 0, stage: None, is_trigger: false };
            let body = body(step);
            let found: Vec<&str> = body.commands.iter().map(|call| call.name.as_str()).collect();
            assert_eq!((found.as_slice(), body.pipes), (names, pipes), "{text}");
        };
        check("a && b | c", &["a", "b", "c"], true);
        check("x=$(a | b) c \"$(d \"e f\")\" `g`", &["c", "a", "b", "d", "g"], true);
        check("echo '$(a | b)' \"c | d\" # | e", &["echo"], false);
        check("for i in $(ls); do echo $i; done | sort", &["echo", "sort", "ls"], true);
        check("[ -f a ] || $x && exec b", &["b"], false);
        check("(a; b) | c; echo $((1 + (2)))", &["a", "b", "c", "echo"], true);
        check("[\"a\", \"|\", \"b\"]", &["a", "b"], true);
    }

    #[test]
    fn options_of_a_call() {
        let call = Call {
            name: "useradd".into(),
            arguments: ["-mu", "1000", "--shell=/bin/sh", "-", "--", "x"].map(String::from).into(),
        };
        assert_eq!(call.options().collect::<Vec<_>>(), ["m", "u", "shell"]);
        assert_eq!(call.operands().collect::<Vec<_>>(), ["1000", "-", "--", "x"]);
    }
}
