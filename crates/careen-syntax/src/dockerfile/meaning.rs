//! Values of variables: what ARG and ENV make of the file, given the build's arguments.

use std::{collections::HashMap, ops::Range};

use careen_model::Span;

use super::{
    Dockerfile, Given,
    ast::{Instruction, Item, Keyword},
    expand::{Expanded, Platform, Variables, expand},
    stage::{Base, Stage, split},
};

/// A file together with the values of its variables.
#[derive(Debug)]
pub struct Meaning<'a> {
    pub(super) file: &'a Dockerfile,
    pub stages: Vec<Stage<'a>>,
    /// The last stage of each name.
    pub(super) names: HashMap<String, usize>,
    /// Items with SHELL, USER and WORKDIR, in order.
    pub(super) settings: HashMap<Keyword, Vec<usize>>,
    globals: Scope,
    /// One for each stage.
    scopes: Vec<Scope>,
    /// Bytes of all values, see [`MOST_KEPT`].
    kept: usize,
    platform: Platform,
}

/// Bytes of values that are kept for one file. A hundred thousand lines of `ENV b=$a` would ask for
/// gigabytes; what does not fit is empty, as a value that cannot be expanded is.
const MOST_KEPT: usize = 16 << 20;

/// Assignments in one stage, or before the first.
#[derive(Debug, Default)]
struct Scope {
    base: Option<usize>,
    /// For each name its values, with the item that set them, in order.
    values: HashMap<String, Vec<(usize, String)>>,
}

/// The variables that an instruction sees.
struct View<'a> {
    meaning: &'a Meaning<'a>,
    /// `None` before the first FROM.
    stage: Option<usize>,
    /// Assignments of this item and later ones do not count.
    before: usize,
}

impl Dockerfile {
    /// Evaluates ARG, ENV and FROM.
    pub fn meaning(&self, given: &Given) -> Meaning<'_> {
        let windows = given.platform.starts_with("windows");
        let mut meaning = Meaning {
            file: self,
            stages: Vec::new(),
            names: HashMap::new(),
            settings: HashMap::new(),
            globals: Scope::default(),
            scopes: Vec::new(),
            kept: 0,
            platform: if windows { Platform::Windows } else { Platform::Linux },
        };
        meaning.set_platforms(given);
        let stages = split(self);
        let head = stages.first().map_or(self.items.len(), |(start, _)| *start);
        for item in 0..head {
            if let Some(instruction) = self.items[item].instruction() {
                meaning.set_globals(item, instruction, given);
            }
        }
        for (start, items) in stages {
            let Item::Instruction(from) = &self.items[start] else { continue };
            meaning.enter(from, items.clone());
            for item in items {
                if let Some(instruction) = self.items[item].instruction() {
                    meaning.set(item, instruction, given);
                }
            }
        }
        meaning
    }
}

impl<'a> Meaning<'a> {
    /// Expands a word of the instruction at `item` as that instruction sees it.
    ///
    /// Variables that the base image sets are not known: they are among `unmatched`.
    pub fn expand(&self, item: usize, word: &str) -> Expanded {
        expand(word, &self.view(item), self.file.escape)
    }

    /// An item of the file.
    pub fn item(&self, item: usize) -> Option<&Item> {
        self.file.items.get(item)
    }

    /// The value of a variable as the instruction at `item` sees it.
    pub fn variable(&self, item: usize, name: &str) -> Option<String> {
        self.view(item).get(name).map(str::to_owned)
    }

    fn view(&self, item: usize) -> View<'_> {
        // FROM sees the arguments before the first stage.
        let is_from = |stage: &Stage<'_>| stage.items.start == item;
        let stage = self.stage_of(item).filter(|stage| !is_from(stage)).map(|stage| stage.index);
        View { meaning: self, stage, before: item }
    }

    fn set_platforms(&mut self, given: &Given) {
        for (side, platform) in [("BUILD", &given.build_platform), ("TARGET", &given.platform)] {
            let mut parts = platform.split('/');
            let values = [
                ("PLATFORM", platform.as_str()),
                ("OS", parts.next().unwrap_or("")),
                ("ARCH", parts.next().unwrap_or("")),
                ("VARIANT", parts.next().unwrap_or("")),
            ];
            for (name, value) in values {
                self.globals.set(format!("{side}{name}"), 0, value.to_owned());
            }
        }
    }

    fn set_globals(&mut self, item: usize, instruction: &Instruction, given: &Given) {
        for argument in instruction.declared() {
            let default = argument.default.map(|default| self.assigned(item, &default));
            if let Some(value) = given.argument(&argument.name).or(default) {
                let value = self.keep(value);
                self.globals.set(argument.name, item, value);
            }
        }
    }

    /// What an assignment at `item` makes of a text.
    fn assigned(&self, item: usize, text: &str) -> String {
        if self.kept > MOST_KEPT { String::new() } else { self.expand(item, text).text }
    }

    fn keep(&mut self, value: String) -> String {
        self.kept += value.len();
        if self.kept > MOST_KEPT { String::new() } else { value }
    }

    fn set(&mut self, item: usize, instruction: &Instruction, given: &Given) {
        let Some(stage) = self.stages.len().checked_sub(1) else { return };
        let assigned: Vec<(String, String)> = match instruction.keyword {
            Keyword::Env => {
                let pairs = instruction.pairs();
                let read = |text: &str| self.assigned(item, text);
                pairs.iter().map(|pair| (read(&pair.name.text), read(&pair.value.text))).collect()
            }
            Keyword::Arg => {
                for argument in instruction.declared() {
                    let expanded = |text: String| self.assigned(item + 1, &text);
                    let value = given
                        .argument(&argument.name)
                        .or_else(|| argument.default.map(expanded))
                        .or_else(|| self.globals.last(&argument.name));
                    if let Some(value) = value {
                        let value = self.keep(value);
                        self.scopes[stage].set(argument.name, item, value);
                    }
                }
                return;
            }
            Keyword::Shell | Keyword::User | Keyword::Workdir => {
                self.settings.entry(instruction.keyword).or_default().push(item);
                return;
            }
            _ => return,
        };
        for (name, value) in assigned {
            let value = self.keep(value);
            self.scopes[stage].set(name, item, value);
        }
    }

    fn enter(&mut self, from: &'a Instruction, items: Range<usize>) {
        let view = View { meaning: self, stage: None, before: usize::MAX };
        let read = |text: &str| expand(text, &view, self.file.escape).text;
        let parts = from.from_view();
        let image = parts.as_ref().map_or_else(String::new, |parts| read(&parts.image.text));
        let name = parts.as_ref().and_then(|parts| Some(parts.name?.text.to_lowercase()));
        let platform = parts.and_then(|parts| Some(read(parts.platform?.text())));
        let base = match self.names.get(&image.to_lowercase()) {
            Some(&index) => Base::Stage(index),
            None if image == "scratch" => Base::Scratch,
            None => Base::Image(image),
        };
        let scope_base = match base {
            Base::Stage(index) => Some(index),
            _ => None,
        };
        let last = self.file.items[items.end - 1].span();
        let span = Span { start: from.span.start, end: last.end };
        let index = self.stages.len();
        self.names.extend(name.clone().map(|name| (name, index)));
        self.stages.push(Stage { index, name, base, platform, from, items, span });
        self.scopes.push(Scope { base: scope_base, values: HashMap::new() });
    }
}

impl Scope {
    fn set(&mut self, name: String, item: usize, value: String) {
        self.values.entry(name).or_default().push((item, value));
    }

    fn last(&self, name: &str) -> Option<String> {
        Some(self.values.get(name)?.last()?.1.clone())
    }

    fn before(&self, name: &str, item: usize, platform: Platform) -> Option<&str> {
        let values = match platform {
            Platform::Linux => self.values.get(name)?,
            Platform::Windows => {
                self.values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1
            }
        };
        let count = values.partition_point(|(at, _)| *at < item);
        count.checked_sub(1).map(|last| values[last].1.as_str())
    }
}

impl Variables for View<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let meaning = self.meaning;
        let Some(mut stage) = self.stage else {
            // Platforms are there before the first line.
            return meaning.globals.before(name, self.before.max(1), meaning.platform);
        };
        let mut before = self.before;
        loop {
            let scope = &meaning.scopes[stage];
            if let Some(value) = scope.before(name, before, meaning.platform) {
                return Some(value);
            }
            stage = scope.base?;
            before = usize::MAX;
        }
    }
}
