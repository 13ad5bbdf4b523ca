//! What a build was made from, kept as digests, and why a step of it ran again.

use std::collections::BTreeMap;

use super::StepId;

/// What one build was given. Digests only, and no trace of what is named like a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildInputs {
    /// Asked for with `--no-cache`.
    pub no_cache: bool,
    /// Identity of the builder; `None` where it has none that lasts.
    pub builder: Option<String>,
    /// Build arguments: name, and a digest of the value with the salt of the project.
    pub arguments: BTreeMap<String, String>,
    /// Base images: name, and the digest that was used.
    pub bases: BTreeMap<String, String>,
    /// In the order of the record.
    pub steps: Vec<StepInputs>,
    /// Everything the builder was told of the context; `None` when it did not ask.
    pub files: Option<Vec<InputFile>>,
    /// The cache when the build began and when it had ended; `None` when it could not be read.
    pub cache_before: Option<Vec<InputRecord>>,
    pub cache_after: Option<Vec<InputRecord>>,
    /// Ids of records that this build made or used, or that one before it did and that are left.
    pub own_records: Vec<String>,
    /// Whether the engine told of a prune since the build before; `None` when it keeps no such news.
    pub pruned_before: Option<bool>,
}

/// One step that the Dockerfile asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepInputs {
    pub id: StepId,
    /// As the engine names it.
    pub name: String,
    /// Name of its stage, or its number where it has none.
    pub stage: String,
    /// The instruction as written, secrets taken out.
    pub text: String,
    /// Salted digest of the instruction as written.
    pub digest: String,
    /// Instructions before it that it depends on, such as `FROM`, `ENV` and `ARG`: as written, and
    /// their salted digests.
    pub settings: Vec<(String, String)>,
    /// Names of the build arguments that it sees.
    pub arguments: Vec<String>,
    /// Paths and patterns in the context that it takes; `""` is all of it.
    pub sources: Vec<String>,
    /// Cache mounts: target and id.
    pub caches: Vec<(String, String)>,
    /// The names of the base images that it begins with.
    pub bases: Vec<String>,
    /// Steps that it needs, itself not among them.
    pub parents: Vec<StepId>,
    pub state: StepState,
}

/// How a step went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StepState {
    Ran,
    Cached,
    /// Never begun, failed or broken off: the cache has nothing of it.
    #[default]
    Unfinished,
}

/// One entry of the context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputFile {
    pub path: Vec<u8>,
    /// Kind and permissions, as in `stat`.
    pub mode: u32,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub inode: u64,
    pub link: Vec<u8>,
    /// Of the content of a file; `None` when it was not read.
    pub digest: Option<Vec<u8>>,
}

/// What is kept of a record of the build cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputRecord {
    pub id: String,
    pub kind: String,
    /// What made it, secrets taken out.
    pub description: String,
}

/// A step that ran although the build before had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    pub step: StepId,
    pub name: String,
    pub reason: Reason,
    /// Targets of its cache mounts that the builder no longer had.
    pub lost_caches: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    NoCache,
    /// `None` before: the step is new.
    Instruction {
        before: Option<String>,
        now: String,
    },
    Argument(Vec<String>),
    Base {
        image: String,
        before: String,
        now: String,
    },
    Files(FileChanges),
    /// `parent` ran; the chain began with `cause`.
    Parent {
        parent: String,
        cause: String,
    },
    RecordGone(Gone),
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The engine told of a prune since the build before.
    Pruned,
    /// Evicted or pruned: the engine does not tell which.
    Missing,
    OtherBuilder,
}

/// What changed among the files that a step takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChanges {
    pub added: usize,
    pub removed: usize,
    /// With other content.
    pub content: usize,
    /// With another mode or kind and the same content.
    pub mode: usize,
    /// The first of them, by path.
    pub first: Vec<(String, FileChange)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    Added,
    Removed,
    Content,
    Mode,
}

impl Reason {
    /// Not the consequence of another step that ran.
    pub fn is_first(&self) -> bool {
        !matches!(self, Reason::Parent { .. })
    }

    /// A word that never changes.
    pub fn name(&self) -> &'static str {
        match self {
            Reason::NoCache => "no-cache",
            Reason::Instruction { .. } => "instruction",
            Reason::Argument(_) => "argument",
            Reason::Base { .. } => "base",
            Reason::Files(_) => "files",
            Reason::Parent { .. } => "parent",
            Reason::RecordGone(gone) => gone.name(),
            Reason::Unknown => "unknown",
        }
    }
}

impl Gone {
    pub fn name(self) -> &'static str {
        match self {
            Gone::Pruned => "pruned",
            Gone::Missing => "evicted-or-pruned",
            Gone::OtherBuilder => "other-builder",
        }
    }
}

impl FileChange {
    pub fn name(self) -> &'static str {
        match self {
            FileChange::Added => "added",
            FileChange::Removed => "removed",
            FileChange::Content => "content",
            FileChange::Mode => "mode",
        }
    }
}

impl FileChanges {
    pub fn all(&self) -> usize {
        self.added + self.removed + self.content + self.mode
    }
}
