//! Questions about one build context: what is sent and why, what it costs, what would change.
//!
//! Everything is read from files; no engine is asked and nothing is written.

mod busters;
mod explain;
mod listing;
mod patterns;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;
use std::thread;

use careen_check::generate::ignore_categories::CATEGORIES;
use careen_check::generate::ignore_file::{self, KEPT};
use careen_check::{ParsedDockerfile, calibrate, transfer_times};
use careen_host::walk::{
    Builder, Force, SurveyRequest, Walk, classic_patterns, in_force, in_force_for_classic,
    mistaken, sent_to, summarize, survey,
};
use careen_model::context::{Amount, HazardKind, IgnoreProblem};
use careen_model::context_answer::{Change, ContextAnswer, SourceUse, Tried};
use careen_model::host::Latency;
use careen_model::{ContextFacts, HistoryFacts, ProjectFacts, Why};
use careen_syntax::dockerfile::{self, Dockerfile, Source, SourceKind};
use careen_syntax::ignore::{self, LineKind, Matcher, fault};

use crate::SentFile;
use crate::gather::{GatherRequest, add_unseen_changes, discover};
use crate::sources::Taken;

pub use listing::{HashError, hash, prerequisites};

/// Rows of the tree and files that one screen has room for.
const ROWS: usize = 8;
const FILES: usize = 4;

/// Lookups from here on are slow enough to be added to the model, whose coefficients were measured
/// on local disks: those answer in 1 to 4 µs, overlay and local FUSE in 10 to 60 µs (measured).
const SLOW_LOOKUP_NS: u64 = 60_000;

/// What is known about a context before it is walked.
#[derive(Debug)]
pub struct Ground {
    pub project: ProjectFacts,
    pub force: Force,
    /// What the build takes, in order; `None` without a Dockerfile that can be read.
    pub sources: Option<Vec<SourceUse>>,
    /// Whose rules count.
    pub builder: Builder,
    file: Option<Dockerfile>,
    taken: Option<Taken>,
    dockerfile: PathBuf,
}

/// Which of the two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// What the build's sources reach: the transfer.
    Sent,
    /// All that the ignore file leaves.
    Kept,
}

impl Ground {
    /// Finds Dockerfile, context and ignore file; reads no other files.
    pub fn of(request: &GatherRequest) -> Ground {
        let project = discover(request);
        let known = project.dockerfile.known().map(|source| source.path.clone());
        let parsed = known.as_ref().and_then(|path| {
            let file = dockerfile::parse(fs::read(path).ok()?);
            Some(ParsedDockerfile { path: path.clone(), file })
        });
        let sources = parsed.as_ref().map(|parsed| sources(parsed, project.target.as_deref()));
        let dockerfile = known.unwrap_or_else(|| project.context.join("Dockerfile"));
        let force = in_force(&dockerfile, &project.context);
        let target = project.target.as_deref();
        let taken = parsed.as_ref().map(|parsed| Taken::of(&parsed.file, target));
        let file = parsed.map(|parsed| parsed.file);
        Ground { project, force, sources, builder: Builder::BuildKit, file, taken, dockerfile }
    }

    /// The same context for another builder, with the ignore file that counts there.
    #[must_use]
    pub fn with_builder(mut self, builder: Builder) -> Ground {
        self.builder = builder;
        if builder.is_classic() {
            self.force = in_force_for_classic(&self.project.context);
        }
        for line in &self.force.source.lines {
            let LineKind::Pattern(index) = line.kind else { continue };
            let pattern = &self.force.source.patterns[index];
            let is_known = fault(pattern).is_some();
            if let Some(error) = builder.fault(pattern).filter(|_| !is_known) {
                let message = format!("{error}: `{pattern}`");
                let problem = IgnoreProblem { line: Some(line.number), message, fatal: true };
                self.force.file.problems.push(problem);
            }
        }
        self
    }

    /// The patterns that do not fail every build, in the form in which the builder walks.
    fn patterns(&self) -> Vec<String> {
        self.working(self.force.working_patterns())
    }

    fn working(&self, mut patterns: Vec<String>) -> Vec<String> {
        patterns.retain(|pattern| self.builder.fault(pattern).is_none());
        self.with_own_files(patterns)
    }

    /// The classic builder reads the Dockerfile from what it is sent.
    fn with_own_files(&self, patterns: Vec<String>) -> Vec<String> {
        if !self.builder.is_classic() {
            return patterns;
        }
        let inside = self.dockerfile.strip_prefix(&self.project.context).ok();
        let inside = inside.map_or("Dockerfile".into(), |path| path.to_string_lossy());
        classic_patterns(&patterns, &inside)
    }

    /// What the builder's client is told to follow; `None` sends all that is kept.
    fn follow(&self) -> Option<Vec<String>> {
        self.taken.as_ref().map(|taken| taken.follow.clone())
    }

    /// Lists one of the two sets in the builder's order.
    pub fn list(&self, set: Set) -> Result<Walk, Why> {
        let follow = self.follow().filter(|_| set == Set::Sent);
        sent_to(self.builder, &self.project.context, &self.patterns(), follow.as_deref())
    }

    /// The whole screen. `latency` is that of the context's file system, when it is known.
    /// `history` has what transfers took on the engine, and `sent_before` the files as they were sent
    /// last.
    pub fn answer(
        &self,
        latency: Option<Latency>,
        history: &HistoryFacts,
        sent_before: &[SentFile],
    ) -> Result<ContextAnswer, Why> {
        let (facts, listing) = thread::scope(|scope| {
            let listing = scope.spawn(|| self.list(Set::Sent));
            let facts = self.survey();
            (facts, listing.join().expect("a walk returns its failures"))
        });
        let (mut facts, listing) = (facts?, listing?);
        add_unseen_changes(&mut facts, sent_before);
        if self.builder != Builder::BuildKit {
            facts.kept = summarize(&self.list(Set::Kept)?, 0, 0).total;
            facts.sent = summarize(&listing, 0, 0).total;
            facts.hazards.retain(|hazard| is_hazard_of(self.builder, hazard.kind));
            facts.hazards.extend(mistaken(&self.project.context, &listing, |_| true));
        }
        let summary = summarize(&listing, ROWS, FILES);
        let slow_lookup = latency.filter(|latency| latency.lookup_ns >= SLOW_LOOKUP_NS);
        let proposal = self.propose(&facts)?;
        let calibration = calibrate(history);
        let (first, repeated) = transfer_times(facts.sent, slow_lookup, calibration.as_ref());
        Ok(ContextAnswer {
            target: self.project.target.clone(),
            builder: self.builder.name(),
            sends_all: self.builder.is_classic(),
            sources: self.sources.clone(),
            tree: summary.tree,
            largest: summary.largest,
            proposal,
            first,
            repeated,
            calibration,
            slow_lookup,
            facts,
        })
    }

    /// What adding these lines to the ignore file would change; nothing is written.
    pub fn try_patterns(&self, lines: &[String]) -> Result<Tried, TryError> {
        let mut patterns = Vec::new();
        for line in lines {
            let source = ignore::read(line.as_bytes());
            let [pattern] = source.patterns.as_slice() else {
                return Err(TryError::NoPattern { line: line.clone() });
            };
            if let Some(error) = fault(pattern) {
                return Err(TryError::Bad { line: line.clone(), error });
            }
            patterns.push(pattern.clone());
        }
        let before = self.force.working_patterns();
        let after: Vec<String> = before.iter().chain(&patterns).cloned().collect();
        self.change(None, &after, patterns).map_err(TryError::Context)
    }

    /// What `after` changes; `known` are the amounts before of both sets, kept and sent.
    fn change(
        &self,
        known: Option<(Amount, Amount)>,
        after: &[String],
        patterns: Vec<String>,
    ) -> Result<Tried, Why> {
        let follow = self.follow();
        let amount = |exclude: &[String], follow: Option<&[String]>| -> Result<Amount, Why> {
            let root = &self.project.context;
            if self.builder == Builder::BuildKit {
                return careen_host::walk::amount_after(root, exclude, follow);
            }
            let listing = sent_to(self.builder, root, exclude, follow)?;
            Ok(summarize(&listing, 0, 0).total)
        };
        let follow = follow.as_deref();
        let before = self.patterns();
        let after = self.working(after.to_vec());
        let after = after.as_slice();
        let (kept, sent) = match known {
            Some(known) => known,
            None => (amount(&before, None)?, amount(&before, follow)?),
        };
        let kept = Change { before: kept, after: amount(after, None)? };
        let sent = Change { before: sent, after: amount(after, follow)? };
        let hidden = self.hidden(&before, after);
        Ok(Tried { patterns, kept, sent, hidden })
    }

    /// Sources by name that one list lets through and the other hides.
    fn hidden(&self, before: &[String], after: &[String]) -> Vec<SourceUse> {
        let (Ok(before), Ok(after)) = (Matcher::new(before), Matcher::new(after)) else {
            return vec![];
        };
        let is_out =
            |matcher: &Matcher, path: &str| matcher.walk_match(path.as_bytes()).unwrap_or(false);
        let hides = |source: &&SourceUse| {
            let path = source.path.as_str();
            let is_name = path != "." && !path.contains(['*', '?', '[', '\\']);
            // Of an excluded folder, an exception may keep what the COPY wants.
            let is_file = self.project.context.join(path).is_file() || !after.has_exceptions();
            is_name && is_file && !is_out(&before, path) && is_out(&after, path)
        };
        self.sources.iter().flatten().filter(hides).cloned().collect()
    }

    fn survey(&self) -> Result<ContextFacts, Why> {
        let categories: Vec<(&'static str, &[&str])> =
            CATEGORIES.iter().map(|category| (category.name, category.patterns)).collect();
        survey(&SurveyRequest {
            root: self.project.context.clone(),
            dockerfile: std::path::absolute(&self.dockerfile).unwrap_or(self.dockerfile.clone()),
            follow: self.follow(),
            copied: self.taken.as_ref().map(|taken| taken.copied.clone()).unwrap_or_default(),
            categories: &categories,
            everything: false,
            force: Some(self.force.clone()),
        })
    }

    /// The ignore file that the writer would write, measured.
    fn propose(&self, facts: &ContextFacts) -> Result<Option<Tried>, Why> {
        let names: Vec<String> = self
            .sources
            .iter()
            .flatten()
            .filter(|source| source.instruction != TMPFS)
            .map(|source| source.path.clone())
            .collect();
        let proposal = ignore_file::propose(&ignore_file::Request {
            existing: facts.ignore.text.as_deref(),
            project: &self.project,
            amounts: &facts.categories,
            needed: &names,
            keep: &KEPT,
        });
        if proposal.added.is_empty() {
            return Ok(None);
        }
        let after = ignore::read(proposal.text.as_bytes()).patterns;
        let works = |pattern: &String| fault(pattern).is_none();
        let after: Vec<String> = after.into_iter().filter(works).collect();
        let added = proposal.added.iter().flat_map(|(_, list)| list.iter());
        let added = added.map(|&pattern| pattern.to_owned()).collect();
        self.change(Some((facts.kept, facts.sent)), &after, added).map(Some)
    }
}

/// Why `--try` has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    #[error("`{line}` is not one pattern")]
    NoPattern { line: String },
    #[error("`{line}` fails every build: {error}")]
    Bad { line: String, error: String },
    #[error("{0}")]
    Context(Why),
}

/// The silent faults that this builder shares with BuildKit. The others walk or copy differently.
fn is_hazard_of(builder: Builder, kind: HazardKind) -> bool {
    match kind {
        // Those that are mistaken are looked for in this builder's own listing.
        HazardKind::ZeroByte | HazardKind::ReadsIgnored | HazardKind::Mistaken => false,
        HazardKind::WideWildcard
        | HazardKind::LinkUsedTwice
        | HazardKind::SameSizeAndTime
        | HazardKind::Unreadable
        | HazardKind::NotUtf8
        | HazardKind::ExcludedStillSent => !builder.is_classic(),
        HazardKind::Special
        | HazardKind::Vanished
        | HazardKind::UnreadableFolder
        | HazardKind::Sparse
        | HazardKind::Hot => true,
    }
}

const TMPFS: &str = "RUN --mount=type=tmpfs";

fn sources(parsed: &ParsedDockerfile, target: Option<&str>) -> Vec<SourceUse> {
    let text = parsed.file.source();
    let found = parsed.file.context_sources(target);
    found.into_iter().map(|source| source_use(text, source)).collect()
}

fn source_use(text: &[u8], source: Source) -> SourceUse {
    SourceUse {
        line: line_of(text, source.span.start),
        instruction: match source.kind {
            SourceKind::Copy => "COPY",
            SourceKind::Add => "ADD",
            SourceKind::Bind => "RUN --mount=type=bind",
            SourceKind::Tmpfs => TMPFS,
        },
        path: source.path,
        unknown: source.unknown,
    }
}

/// The line of an offset, counted from one.
fn line_of(text: &[u8], offset: u32) -> u32 {
    let before = &text[..(offset as usize).min(text.len())];
    u32::try_from(before.split(|&byte| byte == b'\n').count()).unwrap_or(u32::MAX)
}
