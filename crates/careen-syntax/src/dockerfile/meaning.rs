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
    /// Names that ARG declares, with or without a value, and the first item that does.
    declared: HashMap<String, usize>,
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
        let stages = split(self);
        meaning.set_platforms(given);
        meaning.set_target(&stages, given);
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

    /// The variables that the instruction at `item` sees, those set last at the end.
    ///
    /// What the base image sets is not known.
    pub fn visible<'s>(&'s self, item: usize) -> Vec<&'s str> {
        let view = self.view(item);
        let mut found: HashMap<&'s str, (usize, usize)> = HashMap::new();
        let mut add = |scope: &'s Scope, depth: usize, before: usize| {
            for (name, values) in &scope.values {
                let count = values.partition_point(|(at, _)| *at < before);
                let Some(last) = count.checked_sub(1) else { continue };
                // A nearer scope hides a farther one.
                found.entry(name.as_str()).or_insert((usize::MAX - depth, values[last].0));
            }
        };
        let Some(mut stage) = view.stage else {
            add(&self.globals, 0, view.before.max(1));
            return sorted(found);
        };
        let (mut depth, mut before) = (0, view.before);
        loop {
            let scope = &self.scopes[stage];
            add(scope, depth, before);
            let Some(base) = scope.base else { return sorted(found) };
            (stage, depth, before) = (base, depth + 1, usize::MAX);
        }
    }

    /// ARG declares this name before the instruction at `item`, in its stage or one it is based
    /// on, with or without a value.
    pub fn is_declared(&self, item: usize, name: &str) -> bool {
        let view = self.view(item);
        let Some(mut stage) = view.stage else {
            return self.globals.declared.get(name).is_some_and(|&at| at < view.before);
        };
        let mut before = view.before;
        loop {
            let scope = &self.scopes[stage];
            if scope.declared.get(name).is_some_and(|&at| at < before) {
                return true;
            }
            let Some(base) = scope.base else { return false };
            (stage, before) = (base, usize::MAX);
        }
    }

    /// The names that ARG declares before the first stage, in the order of the alphabet.
    pub fn declared_globally(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self.globals.declared.keys().map(String::as_str).collect();
        names.sort_unstable();
        names.into_iter()
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
                // Only Windows has one, and nothing here names it.
                ("OSVERSION", ""),
                ("ARCH", parts.next().unwrap_or("")),
                ("VARIANT", parts.next().unwrap_or("")),
            ];
            for (name, value) in values {
                let name = format!("{side}{name}");
                let value = given.argument(&name).unwrap_or_else(|| value.to_owned());
                self.globals.set(name, 0, value);
            }
        }
    }

    /// The stage that is built when none is asked for.
    fn set_target(&mut self, stages: &[(usize, Range<usize>)], given: &Given) {
        let last = stages.last().and_then(|(start, _)| self.file.items[*start].instruction());
        let name = last.and_then(|from| Some(from.from_view()?.name?.text.to_lowercase()));
        let asked = given.argument("TARGETSTAGE").or(name);
        let value = asked.unwrap_or_else(|| "default".to_owned());
        self.globals.set("TARGETSTAGE".to_owned(), 0, value);
    }

    fn set_globals(&mut self, item: usize, instruction: &Instruction, given: &Given) {
        for argument in instruction.declared() {
            self.globals.declare(&argument.name, item);
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
                    self.scopes[stage].declare(&argument.name, item);
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
        let base = match self.names.get(&image) {
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
        self.scopes.push(Scope { base: scope_base, ..Scope::default() });
    }
}

/// Oldest first; names that one instruction sets come in the order of the alphabet.
fn sorted(found: HashMap<&str, (usize, usize)>) -> Vec<&str> {
    let mut names: Vec<_> = found.into_iter().map(|(name, at)| (at, name)).collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name).collect()
}

impl Scope {
    fn declare(&mut self, name: &str, item: usize) {
        if !self.declared.contains_key(name) {
            self.declared.insert(name.to_owned(), item);
        }
    }

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
