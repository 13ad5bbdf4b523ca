//! The commands inside RUN: a shell body split into simple commands, each with its place.
//!
//! This is a splitter, not a shell parser. It knows separators, quotes, groups, `if`, `for`,
//! `while`, `case`, functions, redirections and heredocs, and it never fails. Its limits:
//!
//! * `$(…)`, backticks, `${…}`, `$((…))` and process substitutions stay whole inside their word;
//!   commands in them are not listed, and an unbalanced parenthesis in one (a `case` pattern)
//!   ends it early.
//! * Aliases, functions and `eval` are not followed, and variables are not expanded.
//! * The script of `sh -c '…'` is one word.
//!
//! Measured on the 2,803 shell bodies in 644 real Dockerfiles (38,649 words): the same commands
//! with the same words as brush-parser 0.4 in each of the 2,801 that it parses.

mod lexer;
mod splitter;

use careen_model::Span;

use super::{
    Dockerfile,
    ast::{Form, Instruction, Keyword},
    logical::{Logical, offset},
    meaning::Meaning,
};

/// What a RUN body does, as far as it is a shell script that we read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// In the order of the text.
    pub commands: Vec<SimpleCommand>,
}

/// One program call or builtin with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SimpleCommand {
    /// `NAME=value` before the program.
    pub assignments: Vec<ShellWord>,
    /// The program and its arguments; empty when there are only assignments or redirections.
    pub words: Vec<ShellWord>,
    pub redirections: Vec<Redirection>,
    /// From the first to the last byte, redirections included.
    pub span: Span,
    /// How it goes on after this command.
    pub join: Join,
    /// The operator after this command; empty when there is none.
    pub join_span: Span,
    /// Groups, subshells and compound commands around it.
    pub depth: u32,
}

/// A word of a shell command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShellWord {
    /// Quotes and escapes removed, substitutions as written.
    pub text: String,
    pub span: Span,
    /// Some part is quoted or escaped.
    pub quoted: bool,
    /// Some part is a variable or a substitution, so `text` is not what the program sees.
    pub dynamic: bool,
}

/// `2>file`, `<<<word`, …
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// The descriptor's digits and the operator, such as `2>&`.
    pub operator: String,
    pub target: Option<ShellWord>,
    pub span: Span,
}

/// What stands between a command and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Join {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|` or `|&`
    Pipe,
    /// `;`, `;;` or a line end.
    Sequence,
    /// `&`
    Background,
    /// The end of the text or of a group.
    #[default]
    End,
}

/// Which program reads a shell-form RUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shell {
    /// sh and its family.
    Posix(Posix),
    PowerShell,
    /// `cmd` of Windows.
    Cmd,
    /// Something else; its body is left alone.
    Other(String),
}

/// A shell of the sh family and the options that the Dockerfile starts it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posix {
    /// `sh`, `bash`, …
    pub program: String,
    pub pipefail: bool,
    pub errexit: bool,
}

const POSIX: [&str; 8] = ["sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "busybox"];

impl Default for Shell {
    /// `/bin/sh -c`.
    fn default() -> Shell {
        Shell::Posix(Posix { program: "sh".to_owned(), pipefail: false, errexit: false })
    }
}

impl Shell {
    /// What the words of SHELL name. A wrapper (`conda run … bash -c`) counts as its shell.
    pub fn read<S: AsRef<str>>(words: &[S]) -> Shell {
        let names: Vec<String> = words.iter().map(|word| program_name(word.as_ref())).collect();
        let first = names.first().map_or("", String::as_str);
        match first {
            "powershell" | "pwsh" => return Shell::PowerShell,
            "cmd" => return Shell::Cmd,
            _ => {}
        }
        let Some(at) = names.iter().rposition(|name| POSIX.contains(&name.as_str())) else {
            return Shell::Other(first.to_owned());
        };
        let options: Vec<&str> = words[at + 1..].iter().map(AsRef::as_ref).collect();
        let short = |letter: char| {
            options.iter().any(|word| {
                word.starts_with('-') && !word.starts_with("--") && word.contains(letter)
            })
        };
        Shell::Posix(Posix {
            program: names[at].clone(),
            pipefail: options.contains(&"pipefail"),
            errexit: short('e') || options.contains(&"errexit"),
        })
    }
}

impl Script {
    /// The commands of a text for a shell of the sh family; their spans are places in that text.
    pub fn read(text: &str) -> Script {
        let text = Text { bytes: text.as_bytes(), start: 0, place: Place::Source };
        Script { commands: splitter::split(&text) }
    }
}

/// The last part of a path, lower case, without `.exe`.
pub(super) fn program_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase();
    name.strip_suffix(".exe").map_or(name.clone(), str::to_owned)
}

impl Meaning<'_> {
    /// The shell that reads a shell-form instruction at `item`.
    ///
    /// Without a SHELL it is `sh`, or `cmd` when the stage is for Windows: by its platform, by
    /// the name of its image, or because the file escapes with a backtick.
    pub fn shell_at(&self, item: usize) -> Shell {
        let mut found = None;
        let mut each = |_: usize, instruction: &Instruction| {
            let words: Vec<&str> = instruction.words.iter().map(|w| w.text.as_str()).collect();
            found = Some(Shell::read(&words));
            true
        };
        self.before(item, Keyword::Shell, &mut each);
        found.unwrap_or_else(|| if self.is_windows(item) { Shell::Cmd } else { Shell::default() })
    }

    fn is_windows(&self, item: usize) -> bool {
        let Some(mut stage) = self.stage_of(item) else { return false };
        loop {
            if stage.platform.as_ref().is_some_and(|platform| platform.starts_with("windows")) {
                return true;
            }
            match &stage.base {
                super::Base::Stage(base) => stage = &self.stages[*base],
                super::Base::Scratch => return self.file.escape == '`',
                super::Base::Image(image) => {
                    let image = image.to_lowercase();
                    let marks = ["windows", "nanoserver", "servercore"];
                    let named = marks.iter().any(|mark| image.contains(mark));
                    return named || self.file.escape == '`';
                }
            }
        }
    }

    /// The commands of the RUN (or ONBUILD RUN) at `item`, read with the shell in force.
    pub fn script_at(&self, item: usize) -> Script {
        let Some(mut instruction) = self.file.items[item].instruction() else {
            return Script::default();
        };
        if let Some(trigger) = &instruction.trigger {
            instruction = trigger;
        }
        self.file.script(instruction, &self.shell_at(item))
    }

    /// The commands of an instruction of this file, read with a shell that is known better.
    pub fn script_of(&self, instruction: &Instruction, shell: &Shell) -> Script {
        self.file.script(instruction, shell)
    }
}

impl Dockerfile {
    /// The commands of a RUN, CMD, ENTRYPOINT or HEALTHCHECK that `shell` would read.
    ///
    /// In JSON form the words are one command. A heredoc is read as a script when it is one:
    /// nothing but heredocs stands in the RUN and no `#!` line names another program, or the
    /// command that gets it is a shell. A body for another shell gives no commands.
    pub fn script(&self, instruction: &Instruction, shell: &Shell) -> Script {
        let words = match instruction.keyword {
            Keyword::Run | Keyword::Cmd | Keyword::Entrypoint => &instruction.words[..],
            Keyword::Healthcheck => instruction.words.get(1..).unwrap_or(&[]),
            _ => return Script::default(),
        };
        if instruction.form == Form::Json {
            return exec(words);
        }
        let ([body], Shell::Posix(_)) = (words, shell) else { return Script::default() };
        let text = Text {
            bytes: &instruction.logical().text()[..body.range.1 as usize],
            start: body.range.0 as usize,
            place: Place::Logical(instruction.logical()),
        };
        let mut script = Script { commands: splitter::split(&text) };
        if !instruction.heredocs.is_empty() {
            self.add_heredocs(instruction, &mut script);
        }
        script
    }

    fn add_heredocs(&self, instruction: &Instruction, script: &mut Script) {
        let bare = script.commands.iter().all(|command| command.words.is_empty());
        if bare {
            // The heredoc is the script: the line that names it runs nothing.
            script.commands.clear();
        }
        let to_shell = script.commands.iter().any(reads_script);
        for heredoc in &instruction.heredocs {
            let first = heredoc.content.lines().next().unwrap_or("").trim_start_matches('\t');
            let interpreter = first.strip_prefix("#!").map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                words.last().map_or_else(String::new, |word| program_name(word))
            });
            let foreign = interpreter.is_some_and(|name| {
                !POSIX.iter().any(|shell| name == *shell) && !name.starts_with('-')
            });
            if foreign || !(bare || to_shell) {
                continue;
            }
            let text = Text {
                bytes: &self.source()[..heredoc.span.end as usize],
                start: heredoc.span.start as usize,
                place: Place::Source,
            };
            script.commands.extend(splitter::split(&text));
        }
    }
}

/// A shell with a heredoc on its input and nothing but options: `bash -euo pipefail <<EOF`.
fn reads_script(command: &SimpleCommand) -> bool {
    let Some((program, arguments)) = command.words.split_first() else { return false };
    let mut value = false;
    let only_options = arguments.iter().all(|word| {
        let option = word.text.starts_with('-') && !word.text.contains('c');
        let fits = option || value;
        value = option && word.text.ends_with('o');
        fits
    });
    let is_shell = POSIX.contains(&program_name(&program.text).as_str());
    let fed = command.redirections.iter().any(|redirection| {
        redirection.operator.ends_with("<<") || redirection.operator.ends_with("<<-")
    });
    is_shell && only_options && fed
}

fn exec(words: &[super::Word]) -> Script {
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return Script::default();
    };
    let word = |word: &super::Word| ShellWord {
        text: word.text.clone(),
        span: word.span,
        quoted: true,
        dynamic: false,
    };
    let command = SimpleCommand {
        words: words.iter().map(word).collect(),
        span: Span { start: first.span.start, end: last.span.end },
        join_span: Span { start: last.span.end, end: last.span.end },
        ..SimpleCommand::default()
    };
    Script { commands: vec![command] }
}

/// A text to split, and how its offsets become source spans.
pub(super) struct Text<'a> {
    /// From the beginning of what holds the text up to the end of the text.
    bytes: &'a [u8],
    start: usize,
    place: Place<'a>,
}

enum Place<'a> {
    /// Offsets are in a joined instruction.
    Logical(&'a Logical),
    /// Offsets are in the source.
    Source,
}

impl Text<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        match self.place {
            Place::Logical(logical) => logical.span(start..end),
            Place::Source => Span { start: offset(start), end: offset(end) },
        }
    }
}
