//! A Dockerfile as the rules look at it: instructions and RUNs with what is in force there.

use std::collections::HashMap;
use std::sync::OnceLock;

use careen_model::{Edit, Span, Step};
use careen_shell::Checked;
use careen_syntax::dockerfile::{
    Base, Form, Given, Instruction, Item, Join, Keyword, Meaning, Mount, MountKind, Shell,
    clean_path,
};

use crate::ParsedDockerfile;
use crate::calls::{Command, Script};
use crate::profile::hadolint::bash::{self, Body};
use crate::suppress::{ShellComments, shells};

/// A Dockerfile understood once for all rules.
#[derive(Debug)]
pub struct Reading<'a> {
    pub(crate) file: &'a ParsedDockerfile,
    /// Stages and the values of variables, with the build arguments that were given.
    pub(crate) meaning: Meaning<'a>,
    /// All instructions in order, each ONBUILD followed by the instruction it triggers.
    pub(crate) steps: Vec<Placed<'a>>,
    /// RUN in every form that a shell of the sh family reads, ONBUILD RUN too.
    pub(crate) runs: Vec<Run<'a>>,
    /// RUN as hadolint reads it; only its profile asks.
    bodies: OnceLock<Vec<Body<'a>>>,
    /// What the shell linter says; it costs more than all other rules, so only who asks pays.
    shell: OnceLock<Checked>,
}

/// An instruction and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) instruction: &'a Instruction,
    /// Index in [`careen_syntax::dockerfile::Dockerfile::items`]; a trigger has that of its ONBUILD.
    pub(crate) item: usize,
    /// Position among all instructions of the file; a trigger has that of its ONBUILD.
    pub(crate) at: usize,
    /// Counted from 0; `None` before the first FROM.
    pub(crate) stage: Option<usize>,
    /// It stands behind ONBUILD.
    pub(crate) is_trigger: bool,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(file: &'a ParsedDockerfile, given: &Given) -> Reading<'a> {
        let meaning = file.file.meaning(given);
        let steps = steps(file, &meaning);
        let runs = runs(file, &meaning, &steps);
        Reading { file, meaning, steps, runs, bodies: OnceLock::new(), shell: OnceLock::new() }
    }

    /// The instructions of one keyword, triggers of ONBUILD included.
    pub(crate) fn all(&self, keyword: Keyword) -> impl Iterator<Item = &Placed<'a>> {
        self.steps.iter().filter(move |step| step.instruction.keyword == keyword)
    }

    /// The image has what this stage makes: it is the last one, or that is based on it.
    pub(crate) fn is_shipped(&self, stage: usize) -> bool {
        let last = self.meaning.stages.last();
        last.is_some_and(|last| self.builds_on(last.index, stage))
    }

    /// A stage is another one or is based on it, through others too.
    pub(crate) fn builds_on(&self, stage: usize, base: usize) -> bool {
        let mut at = stage;
        loop {
            if at == base {
                return true;
            }
            let Some(Base::Stage(next)) = self.meaning.stages.get(at).map(|one| &one.base) else {
                return false;
            };
            at = *next;
        }
    }

    /// The last instruction of that keyword in a stage or, when it has none, in those it is based
    /// on.
    pub(crate) fn last(&self, keyword: Keyword, mut stage: usize) -> Option<&Placed<'a>> {
        let is_it = |step: &&Placed<'a>, stage| {
            step.instruction.keyword == keyword && step.stage == Some(stage) && !step.is_trigger
        };
        loop {
            if let Some(step) = self.steps.iter().rev().find(|step| is_it(step, stage)) {
                return Some(step);
            }
            let Base::Stage(base) = self.meaning.stages[stage].base else { return None };
            stage = base;
        }
    }

    /// Some WORKDIR before the item, in its stage or one that this is based on, says where it is.
    pub(crate) fn is_placed(&self, item: usize, stage: usize) -> bool {
        let is_before = |step: &Placed<'_>| step.stage == Some(stage) && step.item <= item;
        if self.all(Keyword::Workdir).any(is_before) {
            return true;
        }
        match self.meaning.stages[stage].base {
            Base::Stage(base) => self.last(Keyword::Workdir, base).is_some(),
            Base::Scratch | Base::Image(_) => false,
        }
    }

    /// Mistakes in the shell bodies.
    pub(crate) fn shell(&self) -> &Checked {
        self.shell.get_or_init(|| careen_shell::check(&self.file.file, &self.meaning))
    }

    /// A path of an instruction, variables expanded, from the root of the image.
    pub(crate) fn absolute(&self, item: usize, path: &str) -> String {
        let path = self.meaning.expand(item, path).text;
        if path.starts_with('/') {
            return clean_path(&path);
        }
        clean_path(&format!("{}/{path}", self.meaning.workdir_at(item)))
    }

    /// Every RUN with the eyes of bash, as hadolint has it.
    pub(crate) fn bodies(&self) -> &[Body<'a>] {
        self.bodies.get_or_init(|| bash::bodies(&self.steps))
    }
}

fn steps<'a>(file: &'a ParsedDockerfile, meaning: &Meaning<'_>) -> Vec<Placed<'a>> {
    let mut steps = Vec::new();
    let mut at = 0;
    for (item, kind) in file.file.items.iter().enumerate() {
        let Item::Instruction(instruction) = kind else { continue };
        let stage = meaning.stage_of(item).map(|stage| stage.index);
        let placed = Placed { instruction, item, at, stage, is_trigger: false };
        steps.push(placed);
        if let Some(trigger) = &instruction.trigger {
            steps.push(Placed { instruction: trigger, is_trigger: true, ..placed });
        }
        at += 1;
    }
    steps
}

/// One RUN that a shell of the sh family reads, or that starts a program without one.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) instruction: &'a Instruction,
    /// Index in [`careen_syntax::dockerfile::Dockerfile::items`].
    pub(crate) item: usize,
    /// Position among all instructions of the file.
    pub(crate) at: usize,
    /// Counted from 0.
    pub(crate) stage: usize,
    /// It stands behind ONBUILD.
    pub(crate) is_trigger: bool,
    /// The shell that reads it.
    pub(crate) shell: Shell,
    pub(crate) script: Script,
    pub(crate) mounts: Vec<Mount>,
    /// Targets of the cache mounts, absolute, variables expanded.
    caches: Vec<String>,
    /// The variables of [`WATCHED`] that ENV or ARG set.
    pub(crate) env: HashMap<&'static str, String>,
    /// The user is root, or nobody set one.
    pub(crate) is_root: bool,
    /// The image that its stage begins with, other stages passed over.
    pub(crate) image: Option<String>,
}

/// Variables that move or switch off the caches of package managers.
const WATCHED: [&str; 13] = [
    "CARGO_HOME",
    "COMPOSER_CACHE_DIR",
    "GOCACHE",
    "GOFLAGS",
    "GOMODCACHE",
    "GOPATH",
    "PIP_CACHE_DIR",
    "PIP_NO_CACHE_DIR",
    "UV_CACHE_DIR",
    "UV_LINK_MODE",
    "UV_NO_CACHE",
    "YARN_CACHE_FOLDER",
    "npm_config_cache",
];

fn runs<'a>(file: &ParsedDockerfile, meaning: &Meaning<'_>, steps: &[Placed<'a>]) -> Vec<Run<'a>> {
    let shells = shells(file);
    let mut caches: HashMap<usize, Vec<String>> = HashMap::new();
    for mount in meaning.cache_mounts() {
        caches.entry(mount.item).or_default().push(mount.target);
    }
    let runs = steps.iter().filter_map(|step| {
        let run = read(meaning, &shells, step)?;
        // What stands behind ONBUILD is no cache of this file's build.
        let caches = if step.is_trigger {
            run.targets(meaning, MountKind::Cache)
        } else {
            caches.remove(&step.item).unwrap_or_default()
        };
        Some(Run { caches, ..run })
    });
    runs.collect()
}

fn read<'a>(meaning: &Meaning<'_>, shells: &ShellComments, step: &Placed<'a>) -> Option<Run<'a>> {
    let Placed { instruction, item, at, stage, is_trigger } = *step;
    if instruction.keyword != Keyword::Run {
        return None;
    }
    let shell = match shells.at(meaning, item) {
        Some(told) => Shell::read(&told.split_whitespace().collect::<Vec<_>>()),
        None => meaning.shell_at(item),
    };
    if instruction.form != Form::Json && !matches!(shell, Shell::Posix(_)) {
        return None;
    }
    let known = |name: &&'static str| Some((*name, meaning.variable(item, name)?));
    let user = meaning.user_at(item);
    Some(Run {
        instruction,
        item,
        at,
        stage: stage?,
        is_trigger,
        script: Script::of(meaning.script_of(instruction, &shell)),
        shell,
        mounts: instruction.run()?.mounts,
        caches: vec![],
        env: WATCHED.iter().filter_map(known).collect(),
        image: image_of(meaning, stage?),
        is_root: user.is_none_or(|user| matches!(user.split(':').next(), Some("root" | "0"))),
    })
}

impl Run<'_> {
    /// True when a cache mount covers this folder.
    pub(crate) fn keeps(&self, folder: &str) -> bool {
        covers(&self.caches, folder)
    }

    /// True when nothing written to this folder gets into the layer.
    pub(crate) fn hides(&self, folder: &str, meaning: &Meaning<'_>) -> bool {
        self.keeps(folder) || covers(&self.targets(meaning, MountKind::Tmpfs), folder)
    }

    /// Targets of the mounts of a kind, variables expanded.
    fn targets(&self, meaning: &Meaning<'_>, kind: MountKind) -> Vec<String> {
        let mounts = self.mounts.iter().filter(|mount| mount.kind == Some(kind));
        let targets = mounts.filter_map(|mount| {
            let mount = mount.expanded(&|word| meaning.expand(self.item, word).text);
            mount.target().map(clean_path)
        });
        targets.collect()
    }

    /// The instruction on one line, as the engine names the step.
    pub(crate) fn joined(&self) -> String {
        String::from_utf8_lossy(self.instruction.logical().text()).into_owned()
    }

    /// True when nothing we add can be misread: shell form without heredocs, the text is UTF-8 and
    /// we followed all of it.
    pub(crate) fn is_editable(&self, file: &ParsedDockerfile) -> bool {
        let is_line = self.instruction.form == Form::Shell && !self.instruction.blank_inside;
        is_line && self.script.is_plain && file.file.text().is_some()
    }

    /// The same with heredocs: their lines are commands like any other, and flags go before them.
    pub(crate) fn is_editable_anywhere(&self, file: &ParsedDockerfile) -> bool {
        let is_heredoc = self.instruction.form == Form::Heredoc && !self.instruction.blank_inside;
        let is_text = self.script.is_plain && file.file.text().is_some();
        self.is_editable(file) || (is_heredoc && is_text && !self.script.commands.is_empty())
    }

    /// True when a word more in a command is read as one: a shell reads the text, and it is UTF-8.
    pub(crate) fn takes_words(&self, file: &ParsedDockerfile) -> bool {
        self.instruction.form != Form::Json && file.file.text().is_some()
    }

    /// ENV, ARG or the step itself sets this variable, one of [`WATCHED`].
    pub(crate) fn sets(&self, name: &str) -> bool {
        let text = self.instruction.logical().text();
        let mut heredocs = self.instruction.heredocs.iter();
        self.env.contains_key(name)
            || text.windows(name.len()).any(|part| part == name.as_bytes())
            || heredocs.any(|heredoc| heredoc.content.contains(name))
    }

    /// Which heredoc a place lies in.
    pub(crate) fn heredoc_of(&self, span: Span) -> Option<usize> {
        let mut heredocs = self.instruction.heredocs.iter();
        heredocs.position(|one| one.span.start <= span.start && span.end <= one.span.end)
    }

    /// Where flags can be put in: right before the command.
    pub(crate) fn flags_end(&self) -> u32 {
        self.instruction.words.first().map_or(self.instruction.code.end, |word| word.span.start)
    }

    /// What to cut so that command `n` is gone together with the operator that joins it.
    ///
    /// `None`: it is the only one on its line or in its heredoc, or a comment would go with it.
    pub(crate) fn cut(&self, file: &ParsedDockerfile, n: usize) -> Option<Span> {
        let commands = &self.script.commands;
        let own = commands.get(n)?.span;
        let home = self.heredoc_of(own);
        let near = |n: usize| commands.get(n).filter(|near| self.heredoc_of(near.span) == home);
        let (before, next) = (n.checked_sub(1).and_then(near), near(n + 1));
        let is_apart = before.is_none_or(|before| before.join == Join::Sequence);
        if home.is_some() && is_apart && (before.is_some() || next.is_some()) {
            let lines = whole_lines(file, own);
            if lines.is_some() {
                return lines;
            }
        }
        let (gap, cut) = match (before, next) {
            (Some(before), _) => {
                let start = before.span.end;
                (Span { start, end: own.start }, Span { start, end: own.end })
            }
            (None, Some(next)) => {
                let end = next.span.start;
                (Span { start: own.end, end }, Span { start: own.start, end })
            }
            (None, None) => return None,
        };
        (!text(file, gap).contains('#')).then_some(cut)
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.script.commands.iter()
    }
}

fn image_of(meaning: &Meaning<'_>, stage: usize) -> Option<String> {
    let mut at = meaning.stages.get(stage)?;
    loop {
        at = match &at.base {
            Base::Stage(base) => meaning.stages.get(*base)?,
            Base::Image(image) => return Some(image.clone()),
            Base::Scratch => return None,
        };
    }
}

/// The lines of a command that has them to itself, the line end included.
fn whole_lines(file: &ParsedDockerfile, own: Span) -> Option<Span> {
    let source = file.file.text()?;
    let (before, after) = (&source[..own.start as usize], &source[own.end as usize..]);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let length = after.find('\n').map_or(after.len(), |at| at + 1);
    let is_alone = before[start..].trim().is_empty() && after[..length].trim().is_empty();
    let end = own.end + u32::try_from(length).ok()?;
    is_alone.then_some(Span { start: u32::try_from(start).ok()?, end })
}

/// One of the targets is this folder or one around it.
fn covers(targets: &[String], folder: &str) -> bool {
    targets.iter().any(|target| {
        let inside = folder.strip_prefix(target.trim_end_matches('/'));
        inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Puts text in at a place.
pub(crate) fn insert(at: u32, text: impl Into<String>) -> Edit {
    Edit::replace(Span { start: at, end: at }, text)
}

/// New flags in front of a command, one per line, in the file's own line ends.
pub(crate) fn flag_lines(file: &ParsedDockerfile, flags: &[String]) -> String {
    let gap = format!(" {}{}    ", file.file.escape, file.file.line_end());
    flags.join(&gap) + &gap
}

/// Edits of the Dockerfile as a step of a fix.
pub(crate) fn edits(file: &ParsedDockerfile, edits: Vec<Edit>) -> Step {
    Step::Edit { path: file.path.clone(), edits }
}

/// What stands in the file between two places; empty when it is not UTF-8.
pub(crate) fn text(file: &ParsedDockerfile, span: Span) -> &str {
    file.file.text().map_or("", |text| span.of(text))
}
