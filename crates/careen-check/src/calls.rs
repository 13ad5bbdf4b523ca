//! The commands of a RUN as the rules look at them: programs with operands and options.

use std::collections::HashMap;

use careen_model::Span;
use careen_syntax::dockerfile::packages::read as read_packages;
use careen_syntax::dockerfile::{
    Join, PackageCommand, Redirection, Script as ShellScript, ShellWord, SimpleCommand,
};

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
    /// The program, with `sudo` and `env` before it, and its arguments.
    pub(crate) words: Vec<ShellWord>,
    /// What it is as a call of a package manager, when it is one.
    pub(crate) package: Option<PackageCommand>,
    /// `NAME=value` before the program.
    pub(crate) assignments: Vec<ShellWord>,
    pub(crate) redirections: Vec<Redirection>,
    /// From the first to the last byte, with assignments and redirections.
    pub(crate) span: Span,
    /// How it goes on after this command.
    pub(crate) join: Join,
    /// Groups, subshells and compound commands around it.
    pub(crate) depth: u32,
}

impl Script {
    pub(crate) fn of(script: ShellScript) -> Script {
        let is_plain = |command: &SimpleCommand| {
            command.depth == 0 && matches!(command.join, Join::And | Join::Sequence | Join::End)
        };
        let mut packages: HashMap<usize, PackageCommand> =
            read_packages(&script).into_iter().map(|package| (package.command, package)).collect();
        let is_plain = script.commands.iter().all(is_plain);
        let commands = script.commands.into_iter().enumerate().map(|(n, command)| {
            let package = packages.remove(&n);
            let SimpleCommand { assignments, words, redirections, span, join, depth, .. } = command;
            Command { words, package, assignments, redirections, span, join, depth }
        });
        Script { commands: commands.collect(), is_plain }
    }
}

impl Command {
    /// The program's name without its folder; `sudo` and `env` with its assignments are passed over.
    pub(crate) fn program(&self) -> &str {
        self.start().map_or("", |(_, word)| word.text.rsplit('/').next().unwrap_or(""))
    }

    /// The words after the program.
    pub(crate) fn arguments(&self) -> &[ShellWord] {
        self.start().map_or(&[], |(at, _)| &self.words[at + 1..])
    }

    /// The word that names the program.
    pub(crate) fn start(&self) -> Option<(usize, &ShellWord)> {
        let skipped = |text: &str| {
            is_assignment(text) || matches!(text, "sudo" | "env" | "exec" | "time" | "command")
        };
        self.words.iter().enumerate().find(|(_, word)| !skipped(&word.text))
    }

    /// The arguments that begin with no dash.
    pub(crate) fn operands(&self) -> Vec<&str> {
        let words = self.arguments().iter().map(|word| word.text.as_str());
        words.filter(|text| !text.starts_with('-') || text.len() == 1).collect()
    }

    pub(crate) fn has(&self, option: &str) -> bool {
        self.arguments().iter().any(|word| word.text == option)
    }
}

fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The script of a RUN, for tests of what looks at commands.
#[cfg(test)]
pub(crate) fn read(text: &str) -> Script {
    let file = careen_syntax::dockerfile::parse(format!("FROM a\nRUN {text}\n"));
    let run = file.instructions().nth(1).expect("there are two instructions");
    Script::of(file.script(run, &careen_syntax::dockerfile::Shell::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_taken_apart_is_plain() {
        let check = |text: &str, expected: bool| {
            assert_eq!(read(text).is_plain, expected, "{text}");
        };
        check("apt-get update && apt-get install -y a; b", true);
        check("pip install 'x>=1' && echo $(ls -a) > /dev/null 2>&1", true);
        check("a || true", false);
        check("curl x | sh", false);
        check("if x; then y; fi", false);
        check("(a && b)", false);
        check("a & b", false);
    }

    #[test]
    fn programs_behind_assignments() {
        let script = read("DEBIAN_FRONTEND=x sudo /usr/bin/apt-get -o A=b install -y git");
        let command = &script.commands[0];
        assert_eq!(command.program(), "apt-get");
        assert_eq!(command.operands(), ["A=b", "install", "git"]);
        assert_eq!(command.package.as_ref().map(|p| p.verb.as_str()), Some("install"));
    }
}
