//! What a build takes from its context: the paths that BuildKit asks the client for.

use careen_model::Span;

use super::{
    Dockerfile, Given,
    ast::{Instruction, Keyword, Word},
    meaning::Meaning,
    mount::{self, Mount, MountKind, clean_path},
};

/// One path of the build context that an instruction takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Index in [`Dockerfile::items`].
    pub item: usize,
    pub stage: usize,
    pub kind: SourceKind,
    /// Relative to the context, cleaned, variables expanded, patterns as they are; `.` is all.
    pub path: String,
    /// The word or field that names it, or the flag.
    pub span: Span,
    /// Variables whose values are not known here (the base image may set them); then `path`
    /// lacks them and the build may take something else.
    pub unknown: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    Copy,
    Add,
    /// `RUN --mount=type=bind` without `from`.
    Bind,
    /// `RUN --mount=type=tmpfs`: it needs nothing, but as soon as anything else takes from the
    /// context, BuildKit asks for all of it (`convert_runmount.go` notes the empty source as a
    /// path of the context). Measured on Docker 28.5, a 5 MB context and one COPY of 3 bytes:
    /// 5.00 MB sent with a tmpfs mount in a RUN, 35 B with a cache mount in its place.
    Tmpfs,
}

/// A cache mount of a RUN, with its values expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheMount {
    /// Index in [`Dockerfile::items`].
    pub item: usize,
    pub stage: usize,
    pub mount: Mount,
    pub identity: mount::CacheIdentity,
    pub sharing: mount::Sharing,
    /// Absolute: a relative target stands in the working directory.
    pub target: String,
}

impl Dockerfile {
    /// What the stages needed for `target` take from the context, without build arguments.
    pub fn context_sources(&self, target: Option<&str>) -> Vec<Source> {
        self.meaning(&Given::default()).context_sources(target)
    }

    /// All cache mounts in all stages, without build arguments.
    pub fn cache_mounts(&self) -> Vec<CacheMount> {
        self.meaning(&Given::default()).cache_mounts()
    }
}

impl Meaning<'_> {
    /// See [`Dockerfile::context_sources`].
    pub fn context_sources(&self, target: Option<&str>) -> Vec<Source> {
        let mut found = Vec::new();
        for stage in self.reachable(target) {
            for (item, instruction) in self.commands(stage) {
                match instruction.keyword {
                    Keyword::Copy | Keyword::Add => {
                        self.transferred(stage, item, instruction, &mut found);
                    }
                    Keyword::Run => self.mounted(stage, item, instruction, &mut found),
                    _ => {}
                }
            }
        }
        found
    }

    fn transferred(
        &self,
        stage: usize,
        item: usize,
        instruction: &Instruction,
        found: &mut Vec<Source>,
    ) {
        let Some(transfer) = instruction.transfer() else { return };
        let elsewhere = transfer.from.is_some_and(|from| !from.text().is_empty());
        if elsewhere {
            return;
        }
        let kind = match transfer.kind {
            super::TransferKind::Copy => SourceKind::Copy,
            super::TransferKind::Add => SourceKind::Add,
        };
        for word in transfer.sources {
            let (path, unknown) = self.path(item, &word.text);
            if kind == SourceKind::Add && is_remote(&path) {
                continue;
            }
            let path = in_context(&path);
            found.push(Source { item, stage, kind, path, span: word.span, unknown });
        }
    }

    fn mounted(
        &self,
        stage: usize,
        item: usize,
        instruction: &Instruction,
        found: &mut Vec<Source>,
    ) {
        for flag in instruction.flags_named("mount") {
            let mount = mount::read(flag);
            let expanded = mount.expanded(&|value| self.expand(item, value).text);
            let kind = match expanded.kind {
                Some(MountKind::Bind) => SourceKind::Bind,
                Some(MountKind::Tmpfs) => SourceKind::Tmpfs,
                _ => continue,
            };
            if expanded.from().is_some_and(|from| !from.is_empty()) {
                continue;
            }
            let field = mount.field(&["source", "src"]);
            let written = field.and_then(|field| field.value.as_deref()).unwrap_or("");
            let (path, unknown) = self.path(item, written);
            let span = field.map_or(flag.span, |field| field.value_span);
            found.push(Source { item, stage, kind, path: in_context(&path), span, unknown });
        }
    }

    fn path(&self, item: usize, written: &str) -> (String, Vec<String>) {
        let expanded = self.expand(item, written);
        (expanded.text, expanded.unmatched.into_iter().collect())
    }

    /// See [`Dockerfile::cache_mounts`].
    pub fn cache_mounts(&self) -> Vec<CacheMount> {
        let mut found = Vec::new();
        for stage in 0..self.stages.len() {
            for item in self.stages[stage].items.clone() {
                let Some(instruction) = self.file.items[item].instruction() else { continue };
                for flag in instruction.flags_named("mount") {
                    let mount = mount::read(flag).expanded(&|v| self.expand(item, v).text);
                    let Some(identity) = mount.cache_identity() else { continue };
                    let sharing = mount.sharing();
                    let target = self.absolute(item, mount.target().unwrap_or(""));
                    found.push(CacheMount { item, stage, mount, identity, sharing, target });
                }
            }
        }
        found
    }

    /// `path` in the working directory of the instruction at `item`.
    pub fn absolute(&self, item: usize, path: &str) -> String {
        if path.starts_with('/') {
            return clean_path(path);
        }
        clean_path(&format!("{}/{path}", self.workdir_at(item)))
    }

    /// The working directory in force at `item`, as far as this file sets it; else `/`.
    pub fn workdir_at(&self, item: usize) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut each = |at: usize, instruction: &Instruction| {
            let Some(word) = instruction.words.first() else { return false };
            let path = self.expand(at, &word.text).text;
            let rooted = path.starts_with('/');
            parts.push(path);
            rooted
        };
        self.before(item, Keyword::Workdir, &mut each);
        parts.reverse();
        clean_path(&format!("/{}", parts.join("/")))
    }

    /// The user in force at `item`, variables expanded; `None` when only the base image says.
    pub fn user_at(&self, item: usize) -> Option<String> {
        let mut user = None;
        let mut each = |at: usize, instruction: &Instruction| {
            let word: Option<&Word> = instruction.words.first();
            user = word.map(|word| self.expand(at, &word.text).text);
            true
        };
        self.before(item, Keyword::User, &mut each);
        user
    }

    /// SHELL, USER or WORKDIR stands before `item`, in its stage or one it is based on.
    pub fn has_before(&self, item: usize, keyword: Keyword) -> bool {
        let mut found = false;
        self.before(item, keyword, &mut |_, _| {
            found = true;
            true
        });
        found
    }

    /// Visits instructions of one keyword before `item`, last first, through the stages that
    /// this one is based on, until `each` says that it has enough.
    pub(super) fn before(
        &self,
        item: usize,
        keyword: Keyword,
        each: &mut dyn FnMut(usize, &Instruction) -> bool,
    ) {
        let Some(mut stage) = self.stage_of(item).map(|stage| stage.index) else { return };
        let settings = self.settings.get(&keyword).map_or(&[][..], Vec::as_slice);
        let mut end = item;
        loop {
            let items = &self.stages[stage].items;
            let until = settings.partition_point(|&at| at < end.min(items.end));
            let own = settings[..until].iter().rev().take_while(|&&at| at >= items.start);
            for &at in own {
                let found = self.file.items[at].instruction();
                if found.is_some_and(|instruction| each(at, instruction)) {
                    return;
                }
            }
            let super::Base::Stage(base) = self.stages[stage].base else { return };
            stage = base;
            end = usize::MAX;
        }
    }
}

fn in_context(path: &str) -> String {
    let rooted = clean_path(&format!("/{path}"));
    match &rooted[1..] {
        "" => ".".to_owned(),
        path => path.to_owned(),
    }
}

/// What ADD fetches instead of taking it from the context.
fn is_remote(path: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@", "github.com/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}
