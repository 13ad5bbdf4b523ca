//! Facts about the build context: what is there, what is ignored, what will be sent.

use std::path::PathBuf;

use crate::Fact;

/// The outcome of one walk of the context.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextFacts {
    pub root: PathBuf,
    pub dockerfile: PathBuf,
    pub ignore: IgnoreFile,
    /// Everything below the root, ignored or not. Unknown unless a full survey was asked for.
    pub everything: Fact<Amount>,
    /// What remains after the ignore file. Patterns that fail every build are left out of account;
    /// they are fatal problems of `ignore`.
    pub kept: Amount,
    /// What the builder will really ask for: COPY, ADD and bind mounts of reachable stages.
    /// All that is kept when the sources are not known.
    pub sent: Amount,
    /// Largest kept files, biggest first.
    pub top_files: Vec<Sized>,
    /// Largest kept folders by bytes below them, biggest first, at most two levels deep.
    /// A folder whose bytes are all in one folder of it is left out in favour of that one.
    pub top_folders: Vec<Sized>,
    /// Kept and taken by no instruction, by the first folder of the path, `.` for the root's own
    /// files; without those that hold nothing.
    pub unused: Vec<Sized>,
    /// Those of `top_files` that no instruction takes.
    pub unused_files: Vec<PathBuf>,
    /// Files with secret-looking names or contents that a COPY can reach.
    pub secrets: Vec<Secret>,
    pub hazards: Vec<Hazard>,
    /// What each category of the ignore file writer would remove of what is kept now; an entry
    /// counts for the first category that takes it, so the amounts add up.
    pub categories: Vec<CategoryAmount>,
    /// Wall time of the walk, seconds, without reading file heads and sums.
    pub walk_seconds: f64,
    /// Paths (first few) that could not be read. A kept folder here fails the build.
    pub unreadable: Vec<PathBuf>,
}

/// Counts and sizes of one set of entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Files, folders, links and special files.
    pub entries: u64,
    pub files: u64,
    /// Sum of file sizes in bytes. A second name of the same file (hard link) adds nothing, because
    /// it is sent as a reference.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sized {
    pub path: PathBuf,
    pub amount: Amount,
}

/// Which ignore file is in force, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreFile {
    /// The file that counts, whether or not it exists.
    pub path: PathBuf,
    pub exists: bool,
    /// `<Dockerfile>.dockerignore` beside the Dockerfile, not the one in the context root.
    pub dedicated: bool,
    pub text: Option<String>,
    pub problems: Vec<IgnoreProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreProblem {
    /// One-based line, when the problem is in one line.
    pub line: Option<u32>,
    pub message: String,
    /// The build fails; otherwise something is silently not ignored.
    pub fatal: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub path: PathBuf,
    /// Why it looks like one: "name of a private key", "PEM header".
    pub because: &'static str,
    pub reach: Reach,
}

/// Where a file of the context ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// No Dockerfile is known.
    Unknown,
    /// Sent, and seen by a stage that is not the image: a build stage or a bind mount.
    BuildStage,
    /// A COPY or ADD puts it into the image, or into a stage that the image is based on.
    FinalImage,
}

/// A silent fault of the transfer that this context will trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hazard {
    pub kind: HazardKind,
    pub path: PathBuf,
    pub note: String,
    /// What it concerns, where that is counted.
    pub amount: Amount,
}

impl Hazard {
    pub fn new(kind: HazardKind, path: impl Into<PathBuf>) -> Hazard {
        Hazard { kind, path: path.into(), note: String::new(), amount: Amount::default() }
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Hazard {
        self.note = note.into();
        self
    }

    #[must_use]
    pub fn amount(mut self, amount: Amount) -> Hazard {
        self.amount = amount;
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HazardKind {
    /// Listed but refused on open: arrives with 0 bytes (tonistiigi/fsutil `filterFS.Open`).
    ZeroByte,
    /// This user may not read it: arrives with 0 bytes.
    Unreadable,
    /// A socket, FIFO or device.
    Special,
    /// Vanished while we walked.
    Vanished,
    /// A name that is not UTF-8: the transfer fails.
    NotUtf8,
    /// A wildcard in a COPY source with a link among its matches: all that it matches is sent.
    WideWildcard,
    /// A COPY source through a link that another source went through before: it is not sent, and
    /// the COPY fails.
    LinkUsedTwice,
    /// A listed folder that cannot be read: the build fails.
    UnreadableFolder,
    /// A file with holes, which are sent as zeros; the amount is what is sent.
    Sparse,
    /// A program seems to write to it: changed a moment ago and named like a log or a temporary
    /// file, or changed while the context was read.
    Hot,
    /// A pattern of `COPY --exclude`: what it leaves out is sent all the same.
    ExcludedStillSent,
    /// An exception of the ignore file for which the client enters every ignored folder; the
    /// amount is what it reads there, at most [`HazardKind::MOST_COUNTED`] entries.
    ReadsIgnored,
    /// Its content is not what was sent last, but its size and time are: it is not sent again.
    SameSizeAndTime,
    /// A file with several names whose inode number a file of another file system has: it is sent
    /// as a name of that one, and arrives with its content.
    Mistaken,
}

impl HazardKind {
    /// Ignored entries are counted up to here.
    pub const MOST_COUNTED: u64 = 100_000;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryAmount {
    /// Name of the ignore category, such as `python-cache`.
    pub category: &'static str,
    pub amount: Amount,
}
