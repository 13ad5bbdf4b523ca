//! Which shell reads a body.

use careen_syntax::dockerfile::{
    Base, Dockerfile, Instruction, Item, Keyword, Meaning, Posix, Shell,
};

/// A shell that the linter knows, and how it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reader {
    pub(crate) dialect: Dialect,
    /// Started with `-e`.
    pub(crate) errexit: bool,
    /// Started with `-o pipefail`.
    pub(crate) pipefail: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sh,
    Bash,
    /// Also `ash`, the shell of `busybox`.
    Dash,
    Ksh,
    Mksh,
}

/// `zsh` is not among them: ShellCheck does not read it.
const PROGRAMS: [(&str, Dialect); 7] = [
    ("sh", Dialect::Sh),
    ("bash", Dialect::Bash),
    ("dash", Dialect::Dash),
    ("ash", Dialect::Dash),
    ("busybox", Dialect::Dash),
    ("ksh", Dialect::Ksh),
    ("mksh", Dialect::Mksh),
];

impl Reader {
    pub(crate) fn of(shell: &Shell) -> Option<Reader> {
        let Shell::Posix(Posix { program, pipefail, errexit }) = shell else { return None };
        let (_, dialect) = PROGRAMS.iter().find(|(name, _)| name == program)?;
        Some(Reader { dialect: *dialect, errexit: *errexit, pipefail: *pipefail })
    }

    /// What a `#!` line names; the text after `#!`.
    pub(crate) fn of_interpreter(line: &str) -> Option<Reader> {
        Reader::of(&Shell::read(&command(line)))
    }
}

/// The words of a `#!` line without `env`, its options and its assignments.
fn command(line: &str) -> Vec<&str> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if words.first().is_some_and(|word| word.rsplit('/').next() == Some("env")) {
        let skipped = |word: &&str| word.starts_with('-') || word.contains('=');
        let start = words[1..].iter().position(|word| !skipped(word));
        words.drain(..start.map_or(words.len(), |n| n + 1));
    }
    words
}

/// The shell for shell-form RUN at `item`; `None` when it is none that the linter knows.
///
/// `# hadolint shell=` counts like a SHELL where it stands; before the first FROM it counts for
/// every stage that has no SHELL.
pub(crate) fn shell_at(file: &Dockerfile, meaning: &Meaning<'_>, item: usize) -> Option<Shell> {
    let mut found = None;
    let mut before = item;
    let mut stage = meaning.stage_of(item);
    while let Some(here) = stage {
        let items = here.items.start..before.min(here.items.end);
        found = items.rev().find_map(|at| setting(file, at));
        stage = match here.base {
            Base::Stage(base) if found.is_none() => meaning.stages.get(base),
            _ => None,
        };
        before = usize::MAX;
    }
    let head = meaning.stages.first().map_or(item, |first| first.items.start);
    let said = found.or_else(|| (0..head).rev().find_map(|at| pragma(file, at)));
    let shell = match said {
        Some(Setting::Pragma(words)) => Shell::read(&words.split_whitespace().collect::<Vec<_>>()),
        // Without a FROM nothing is built; what is said of such a part of a file is its own.
        None if meaning.stage_of(item).is_none() => part_shell(file, item),
        Some(Setting::Shell) | None => meaning.shell_at(item),
    };
    Reader::of(&shell).map(|_| shell)
}

/// The shell of a RUN before all stages; what ONBUILD runs there is left to the image's own.
fn part_shell(file: &Dockerfile, item: usize) -> Shell {
    let runs_here =
        file.items[item].instruction().is_some_and(|instruction| instruction.trigger.is_none());
    let mut above = file.items[..item].iter().rev().filter_map(Item::instruction);
    match above.find(|instruction| runs_here && instruction.keyword == Keyword::Shell) {
        Some(set) => {
            Shell::read(&set.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>())
        }
        None => Shell::default(),
    }
}

enum Setting<'a> {
    /// The nearest is a SHELL, which [`Meaning::shell_at`] has read.
    Shell,
    Pragma(&'a str),
}

fn setting(file: &Dockerfile, item: usize) -> Option<Setting<'_>> {
    let is_shell = |instruction: &Instruction| instruction.keyword == Keyword::Shell;
    if file.items[item].instruction().is_some_and(is_shell) {
        return Some(Setting::Shell);
    }
    pragma(file, item)
}

/// `# hadolint shell=PROGRAM`, white space as you like.
fn pragma(file: &Dockerfile, item: usize) -> Option<Setting<'_>> {
    let Item::Comment(span) = file.items[item] else { return None };
    let line = &file.source()[span.start as usize..span.end as usize];
    let text = std::str::from_utf8(line).ok()?.trim_start().strip_prefix('#')?;
    let rest = text.trim_start().strip_prefix("hadolint")?;
    let rest = rest.strip_prefix(char::is_whitespace)?.trim_start().strip_prefix("shell")?;
    let value = rest.trim_start().strip_prefix('=')?.trim();
    (!value.is_empty()).then_some(Setting::Pragma(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use careen_syntax::dockerfile::{self, Given};

    #[test]
    fn a_first_line_names_the_interpreter() {
        let cases = [
            ("/bin/bash", Some(Dialect::Bash)),
            (" /usr/bin/env bash", Some(Dialect::Bash)),
            ("/usr/bin/env -S FOO=bar dash -eu", Some(Dialect::Dash)),
            ("/bin/sh -e", Some(Dialect::Sh)),
            ("/usr/bin/env python3", None),
            ("/usr/bin/env", None),
            ("/bin/zsh", None),
            ("", None),
        ];
        for (line, expected) in cases {
            let found = Reader::of_interpreter(line).map(|reader| reader.dialect);
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn the_nearest_of_shell_and_pragma_counts() {
        let cases = [
            ("FROM x\n", Some("sh")),
            ("SHELL [\"/bin/bash\", \"-c\"]\n", Some("bash")),
            ("SHELL [\"pwsh\", \"-c\"]\n", None),
            ("FROM x\nSHELL [\"/bin/bash\", \"-c\"]\n", Some("bash")),
            ("FROM x\nSHELL [\"pwsh\", \"-c\"]\n", None),
            ("FROM x\nSHELL [\"/bin/zsh\", \"-c\"]\n", None),
            ("FROM x\n# hadolint shell = bash\n", Some("bash")),
            ("FROM x\n#hadolint shell=/bin/bash -e\n", Some("bash")),
            ("FROM x\n# hadolint shell=bash\nSHELL [\"dash\", \"-c\"]\n", Some("dash")),
            ("FROM x\nSHELL [\"dash\", \"-c\"]\n# hadolint shell=bash\n", Some("bash")),
            ("# hadolint shell=ksh\nFROM x\nFROM y\n", Some("ksh")),
            ("FROM x\n# hadolint shell=ksh\nFROM y\n", Some("sh")),
            ("FROM x AS a\n# hadolint shell=ksh\nFROM a\n", Some("ksh")),
            ("FROM x AS a\nSHELL [\"bash\", \"-c\"]\nFROM a\n", Some("bash")),
            ("FROM mcr.microsoft.com/windows/servercore:1\n", None),
            ("FROM x\n# hadolint shells=bash\n", Some("sh")),
        ];
        for (before, expected) in cases {
            let file = dockerfile::parse(format!("{before}RUN true\n"));
            let meaning = file.meaning(&Given::default());
            let shell = shell_at(&file, &meaning, file.items.len() - 1);
            let program = match &shell {
                Some(Shell::Posix(posix)) => Some(posix.program.as_str()),
                _ => None,
            };
            assert_eq!(program, expected, "{before}");
        }
    }
}
