//! Stages: what each one is based on, which ones a target needs.

use std::{collections::BTreeSet, ops::Range};

use careen_model::Span;

use super::{
    Dockerfile,
    ast::{Instruction, Item, Keyword},
    meaning::Meaning,
    mount,
};

/// One FROM and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage<'a> {
    pub index: usize,
    /// Lower case.
    pub name: Option<String>,
    pub base: Base,
    /// The value of `--platform` after expansion.
    pub platform: Option<String>,
    pub from: &'a Instruction,
    /// Indices in [`Dockerfile::items`], FROM first, up to the next FROM.
    pub items: Range<usize>,
    /// All items of the stage.
    pub span: Span,
}

/// What a stage begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    Scratch,
    /// An earlier stage.
    Stage(usize),
    /// An image, variables expanded; what could not be expanded is empty there.
    Image(String),
}

impl Dockerfile {
    /// The stages as they are without build arguments.
    pub fn stages(&self) -> Vec<Stage<'_>> {
        self.meaning(&super::Given::default()).stages
    }

    /// Indices of the stages that are built for `target` (name or number; the last stage when
    /// `None`), itself included. Empty when there is no such stage.
    pub fn reachable(&self, target: Option<&str>) -> BTreeSet<usize> {
        self.meaning(&super::Given::default()).reachable(target)
    }
}

/// Where each stage starts and ends, before any meaning.
pub(super) fn split(file: &Dockerfile) -> Vec<(usize, Range<usize>)> {
    let is_from = |item: &Item| item.instruction().is_some_and(|i| i.keyword == Keyword::From);
    let starts: Vec<usize> = (0..file.items.len()).filter(|&i| is_from(&file.items[i])).collect();
    let ends = starts.iter().skip(1).copied().chain([file.items.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| (start, start..end)).collect()
}

impl Meaning<'_> {
    /// The stage of that name or number.
    pub fn find(&self, name: &str) -> Option<usize> {
        // A later stage of the same name hides an earlier one.
        let named = self.names.get(&name.to_lowercase()).copied();
        named.or_else(|| name.parse().ok().filter(|&number| number < self.stages.len()))
    }

    /// The stage that is built for `target`; the last one when `None`.
    pub fn target(&self, target: Option<&str>) -> Option<usize> {
        match target {
            Some(name) => self.find(name),
            None => self.stages.len().checked_sub(1),
        }
    }

    /// See [`Dockerfile::reachable`].
    pub fn reachable(&self, target: Option<&str>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut waiting: Vec<usize> = self.target(target).into_iter().collect();
        while let Some(index) = waiting.pop() {
            if found.insert(index) {
                waiting.extend(self.needs(index));
            }
        }
        found
    }

    /// The stages that a stage copies or mounts from, and its base.
    pub fn needs(&self, index: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        if let Base::Stage(base) = self.stages[index].base {
            found.insert(base);
        }
        for (_, instruction) in self.commands(index) {
            if let Some(from) = instruction.transfer().and_then(|transfer| transfer.from) {
                found.extend(self.find(from.text()));
            }
            for flag in instruction.flags_named("mount") {
                found.extend(mount::read(flag).from().and_then(|from| self.find(from)));
            }
        }
        found.remove(&index);
        found
    }

    /// What a stage runs, with item indices: first the ONBUILD triggers of the stage it is based
    /// on, then its own instructions.
    pub fn commands(&self, index: usize) -> Vec<(usize, &Instruction)> {
        let stage = &self.stages[index];
        let mut found = Vec::new();
        if let Base::Stage(base) = stage.base {
            let own = self.stages[base].items.clone();
            let triggers = own.filter_map(|i| {
                let instruction = self.file.items[i].instruction()?;
                Some((i, instruction.trigger.as_deref()?))
            });
            found.extend(triggers);
        }
        let own = stage.items.clone().skip(1);
        found.extend(own.filter_map(|i| Some((i, self.file.items[i].instruction()?))));
        found
    }

    /// The stage that an item belongs to; `None` before the first FROM.
    pub fn stage_of(&self, item: usize) -> Option<&super::Stage<'_>> {
        let after = self.stages.partition_point(|stage| stage.items.start <= item);
        after.checked_sub(1).map(|i| &self.stages[i])
    }
}
