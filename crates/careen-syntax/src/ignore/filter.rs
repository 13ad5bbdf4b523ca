//! What a walk lists, and which folders it enters, for exclude and include patterns together.
//!
//! The rules, including where the reference's pruning loses files, are those of `filterFS` in
//! tonistiigi/fsutil `filter.go`. Folders that provably change nothing are not entered either.

use std::fmt;

use crate::ignore::matcher::{Matcher, Passed, Scratch, State, Wanted};

/// Exclude and include patterns, ready for one walk.
#[derive(Debug)]
pub struct Filter {
    exclude: Option<Matcher>,
    include: Option<Matcher>,
    /// All exceptions of the exclude patterns are plain paths, as far as the reference can tell.
    has_plain_exceptions: bool,
    /// The same for the rules of the include patterns.
    has_plain_includes: bool,
}

/// What a folder hands down to its children. The default is the root's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirState {
    exclude: Passed,
    include: Passed,
}

/// Memory for one filter and one thread.
#[derive(Debug, Default)]
pub struct FilterScratch {
    exclude: Scratch,
    include: Scratch,
}

/// The decision about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The walk lists it.
    pub listed: bool,
    /// Opening it is allowed. A listed file that may not be opened arrives with 0 bytes.
    pub opens: bool,
    /// For a folder worth entering: the state for its children.
    pub enter: Option<DirState>,
}

/// Which of the two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Include,
    Exclude,
}

/// A pattern that fails the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterError {
    /// Before the walk begins.
    New { which: Which, patterns: Vec<String>, index: usize, message: String },
    /// When the walk reaches a path for which the pattern counts.
    Match { which: Which, index: usize, message: String },
}

impl Filter {
    /// Compiles both lists. An empty include list includes everything.
    pub fn new(exclude: &[String], include: &[String]) -> Result<Filter, FilterError> {
        let include = compile(Which::Include, include)?;
        let exclude = compile(Which::Exclude, exclude)?;
        Ok(Filter {
            has_plain_includes: include
                .as_ref()
                .is_none_or(|matcher| are_plain(matcher, Wanted::Rules)),
            has_plain_exceptions: exclude
                .as_ref()
                .is_none_or(|matcher| are_plain(matcher, Wanted::Exceptions)),
            exclude,
            include,
        })
    }

    /// Nothing is filtered.
    pub fn is_open(&self) -> bool {
        self.exclude.is_none() && self.include.is_none()
    }

    /// The compiled exclude patterns.
    pub fn exclude(&self) -> Option<&Matcher> {
        self.exclude.as_ref()
    }

    /// Decides about anything but a folder.
    pub fn judge(
        &self,
        path: &[u8],
        parent: &DirState,
        scratch: &mut FilterScratch,
    ) -> Result<Judged, FilterError> {
        let mut judged = Judged { listed: true, opens: true, enter: None };
        if let Some(include) = &self.include {
            let both = include
                .judge(path, &parent.include, &mut scratch.include)
                .map_err(|err| FilterError::at_match(Which::Include, err))?;
            judged.listed &= both.walk;
            judged.opens &= both.open;
        }
        if let Some(exclude) = &self.exclude {
            let both = exclude
                .judge(path, &parent.exclude, &mut scratch.exclude)
                .map_err(|err| FilterError::at_match(Which::Exclude, err))?;
            judged.listed &= !both.walk;
            judged.opens &= !both.open;
        }
        Ok(judged)
    }

    /// Decides about a folder, and whether to enter it.
    pub fn judge_folder(
        &self,
        path: &[u8],
        parent: &DirState,
        scratch: &mut FilterScratch,
    ) -> Result<Judged, FilterError> {
        let mut judged = Judged { listed: true, opens: true, enter: None };
        let mut state = DirState::default();
        let mut is_worth_entering = true;
        if let Some(include) = &self.include {
            let (both, passed) = include
                .enter(path, &parent.include, &mut scratch.include)
                .map_err(|err| FilterError::at_match(Which::Include, err))?;
            judged.listed &= both.walk;
            judged.opens &= both.open;
            if !both.walk {
                if self.has_plain_includes && !reaches(include, path, Wanted::Rules) {
                    return Ok(judged);
                }
                is_worth_entering &=
                    may_change(include, path, &passed.walk, Wanted::Rules, &mut scratch.include);
            }
            state.include = passed;
        }
        if let Some(exclude) = &self.exclude {
            let (both, passed) = exclude
                .enter(path, &parent.exclude, &mut scratch.exclude)
                .map_err(|err| FilterError::at_match(Which::Exclude, err))?;
            judged.listed &= !both.walk;
            judged.opens &= !both.open;
            if both.walk {
                if self.has_plain_exceptions && !reaches(exclude, path, Wanted::Exceptions) {
                    return Ok(judged);
                }
                is_worth_entering &= may_change(
                    exclude,
                    path,
                    &passed.walk,
                    Wanted::Exceptions,
                    &mut scratch.exclude,
                );
            }
            state.exclude = passed;
        }
        judged.enter = is_worth_entering.then_some(state);
        Ok(judged)
    }
}

fn compile(which: Which, patterns: &[String]) -> Result<Option<Matcher>, FilterError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    Matcher::new(patterns).map(Some).map_err(|err| FilterError::New {
        which,
        patterns: patterns.to_vec(),
        index: err.index,
        message: err.message,
    })
}

fn may_change(
    matcher: &Matcher,
    path: &[u8],
    state: &State,
    wanted: Wanted,
    scratch: &mut Scratch,
) -> bool {
    matcher.may_change_below(path, state, wanted, scratch)
}

/// The reference's idea of "without a wildcard"; it forgets `{`, `|` and `}`.
const WILDCARDS: &str = "*[]?^\\";

fn are_plain(matcher: &Matcher, wanted: Wanted) -> bool {
    wanted_texts(matcher, wanted).all(|text| !text.contains(|ch| WILDCARDS.contains(ch)))
}

/// The reference's own test: some wanted pattern, read as a plain path, is below the folder.
fn reaches(matcher: &Matcher, folder: &[u8], wanted: Wanted) -> bool {
    wanted_texts(matcher, wanted).any(|text| {
        let text = text.as_bytes();
        text.starts_with(folder) && matches!(text.get(folder.len()), None | Some(b'/'))
    })
}

fn wanted_texts(matcher: &Matcher, wanted: Wanted) -> impl Iterator<Item = &str> {
    let is_wanted = move |is_exception: bool| is_exception == (wanted == Wanted::Exceptions);
    let patterns = matcher.patterns().iter();
    patterns.filter(move |pattern| is_wanted(pattern.is_exception)).map(|pattern| {
        let text = pattern.text.strip_suffix("/**").unwrap_or(&pattern.text);
        text.strip_suffix("/*").unwrap_or(text)
    })
}

/// Drops paths below the one before them; everything is included when one of them is the root.
///
/// This is what the reference does to the include list after resolving links, on a list that it
/// takes for sorted.
pub fn dedupe_paths(paths: Vec<String>) -> Vec<String> {
    if paths.iter().any(|path| path == ".") {
        return Vec::new();
    }
    let mut out: Vec<String> = Vec::new();
    for path in paths {
        let last = out.last().map_or("", String::as_str);
        if path.strip_prefix(last).is_none_or(|rest| !rest.starts_with('/')) {
            out.push(path);
        }
    }
    out
}

impl FilterError {
    fn at_match(which: Which, err: crate::ignore::MatchError) -> FilterError {
        FilterError::Match { which, index: err.index, message: err.message }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Which::Include => "includepatterns",
            Which::Exclude => "excludepatterns",
        })
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FilterError::New { which, patterns, message, .. } => {
                write!(f, "invalid {which}: [{}]: {message}", patterns.join(" "))
            }
            FilterError::Match { which, message, .. } => {
                write!(f, "failed to match {which}: {message}")
            }
        }
    }
}

impl std::error::Error for FilterError {}
