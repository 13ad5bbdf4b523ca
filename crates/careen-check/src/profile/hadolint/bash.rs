//! RUN as hadolint reads it: every body with the eyes of bash, whatever shell is in force, and with
//! the commands of substitutions among the others.

use std::collections::BTreeSet;
use std::ops::Range;

use careen_syntax::dockerfile::{Form, Instruction, Join, Keyword, Script};

use crate::steps::Placed;

/// One RUN, behind ONBUILD or not, before the first FROM or after.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) step: Placed<'a>,
    pub(crate) commands: Vec<Call>,
    /// Some command writes into another.
    pub(crate) pipes: bool,
    /// What RUN was told beside the command, in an order that does not matter.
    pub(crate) flags: BTreeSet<String>,
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
    let mut body = Body { step, commands: vec![], pipes: false, flags: flags_of(step.instruction) };
    for text in texts(step.instruction) {
        if !body.add(&text, 0) {
            // Of what bash cannot read hadolint knows nothing.
            body.commands.clear();
            body.pipes = false;
            break;
        }
    }
    body
}

fn flags_of(instruction: &Instruction) -> BTreeSet<String> {
    let flags = instruction.flags.iter().map(|flag| {
        let mut fields: Vec<&str> = flag.text().split(',').collect();
        fields.sort_unstable();
        format!("{}={}", flag.name, fields.join(","))
    });
    flags.collect()
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
    /// False when bash would refuse the text.
    fn add(&mut self, text: &str, depth: u32) -> bool {
        let scan = scan(text);
        if scan.is_refused {
            return false;
        }
        let script = Script::read(&scan.without(text));
        self.pipes |= scan.pipes || script.commands.iter().any(|one| one.join == Join::Pipe);
        for command in script.commands {
            let Some((program, rest)) = command.words.split_first() else { continue };
            // A test is no command to hadolint, and `$program` has no name.
            if program.dynamic || matches!(program.text.as_str(), "[" | "[[") {
                continue;
            }
            if program.text.starts_with('[') && !program.quoted {
                return false;
            }
            let arguments: Vec<String> = rest.iter().map(|word| word.text.clone()).collect();
            let starts =
                matches!(program.text.as_str(), "command" | "exec" | "builtin" | "busybox");
            let named = rest.first().filter(|word| starts && !word.text.starts_with('-'));
            let name = named.map_or(&program.text, |word| &word.text).clone();
            self.commands.push(Call { name, arguments });
        }
        depth >= DEEPEST || scan.inner.iter().all(|inner| self.add(&text[inner.clone()], depth + 1))
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

    /// The argument after each use of an option.
    pub(crate) fn values<'a>(&'a self, option: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.arguments.windows(2);
        pairs.filter_map(move |pair| {
            options_of(&pair[0]).any(|one| one == option).then_some(pair[1].as_str())
        })
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
struct Scan {
    /// Where the texts of `$(…)`, `<(…)` and backticks are.
    inner: Vec<Range<usize>>,
    /// A group or a loop writes into a command.
    pipes: bool,
    /// A parenthesis stands where bash wants none: the text is for PowerShell.
    is_refused: bool,
}

impl Scan {
    /// The text with its substitutions emptied.
    fn without(&self, text: &str) -> String {
        let mut rest = String::with_capacity(text.len());
        let mut at = 0;
        for inner in &self.inner {
            rest.push_str(&text[at..inner.start]);
            at = inner.end;
        }
        rest + &text[at..]
    }
}

fn scan(text: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut scan = Scan { inner: vec![], pipes: false, is_refused: false };
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' => quoted = !quoted,
            b'\'' if !quoted => at += until(&bytes[at + 1..], b'\''),
            b'#' if !quoted && (at == 0 || bytes[at - 1].is_ascii_whitespace()) => {
                at += until(&bytes[at + 1..], b'\n');
            }
            b'`' => {
                let length = until(&bytes[at + 1..], b'`');
                let inner = at + 1..at + length;
                scan.inner
                    .extend((length > 0 && text.is_char_boundary(inner.end)).then_some(inner));
                at += length;
            }
            b'$' | b'<' | b'>' if bytes.get(at + 1) == Some(&b'(') => {
                let is_sum = bytes[at] == b'$' && bytes.get(at + 2) == Some(&b'(');
                let length = balanced(&bytes[at + 2..]);
                if bytes[at] == b'$' || !quoted {
                    let inner = at + 2..at + 2 + length;
                    scan.inner.extend((!is_sum).then_some(inner));
                    at += length + 2;
                }
            }
            b'(' if !quoted => scan.is_refused |= is_stray(text, at),
            b'|' if !quoted && bytes.get(at + 1) == Some(&b'|') => at += 1,
            b'|' if !quoted => scan.pipes |= is_pipe(text, at),
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
    let (mut open, mut at, mut cases) = (1, 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\'' => at += until(&bytes[at + 1..], b'\''),
            b'"' => at += string(&bytes[at + 1..]),
            b'(' => open += 1,
            // The end of a pattern.
            b')' if open == 1 && cases > 0 => {}
            b')' => open -= 1,
            b'c' if bytes[at..].starts_with(b"case ") => cases += 1,
            b'e' if bytes[at..].starts_with(b"esac") => cases -= 1,
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

/// Words after which a parenthesis opens a subshell.
const OPENERS: [&str; 13] = [
    "if", "then", "else", "elif", "do", "while", "until", "for", "in", "time", "function",
    "coproc", "case",
];

/// A parenthesis in the middle of a command, which is neither a function nor an array.
fn is_stray(text: &str, at: usize) -> bool {
    let (before, after) = (&text[..at], &text[at + 1..]);
    let last = before.chars().next_back();
    // Arrays, patterns such as `@(a|b)`, functions, and what tests allow.
    let is_part = last.is_some_and(|c| "=@!*?+$<>(".contains(c));
    if is_part || after.trim_start().starts_with(')') || text.contains("[[") {
        return false;
    }
    // `name(` is one word to ShellCheck, and `name = (…)` an array with spaces too many.
    if last.is_some_and(|c| !c.is_whitespace()) {
        return false;
    }
    let before = before.trim_end();
    if before.ends_with(" =") {
        return after[..balanced(after.as_bytes())].contains('(');
    }
    let word = before.rsplit([' ', '\t', '\n', ';', '(', '&', '|', '{']).next().unwrap_or("");
    let is_condition = word == "if" && !text.split([' ', '\n', ';']).any(|word| word == "fi");
    is_condition || !(word.is_empty() || word == "!" || OPENERS.contains(&word))
}

/// Neither `>|` nor an alternative in a pattern or a test.
fn is_pipe(text: &str, at: usize) -> bool {
    let before = &text[..at];
    let is_open = |word: &str, end: &str| {
        let words = || before.split([' ', '\t', '\n', ';', ')']);
        words().filter(|one| *one == word).count() > words().filter(|one| *one == end).count()
    };
    !before.ends_with('>') && !is_open("case", "esac") && !is_open("[[", "]]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_pipes_of_a_text() {
        let check = |text: &str, names: &[&str], pipes: bool| {
            let is_script = text.contains('\n');
            let written = if is_script {
                format!("RUN <<END\n{text}\nEND\n")
            } else {
                format!("RUN {text}\n")
            };
            let file = careen_syntax::dockerfile::parse(written);
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
        check("a$(case $(b) in c) d;; e|f) g;; esac).h | i", &["i", "d", "g", "b"], true);
        check("# it's (so\n# and (so\na >| b; case c in d|e) f;; esac", &["a", "f"], false);
        check("iex ((new-object net.webclient).x('y')) | z", &[], false);
        check("if (!($a -match 'b')) { c } else { d } | e", &[], false);
        check(
            "if (a); then b; fi; f() { (c); }; x=(1 2); case i in (j) k;; esac",
            &["a", "b", "c", "k"],
            false,
        );
    }

    #[test]
    fn options_of_a_call() {
        let call = Call {
            name: "useradd".into(),
            arguments: ["-mu", "1000", "--shell=/bin/sh", "-", "--", "x"].map(String::from).into(),
        };
        assert_eq!(call.options().collect::<Vec<_>>(), ["m", "u", "shell"]);
        assert_eq!(call.operands().collect::<Vec<_>>(), ["1000", "-", "--", "x"]);
        assert_eq!(call.values("u").collect::<Vec<_>>(), ["1000"]);
    }
}
