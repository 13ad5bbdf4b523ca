//! The RUN instructions of a Dockerfile with what is in force where they stand.

use std::collections::HashMap;

use careen_model::{Span, Step as FixStep};
use careen_syntax::dockerfile::{
    Command, Form, Instruction, Keyword, Mount, MountKind, clean_path,
};

use crate::shell::{self, Script};
use crate::{ParsedDockerfile, shell::Command as ShellCommand};

/// One RUN in shell form without heredocs, read.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) instruction: &'a Instruction,
    /// Position among all instructions of the file.
    pub(crate) at: usize,
    /// Counted from 0; instructions before the first FROM have no stage.
    pub(crate) stage: usize,
    pub(crate) script: Script,
    pub(crate) mounts: Vec<Mount>,
    /// ENV and ARG in force, values as written.
    pub(crate) env: HashMap<String, String>,
    /// The user is root, or nobody set one.
    pub(crate) is_root: bool,
    /// Byte offset of the script in the joined text of the instruction.
    base: usize,
}

#[derive(Debug, Clone)]
struct Scope {
    env: HashMap<String, String>,
    is_root: bool,
    is_posix: bool,
}

/// The runs of a file. RUNs in JSON form, with heredocs or for other shells are left out.
pub(crate) fn runs(file: &ParsedDockerfile) -> Vec<Run<'_>> {
    let fresh = Scope { env: HashMap::new(), is_root: true, is_posix: true };
    let mut named: HashMap<String, Scope> = HashMap::new();
    let mut scope = fresh.clone();
    let mut name = None;
    let mut stage = 0;
    let mut seen_from = false;
    let mut out = Vec::new();
    for (at, instruction) in file.file.instructions().enumerate() {
        match instruction.keyword {
            Keyword::From => {
                if let Some(name) = name.take() {
                    named.insert(name, scope.clone());
                }
                stage += usize::from(seen_from);
                seen_from = true;
                let view = instruction.from_view();
                let base = view.as_ref().map(|view| view.image.text.to_lowercase());
                scope = base.and_then(|base| named.get(&base).cloned()).unwrap_or(fresh.clone());
                name = view.and_then(|view| Some(view.name?.text.to_lowercase()));
            }
            Keyword::Run => out.extend(read_run(instruction, at, stage, &scope)),
            _ => scope.learn(instruction),
        }
    }
    out
}

impl Scope {
    fn learn(&mut self, instruction: &Instruction) {
        match instruction.keyword {
            Keyword::Env => {
                for pair in instruction.pairs() {
                    self.env.insert(pair.name.text.clone(), pair.value.text.clone());
                }
            }
            Keyword::Arg => {
                for argument in instruction.declared() {
                    self.env.insert(argument.name, argument.default.unwrap_or_default());
                }
            }
            Keyword::User => {
                let user = instruction.words.first().map_or("", |word| word.text.trim());
                self.is_root = matches!(user.split(':').next(), Some("root" | "0"));
            }
            Keyword::Shell => {
                let program = instruction.words.first().map_or("", |word| word.text.as_str());
                let name = program.rsplit(['/', '\\']).next().unwrap_or("").to_lowercase();
                self.is_posix = name.ends_with("sh") && !name.contains("pwsh");
            }
            _ => (),
        }
    }
}

fn read_run<'a>(
    instruction: &'a Instruction,
    at: usize,
    stage: usize,
    scope: &Scope,
) -> Option<Run<'a>> {
    if instruction.form != Form::Shell || !scope.is_posix {
        return None;
    }
    let run = instruction.run()?;
    let Command::Shell(word) = run.command else { return None };
    Some(Run {
        instruction,
        at,
        stage,
        script: shell::read(&word.text),
        mounts: run.mounts,
        env: scope.env.clone(),
        is_root: scope.is_root,
        base: word.range.0 as usize,
    })
}

impl Run<'_> {
    /// The place of a range of the script in the file.
    pub(crate) fn span(&self, range: std::ops::Range<usize>) -> Span {
        self.instruction.logical().span(self.base + range.start..self.base + range.end)
    }

    /// The cache mount that covers this folder, if any.
    pub(crate) fn cache_at(&self, folder: &str) -> Option<&Mount> {
        self.mounts.iter().find(|mount| {
            let covers = |target: &str| {
                let target = clean_path(target);
                folder == target || folder.starts_with(&format!("{target}/"))
            };
            mount.kind == Some(MountKind::Cache) && mount.target().is_some_and(covers)
        })
    }

    /// The instruction on one line, as the engine names the step.
    pub(crate) fn joined(&self) -> String {
        String::from_utf8_lossy(self.instruction.logical().text()).into_owned()
    }

    /// True when nothing we add can be misread: the text is UTF-8 and we followed all of it.
    pub(crate) fn is_editable(&self, file: &ParsedDockerfile) -> bool {
        self.script.is_plain && file.file.text().is_some() && !self.instruction.blank_inside
    }

    /// Where flags can be put in: right before the command.
    pub(crate) fn flags_end(&self) -> u32 {
        self.instruction.words.first().map_or(self.instruction.code.end, |word| word.span.start)
    }

    /// What to cut so that command `n` is gone together with the operator that joins it.
    pub(crate) fn cut(&self, n: usize) -> Option<Span> {
        let commands = &self.script.commands;
        let own = &commands.get(n)?.range;
        if commands.len() < 2 {
            return None;
        }
        Some(match n.checked_sub(1) {
            Some(before) => Span {
                start: self.span(commands[before].range.clone()).end,
                end: self.span(own.clone()).end,
            },
            None => Span {
                start: self.span(own.clone()).start,
                end: self.span(commands[1].range.clone()).start,
            },
        })
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = &ShellCommand> {
        self.script.commands.iter()
    }
}

/// New flags in front of a command, one per line, in the file's own line ends.
pub(crate) fn flag_lines(file: &ParsedDockerfile, flags: &[String]) -> String {
    let end = line_end(file);
    let escape = file.file.escape;
    let gap = format!(" {escape}{end}    ");
    flags.join(&gap) + &gap
}

/// The line end of the first line.
pub(crate) fn line_end(file: &ParsedDockerfile) -> &'static str {
    let source = file.file.source();
    let first = source.iter().position(|byte| *byte == b'\n');
    match first {
        Some(at) if at > 0 && source[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

/// Edits of the Dockerfile as a step of a fix.
pub(crate) fn edits(file: &ParsedDockerfile, edits: Vec<careen_model::Edit>) -> FixStep {
    FixStep::Edit { path: file.path.clone(), edits }
}

/// What stands in the file between two places; empty when it is not UTF-8.
pub(crate) fn text(file: &ParsedDockerfile, span: Span) -> &str {
    file.file.text().map_or("", |text| span.of(text))
}
