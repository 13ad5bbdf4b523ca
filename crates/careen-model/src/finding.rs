//! What is wrong, why we believe it, what it costs and what would fix it.

use std::path::PathBuf;

use crate::{Edit, Leftover, LeftoverKind, Span};

/// One thing wrong, told once, to a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub rule: &'static str,
    pub severity: Severity,
    pub place: Place,
    /// One sentence: what is wrong here. No advice; that is the fix's job.
    pub message: String,
    /// The facts this rests on, so a reader can check us.
    pub evidence: Vec<Evidence>,
    /// What it costs each build, when we can say.
    pub cost: Option<Cost>,
    pub fixes: Vec<Fix>,
    /// Names that other tools have for this very finding, beside the aliases of its rule.
    pub also: Vec<&'static str>,
}

impl Finding {
    /// Adds a fact this finding rests on.
    #[must_use]
    pub fn because(
        mut self,
        what: &'static str,
        value: impl Into<String>,
        source: impl Into<String>,
    ) -> Finding {
        self.evidence.push(Evidence { what, value: value.into(), source: source.into() });
        self
    }

    #[must_use]
    pub fn costs(mut self, saving: Saving, basis: Basis) -> Finding {
        self.cost = Some(Cost { saving, basis });
        self
    }

    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Finding {
        self.fixes.push(fix);
        self
    }

    /// Adds a fix where there is one.
    #[must_use]
    pub fn maybe_fix(mut self, fix: Option<Fix>) -> Finding {
        self.fixes.extend(fix);
        self
    }
}

impl Fix {
    /// A fix after which the build means the same.
    pub fn safe(title: impl Into<String>, step: Step) -> Fix {
        Fix { safety: Safety::Safe, steps: vec![step], ..Fix::by_hand(title) }
    }

    /// A fix that may change what is built.
    pub fn risky(title: impl Into<String>, step: Step) -> Fix {
        Fix { safety: Safety::Risky, ..Fix::safe(title, step) }
    }

    /// A fix only a person can make; `steps` may still show the commands.
    pub fn by_hand(title: impl Into<String>) -> Fix {
        let (safety, words) = (Safety::Manual, Words::default());
        Fix { title: title.into(), safety, steps: vec![], undoable: true, words }
    }

    /// Adds a command for a person to run.
    #[must_use]
    pub fn show(mut self, command: impl Into<String>) -> Fix {
        self.steps.push(Step::Show { command: command.into() });
        self
    }

    /// Declares words that the edits add.
    #[must_use]
    pub fn adds(mut self, text: &str) -> Fix {
        self.words.added.extend(text.split_whitespace().map(str::to_owned));
        self
    }

    /// Declares words that the edits take away.
    #[must_use]
    pub fn removes(mut self, text: &str) -> Fix {
        self.words.removed.extend(text.split_whitespace().map(str::to_owned));
        self
    }

    /// Says that nothing can bring back what this fix removes.
    #[must_use]
    pub fn for_good(mut self) -> Fix {
        self.undoable = false;
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// How the file is written; the build is the same either way.
    Style,
    Hint,
    Warning,
    Error,
}

/// Where a finding is. Paths are relative to the project where they lie in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Host,
    Engine,
    Context,
    File { path: PathBuf, span: Span },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub what: &'static str,
    pub value: String,
    /// Where we read it: a path, a command, an API call.
    pub source: String,
}

/// A price per build, and how we know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    pub saving: Saving,
    pub basis: Basis,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Saving {
    /// Seconds of the next build.
    Seconds(f64),
    /// Seconds of each build after a source change.
    SecondsPerRebuild(f64),
    /// Bytes moved or stored per build.
    Bytes(u64),
    /// The next build may fail.
    MayFail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// From a probe or a recorded build of this project.
    Measured,
    /// From a model with a stated coefficient on measured inputs.
    Modelled,
    /// From knowledge of the engine's rules alone.
    Rule,
}

/// A change somebody could make. Data only: applying it is another crate's job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// An imperative: "Give the cache mount its own id".
    pub title: String,
    pub safety: Safety,
    pub steps: Vec<Step>,
    /// False when nothing can bring back what it removes (prune, builder removal).
    pub undoable: bool,
    /// What the fix declares to change in a Dockerfile; the planner checks the edits against it.
    pub words: Words,
}

/// The words a fix adds to and takes from a Dockerfile. Empty: it only moves what is there.
///
/// A word is a run of characters without white space, line continuations left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    pub added: Vec<String>,
    pub removed: Vec<String>,
}

/// Who may decide to apply a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Safety {
    /// A person, by hand: we can only show it.
    Manual,
    /// A person, by asking: it may change what is built or cannot be undone.
    Risky,
    /// Anybody: the build means the same afterwards.
    Safe,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Changes parts of a file. Spans are byte ranges of the file as it was read.
    Edit { path: PathBuf, edits: Vec<Edit> },
    /// Writes a whole file, new or not.
    Write { path: PathBuf, text: String, executable: bool },
    /// Removes build cache records by id; never undoable.
    PruneCache { ids: Vec<String>, bytes: u64 },
    /// Removes a builder and creates it anew with the same settings.
    RecreateBuilder { name: String, cache: BuilderCache },
    /// Removes what nothing in the engine uses, one by one by id; never undoable.
    RemoveLeftovers { kind: LeftoverKind, items: Vec<Leftover> },
    /// A command for a person to run; careen prints it and never runs it.
    Show { command: String },
}

/// What happens to the cache of a builder that is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuilderCache {
    Kept,
    /// It is what the builder fails of.
    Lost,
}

/// Where rules put what they find.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
}

impl Findings {
    pub fn push(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    pub fn len(&self) -> usize {
        self.found.len()
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Most severe first, then by cost, rule and place, so output never depends on run order.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.found.sort_by(|a, b| {
            let order = b.severity.cmp(&a.severity);
            let order = order.then_with(|| b.weight().total_cmp(&a.weight()));
            order.then_with(|| (a.rule, a.place.order()).cmp(&(b.rule, b.place.order())))
        });
        self.found
    }
}

impl Finding {
    /// A comparable size of the cost: seconds first, then bytes at 100 MB/s, failure above all.
    #[expect(clippy::cast_precision_loss, reason = "only used to order findings")]
    pub fn weight(&self) -> f64 {
        match self.cost.map(|cost| cost.saving) {
            None => 0.0,
            Some(Saving::MayFail) => f64::MAX,
            Some(Saving::Seconds(s) | Saving::SecondsPerRebuild(s)) => s,
            Some(Saving::Bytes(bytes)) => bytes as f64 / 1e8,
        }
    }
}

impl Place {
    fn order(&self) -> (u8, PathBuf, u32) {
        match self {
            Place::Host => (0, PathBuf::new(), 0),
            Place::Engine => (1, PathBuf::new(), 0),
            Place::Context => (2, PathBuf::new(), 0),
            Place::File { path, span } => (3, path.clone(), span.start),
        }
    }
}
