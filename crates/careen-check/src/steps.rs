//! The RUN instructions of a Dockerfile with what is in force where they stand.

use std::collections::HashMap;

use careen_model::{Edit, Span, Step};
use careen_syntax::dockerfile::{Form, Given, Instruction, Item, Keyword, Meaning, Mount, Shell};

use crate::ParsedDockerfile;
use crate::calls::{Command, Script};

/// A Dockerfile with its RUNs read, once for all rules.
#[derive(Debug)]
pub struct Reading<'a> {
    pub(crate) file: &'a ParsedDockerfile,
    pub(crate) runs: Vec<Run<'a>>,
}

impl Reading<'_> {
    pub(crate) fn of(file: &ParsedDockerfile) -> Reading<'_> {
        Reading { file, runs: runs(file) }
    }
}

/// One RUN for a shell of the sh family, without heredocs, read.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) instruction: &'a Instruction,
    /// Position among all instructions of the file.
    pub(crate) at: usize,
    /// Counted from 0.
    pub(crate) stage: usize,
    pub(crate) script: Script,
    pub(crate) mounts: Vec<Mount>,
    /// Targets of the cache mounts, absolute, variables expanded.
    caches: Vec<String>,
    /// The variables of [`WATCHED`] that ENV or ARG set.
    pub(crate) env: HashMap<&'static str, String>,
    /// The user is root, or nobody set one.
    pub(crate) is_root: bool,
}

/// Variables that move or switch off the caches of package managers.
const WATCHED: [&str; 6] = [
    "PIP_CACHE_DIR",
    "PIP_NO_CACHE_DIR",
    "UV_CACHE_DIR",
    "UV_LINK_MODE",
    "UV_NO_CACHE",
    "npm_config_cache",
];

/// The runs of a file. RUNs in JSON form, with heredocs or for other shells are left out.
fn runs(file: &ParsedDockerfile) -> Vec<Run<'_>> {
    let meaning = file.file.meaning(&Given::default());
    let mut caches: HashMap<usize, Vec<String>> = HashMap::new();
    for mount in meaning.cache_mounts() {
        caches.entry(mount.item).or_default().push(mount.target);
    }
    let instructions = file.file.items.iter().enumerate();
    let instructions = instructions.filter_map(|(item, kind)| match kind {
        Item::Instruction(instruction) => Some((item, &**instruction)),
        _ => None,
    });
    let runs = instructions.enumerate().filter_map(|(at, (item, instruction))| {
        let caches = caches.remove(&item).unwrap_or_default();
        read(&meaning, item, instruction).map(|run| Run { at, caches, ..run })
    });
    runs.collect()
}

fn read<'a>(meaning: &Meaning<'_>, item: usize, instruction: &'a Instruction) -> Option<Run<'a>> {
    let is_shell = instruction.keyword == Keyword::Run && instruction.form == Form::Shell;
    if !is_shell || !matches!(meaning.shell_at(item), Shell::Posix(_)) {
        return None;
    }
    let known = |name: &&'static str| Some((*name, meaning.variable(item, name)?));
    let user = meaning.user_at(item);
    Some(Run {
        instruction,
        at: 0,
        stage: meaning.stage_of(item)?.index,
        script: Script::of(meaning.script_at(item)),
        mounts: instruction.run()?.mounts,
        caches: vec![],
        env: WATCHED.iter().filter_map(known).collect(),
        is_root: user.is_none_or(|user| matches!(user.split(':').next(), Some("root" | "0"))),
    })
}

impl Run<'_> {
    /// True when a cache mount covers this folder.
    pub(crate) fn keeps(&self, folder: &str) -> bool {
        let covers = |target: &String| {
            folder == target || folder.starts_with(&format!("{}/", target.trim_end_matches('/')))
        };
        self.caches.iter().any(covers)
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
        let own = commands.get(n)?.span;
        if commands.len() < 2 {
            return None;
        }
        Some(match n.checked_sub(1) {
            Some(before) => Span { start: commands[before].span.end, end: own.end },
            None => Span { start: own.start, end: commands[1].span.start },
        })
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.script.commands.iter()
    }
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
