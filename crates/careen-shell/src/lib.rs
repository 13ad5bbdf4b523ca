//! What ShellCheck would say about the shell inside a Dockerfile, at the place where it stands.
//!
//! [`check`] reads every shell body that a build runs: RUN in shell form, its heredocs, and RUN
//! after ONBUILD. As in hadolint, CMD, ENTRYPOINT and HEALTHCHECK are not read.
//!
//! | it knows | from |
//! |---|---|
//! | which shell reads a body | SHELL, `# hadolint shell=`, a `#!` line, the command that a heredoc is fed to |
//! | which variables are set | ARG and ENV of the stage and of the stages below it, the proxies that every build has |
//! | what not to say | `# shellcheck disable=`, in the body or right above the instruction |
//!
//! Bodies for PowerShell, cmd and other programs are left alone: they are no business of a shell
//! linter. A body that should have been read and could not be is in [`Checked::unread`].
//!
//! The linter inside is `shuck-linter`; nothing of it is visible here. Why this one, and what it
//! costs, is in `docs/shell-checks.md`.

#![deny(clippy::disallowed_methods)]

mod body;
mod codes;
mod dialect;
mod disable;
mod engine;
mod gaps;
mod hadolint;
mod limits;
mod message;
mod names;
mod numbers;

use std::fmt;

pub use hadolint::shown_by_hadolint;
pub use limits::{MOST_BYTES, MOST_DEPTH, MOST_LINKS};

use careen_model::{Edit, Safety, Span};
use careen_syntax::dockerfile::{Dockerfile, Instruction, Keyword, Meaning};

/// All that was found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// In the order of the file.
    pub mistakes: Vec<Mistake>,
    /// Bodies that are shell and were not read: they may hold anything.
    pub unread: Vec<Unread>,
}

/// One thing that is wrong, or looks so, in a shell body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub code: Code,
    pub level: Level,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// In the source of the Dockerfile, through continuations and heredocs.
    pub span: Span,
    /// Index of the instruction in [`Dockerfile::items`].
    pub item: usize,
    /// What would silence it; only when it falls on bytes that stand in the file as they are.
    pub fix: Option<Repair>,
}

/// Edits of the Dockerfile that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// An imperative.
    pub title: String,
    /// In order, without overlaps.
    pub edits: Vec<Edit>,
    /// [`Safety::Risky`]: what a script does is likely to change, to what was likely meant.
    pub safety: Safety,
}

/// A number of ShellCheck, shown as `SC2086`; of four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

/// How bad ShellCheck takes it to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Style,
    Info,
    Warning,
    Error,
}

/// A shell body that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub item: usize,
    /// The body in the source.
    pub span: Span,
    pub why: Why,
}

/// Why a shell body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// More bytes than [`MOST_BYTES`].
    TooLarge { bytes: usize },
    /// More `&&`, `||` and `|` than [`MOST_LINKS`].
    TooLong { links: usize },
    /// Nested deeper than [`MOST_DEPTH`], or the parser gave up for want of time or stack.
    TooDeep,
}

/// Reads all shell bodies of a file.
pub fn check(file: &Dockerfile, meaning: &Meaning<'_>) -> Checked {
    let mut found = Checked::default();
    for (item, instruction) in runs(file) {
        let Some(shell) = dialect::shell_at(file, meaning, item) else { continue };
        let disabled = disable::read(file, item, instruction, &shell);
        let names = names::visible(file, meaning, item);
        let silent = |code, span| disabled.iter().any(|rule| rule.covers(code, span));
        for gap in gaps::check(file, instruction, &shell) {
            let gaps::Gap { code, level, message, span } = gap;
            if !silent(code, span) {
                found.mistakes.push(Mistake { code, level, message, span, item, fix: None });
            }
        }
        for body in body::bodies(file, instruction, &shell) {
            match engine::check(&body, &names) {
                Ok(mistakes) => found.mistakes.extend(mistakes.into_iter().filter_map(|said| {
                    let span = body.span(said.range)?;
                    let fix = said.fix.and_then(|fix| body.repair(fix));
                    let engine::Said { code, level, message, .. } = said;
                    (!silent(code, span)).then_some(Mistake {
                        code,
                        level,
                        message,
                        span,
                        item,
                        fix,
                    })
                })),
                Err(why) => found.unread.push(Unread { item, span: body.whole(), why }),
            }
        }
    }
    found.mistakes.sort_by_key(|mistake| (mistake.span.start, mistake.span.end, mistake.code));
    found.mistakes.dedup_by_key(|mistake| (mistake.span, mistake.code));
    found
}

/// Every number that [`check`] may find, in no order.
pub fn numbers() -> impl Iterator<Item = Code> {
    engine::numbers().chain(gaps::NUMBERS)
}

/// Every RUN that a build of this file, or of one based on its image, gives to a shell.
fn runs(file: &Dockerfile) -> impl Iterator<Item = (usize, &Instruction)> {
    file.items.iter().enumerate().filter_map(|(item, each)| {
        let instruction = each.instruction()?;
        let instruction = instruction.trigger.as_deref().unwrap_or(instruction);
        (instruction.keyword == Keyword::Run).then_some((item, instruction))
    })
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Style => "style",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::TooLarge { bytes } => {
                write!(f, "the body has {bytes} bytes, more than the {MOST_BYTES} that are read")
            }
            Why::TooLong { links } => {
                write!(
                    f,
                    "the body has {links} links in its chains, more than the {MOST_LINKS} that are read"
                )
            }
            Why::TooDeep => {
                write!(f, "the body is nested deeper than the {MOST_DEPTH} levels that are read")
            }
        }
    }
}
