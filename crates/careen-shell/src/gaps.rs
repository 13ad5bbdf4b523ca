//! What ShellCheck says and the linter does not: a few checks of our own on simple commands.
//!
//! | number | about |
//! |---|---|
//! | SC1018, SC1110 | a space or a quote of Unicode outside of quotes |
//! | SC2174 | `mkdir -p -m`: the mode is that of the last directory alone |
//! | SC2185 | `find` without a path |
//! | SC2251 | `!` under `set -e`, where it tests nothing |
//! | SC2283, SC2284, SC2285 | a first argument that begins with `=`, `==` or `+=` |

use careen_model::Span;
use careen_syntax::dockerfile::{Dockerfile, Instruction, Join, Shell, ShellWord, SimpleCommand};

use crate::{Code, Level, dialect::Reader};

/// Something wrong with one command.
#[derive(Debug)]
pub(crate) struct Gap {
    pub(crate) code: Code,
    pub(crate) level: Level,
    pub(crate) message: String,
    pub(crate) span: Span,
}

/// Looks at every command of an instruction and of the heredocs that are scripts.
pub(crate) fn check(file: &Dockerfile, instruction: &Instruction, shell: &Shell) -> Vec<Gap> {
    let commands = file.script(instruction, shell).commands;
    let errexit =
        Reader::of(shell).is_some_and(|reader| reader.errexit) || commands.iter().any(sets_errexit);
    let mut found = Vec::new();
    for (n, command) in commands.iter().enumerate() {
        found.extend(command.words.iter().filter_map(foreign_character));
        let Some((program, arguments)) = command.words.split_first() else { continue };
        match program.text.as_str() {
            "find" => found.extend(find_without_path(program, arguments)),
            "mkdir" => found.extend(mode_of_parents(arguments)),
            _ => {}
        }
        if errexit {
            found.extend(idle_bang(file, &commands[n..]));
        }
        found.extend(arguments.first().and_then(|first| spaced_equals(file, first)));
    }
    found
}

/// All numbers that this file knows.
pub(crate) const NUMBERS: [Code; 8] = [
    Code(1018),
    Code(1110),
    Code(2174),
    Code(2185),
    Code(2251),
    Code(2283),
    Code(2284),
    Code(2285),
];

/// The linter sees no characters beyond ASCII.
fn foreign_character(word: &ShellWord) -> Option<Gap> {
    if word.quoted || word.text.is_ascii() {
        return None;
    }
    let (code, message) = if word.text.contains('\u{A0}') {
        (1018, "a no-break space is a character of the word, not a space between words")
    } else if word.text.contains(['\u{2018}', '\u{2019}', '\u{201C}', '\u{201D}']) {
        (1110, "a typographic quote is a character of the word and quotes nothing")
    } else {
        return None;
    };
    Some(Gap {
        code: Code(code),
        level: if code == 1018 { Level::Error } else { Level::Warning },
        message: message.to_owned(),
        span: word.span,
    })
}

fn sets_errexit(command: &SimpleCommand) -> bool {
    let [program, options @ ..] = command.words.as_slice() else { return false };
    let short = |text: &str| text.starts_with('-') && !text.starts_with("--") && text.contains('e');
    program.text == "set" && options.iter().any(|word| word.text == "errexit" || short(&word.text))
}

fn find_without_path(program: &ShellWord, arguments: &[ShellWord]) -> Option<Gap> {
    let is_help = |word: &ShellWord| matches!(word.text.as_str(), "-help" | "--help" | "--version");
    if arguments.iter().any(is_help) {
        return None;
    }
    // Options like -L and -O3 come before the paths.
    let leads = |text: &str| text.len() <= 2 || text.starts_with("-O");
    let first = arguments.iter().find(|word| !(word.text.starts_with('-') && leads(&word.text)));
    let has_path = first.is_some_and(|word| word.dynamic || !word.text.starts_with('-'));
    (!has_path).then(|| Gap {
        code: Code(2185),
        level: Level::Info,
        message: "find is given no path, which not every find takes for the current directory"
            .to_owned(),
        span: program.span,
    })
}

fn mode_of_parents(arguments: &[ShellWord]) -> Option<Gap> {
    let named = |word: &ShellWord, long: &str, short: char| {
        let text = word.text.as_str();
        let long = text.strip_prefix("--").is_some_and(|name| name.split('=').next() == Some(long));
        // In a group of letters, what follows m is its value.
        let group = text.strip_prefix('-').filter(|text| !text.starts_with('-')).unwrap_or("");
        let letters = group.split_inclusive('m').next().unwrap_or("");
        long || letters.contains(short)
    };
    arguments.iter().find(|word| named(word, "parents", 'p'))?;
    let mode = arguments.iter().position(|word| named(word, "mode", 'm'))?;
    let may_have_parents = |word: &ShellWord| {
        let below = word.text.trim_start_matches("../").trim_start_matches("./");
        let is_path = !word.text.starts_with('-');
        is_path && (word.dynamic || below.contains('/'))
    };
    arguments.iter().any(may_have_parents).then(|| Gap {
        code: Code(2174),
        level: Level::Warning,
        message:
            "with -p the mode is set on the last directory alone, its parents get the usual one"
                .to_owned(),
        span: arguments[mode].span,
    })
}

/// `rest` begins with the command; the `!` stands before it.
fn idle_bang(file: &Dockerfile, rest: &[SimpleCommand]) -> Option<Gap> {
    let before = &file.source()[..rest[0].span.start as usize];
    let before = before.trim_ascii_end();
    let end = u32::try_from(before.len()).ok()?;
    let before = before.strip_suffix(b"!")?.trim_ascii_end();
    let start = before.iter().rposition(|byte| byte.is_ascii_whitespace() || *byte == b';');
    let word = &before[start.map_or(0, |at| at + 1)..];
    if matches!(word, b"if" | b"elif" | b"while" | b"until") {
        return None;
    }
    // The whole pipeline is negated; what ends it decides whether anybody asks.
    let last = rest.iter().position(|command| command.join != Join::Pipe)?;
    let more = rest[last + 1..].iter().any(|command| command.depth <= rest[0].depth);
    (rest[last].join == Join::Sequence && more).then(|| Gap {
        code: Code(2251),
        level: Level::Info,
        message: "nobody asks for the result of this negation, and set -e passes over it"
            .to_owned(),
        span: Span { start: end - 1, end },
    })
}

fn spaced_equals(file: &Dockerfile, first: &ShellWord) -> Option<Gap> {
    let text = file.source().get(first.span.start as usize..first.span.end as usize)?;
    let (code, operator) = match text {
        // A line drawn on the screen.
        [b'=', b'=', b'=', b'=', ..] => return None,
        [b'=', b'=', ..] => (2284, "=="),
        [b'+', b'=', ..] => (2285, "+="),
        [b'=', ..] => (2283, "="),
        _ => return None,
    };
    Some(Gap {
        code: Code(code),
        level: Level::Error,
        message: format!(
            "{operator} is an argument here: an assignment has no space around it, a comparison needs [ ]"
        ),
        span: first.span,
    })
}
