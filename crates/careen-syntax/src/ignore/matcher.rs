//! The decisions of the reference about one path: by parents, and by the results of the walk.

use std::{fmt, sync::OnceLock};

use regex_automata::hybrid::dfa::Cache;

use crate::ignore::{
    form::{self, Form},
    glob::{self, Glob},
    go_regex,
    index::{Below, Index, Search, Words},
};

/// A list of patterns, ready to decide about paths.
#[derive(Debug)]
pub struct Matcher {
    patterns: Vec<Pattern>,
    index: Index,
    /// Patterns that the reference refuses when it first evaluates them, and why.
    refused: Vec<(u32, String)>,
    /// The same as bits.
    refused_bits: Words,
    has_exceptions: bool,
}

/// One active pattern.
#[derive(Debug)]
pub struct Pattern {
    /// Its place in the list given to [`Matcher::new`]; empty ones there are dropped.
    pub source: usize,
    /// Cleaned, without the `!`.
    pub text: String,
    /// It began with `!`.
    pub is_exception: bool,
    pub form: Form,
    below: OnceLock<Below>,
}

/// A pattern that fails the build before any path is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// Index in the list given to [`Matcher::new`].
    pub index: usize,
    pub message: String,
}

/// A pattern that fails the build when the first path reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchError {
    /// Index in the list given to [`Matcher::new`].
    pub index: usize,
    /// As the reference words it.
    pub message: String,
    /// What exactly it does not understand.
    pub detail: String,
}

/// Which patterns matched a folder or its parents, as the walk remembers it.
/// The default is "none", which is also the state above the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State(Words);

/// Memory for one matcher and one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    search: Search,
    hits: Words,
    belows: Vec<Option<Cache>>,
}

/// What the walk learns about one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Both {
    /// `MatchesUsingParentResults`: what the walk does.
    pub walk: bool,
    /// `MatchesOrParentMatches`: what opening the file does.
    pub open: bool,
}

/// The two states of a folder: what the walk remembers, and all patterns that match it or a parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed {
    pub walk: State,
    pub open: State,
}

impl Matcher {
    /// Compiles `patterns`, given as the ignore file's lines after [`crate::ignore::read`].
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Matcher, PatternError> {
        Matcher::compiled(patterns, Clients::Current)
    }

    /// The same as the clients of Docker 20.10 do it; only [`Matcher::legacy_match`] is theirs.
    pub fn docker_20_10<S: AsRef<str>>(patterns: &[S]) -> Result<Matcher, PatternError> {
        Matcher::compiled(patterns, Clients::Docker2010)
    }

    fn compiled<S: AsRef<str>>(patterns: &[S], clients: Clients) -> Result<Matcher, PatternError> {
        let mut active = Vec::new();
        for (source, raw) in patterns.iter().enumerate() {
            let Some(pattern) = Pattern::new(source, raw.as_ref(), clients)? else { continue };
            active.push(pattern);
        }
        let forms: Vec<Form> = active.iter().map(|pattern| pattern.form.clone()).collect();
        let texts: Vec<String> = active.iter().map(|pattern| clients.shortcut(pattern)).collect();
        let (index, refused) = Index::new(&forms, &texts);
        let mut refused_bits = vec![0; active.len().div_ceil(64)];
        for (pattern, _) in &refused {
            set(&mut refused_bits, *pattern as usize);
        }
        let has_exceptions = active.iter().any(|pattern| pattern.is_exception);
        Ok(Matcher { patterns: active, index, refused, refused_bits, has_exceptions })
    }

    /// The active patterns in order.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Whether any pattern begins with `!`.
    pub fn has_exceptions(&self) -> bool {
        self.has_exceptions
    }

    /// The patterns that will fail the build when a path reaches them.
    pub fn refused(&self) -> Vec<MatchError> {
        let error = |(pattern, detail): &(u32, String)| {
            MatchError::new(self.patterns[*pattern as usize].source, detail.clone())
        };
        self.refused.iter().map(error).collect()
    }

    /// The reference's `MatchesOrParentMatches`: each pattern is tried on the path and its parents.
    pub fn is_match(&self, path: &[u8]) -> Result<bool, MatchError> {
        let mut scratch = Scratch::default();
        let mut all: Words = vec![0; self.words()];
        for part in parents(path).iter().map(Vec::as_slice).chain([path]) {
            self.hits(part, &mut scratch);
            merge(&mut all, &scratch.hits);
        }
        self.evaluate(&[], &all, None)
    }

    /// The reference's `MatchesUsingParentResults`, chained over all parents of `path`.
    pub fn walk_match(&self, path: &[u8]) -> Result<bool, MatchError> {
        let mut scratch = Scratch::default();
        let mut passed = Passed::default();
        let slashes = path.iter().enumerate().filter(|&(at, &b)| b == b'/' && at > 0);
        for (at, _) in slashes {
            passed = self.enter(&path[..at], &passed, &mut scratch)?.1;
        }
        self.judge(path, &passed, &mut scratch).map(|both| both.walk)
    }

    /// The reference's older `Matches` (Docker 20.10): one parent, as deep as the pattern.
    pub fn legacy_match(&self, path: &[u8]) -> Result<bool, MatchError> {
        let mut scratch = Scratch::default();
        self.hits(path, &mut scratch);
        let mut hits = scratch.hits.clone();
        for (i, part) in parents(path).iter().enumerate() {
            self.hits(part, &mut scratch);
            for (number, pattern) in self.patterns.iter().enumerate() {
                if pattern.text.split('/').count() == i + 1 && has(&scratch.hits, number) {
                    set(&mut hits, number);
                }
            }
        }
        self.evaluate(&[], &hits, None)
    }

    /// Both decisions about a path whose parent's state is `parent`.
    pub fn judge(
        &self,
        path: &[u8],
        parent: &Passed,
        scratch: &mut Scratch,
    ) -> Result<Both, MatchError> {
        self.hits(path, scratch);
        let is_untouched = self.refused.is_empty()
            && parent.open.0.is_empty()
            && scratch.hits.iter().all(|&word| word == 0);
        if is_untouched {
            return Ok(Both { walk: false, open: false });
        }
        let walk = self.evaluate(&parent.walk.0, &scratch.hits, None)?;
        if !self.has_exceptions {
            return Ok(Both { walk, open: walk });
        }
        merge(&mut scratch.hits, &parent.open.0);
        // A refused pattern that only this order of evaluation reaches fails the open.
        let open = self.evaluate(&[], &scratch.hits, None).unwrap_or(true);
        Ok(Both { walk, open })
    }

    /// Like [`Matcher::judge`] for a folder; also gives the state for what is in it.
    pub fn enter(
        &self,
        path: &[u8],
        parent: &Passed,
        scratch: &mut Scratch,
    ) -> Result<(Both, Passed), MatchError> {
        let both = self.judge(path, parent, scratch)?;
        self.hits(path, scratch);
        let mut walk = vec![0; self.words()];
        self.evaluate(&parent.walk.0, &scratch.hits, Some(&mut walk))?;
        merge(&mut scratch.hits, &parent.open.0);
        let passed = Passed { walk: State::of(&walk), open: State::of(&scratch.hits) };
        Ok((both, passed))
    }

    /// Whether a pattern with the wanted kind, after the last one that counted, may match
    /// something below `folder`. False is a proof; true is not.
    pub fn may_change_below(
        &self,
        folder: &[u8],
        state: &State,
        wanted: Wanted,
        scratch: &mut Scratch,
    ) -> bool {
        // A refused pattern must fail exactly where the reference fails.
        if !self.refused.is_empty() {
            return true;
        }
        let last = state.last().map_or(0, |last| last + 1);
        scratch.belows.resize_with(self.patterns.len(), || None);
        let later = self.patterns.iter().enumerate().skip(last);
        let mut candidates =
            later.filter(|(_, pattern)| pattern.is_exception == (wanted == Wanted::Exceptions));
        candidates.any(|(i, pattern)| pattern.may_match_below(folder, &mut scratch.belows[i]))
    }

    /// Calls `found` with the number of each pattern that matches `path` itself, in order.
    pub fn for_each_hit(&self, path: &[u8], scratch: &mut Scratch, mut found: impl FnMut(usize)) {
        self.hits(path, scratch);
        for (i, &word) in scratch.hits.iter().enumerate() {
            let mut word = word;
            while word != 0 {
                found(i * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }

    pub(super) fn error(&self, number: usize) -> MatchError {
        let source = self.patterns[number].source;
        let found = self.refused.iter().find(|(pattern, _)| *pattern as usize == number);
        let detail = found.map_or_else(String::new, |(_, detail)| detail.clone());
        MatchError::new(source, detail)
    }

    fn words(&self) -> usize {
        self.patterns.len().div_ceil(64)
    }

    fn hits(&self, path: &[u8], scratch: &mut Scratch) {
        scratch.hits.clear();
        scratch.hits.resize(self.words(), 0);
        self.index.search(path, &mut scratch.search, &mut scratch.hits);
    }

    /// Goes through the patterns that matter, in order. A pattern that matched the parent counts
    /// again; another is only looked at when it could change the outcome.
    fn evaluate(
        &self,
        parent: &[u64],
        hits: &[u64],
        mut counted: Option<&mut [u64]>,
    ) -> Result<bool, MatchError> {
        let mut matched = false;
        for (i, &hit_word) in hits.iter().enumerate() {
            let parent_word = parent.get(i).copied().unwrap_or(0);
            let mut word = hit_word | parent_word | self.refused_bits[i];
            while word != 0 {
                let bit = word.trailing_zeros();
                word &= word - 1;
                let number = i * 64 + bit as usize;
                let is_exception = self.patterns[number].is_exception;
                if parent_word & (1 << bit) == 0 {
                    if is_exception != matched {
                        continue;
                    }
                    if has(&self.refused_bits, number) {
                        return Err(self.error(number));
                    }
                }
                matched = !is_exception;
                if let Some(counted) = counted.as_deref_mut() {
                    set(counted, number);
                }
            }
        }
        Ok(matched)
    }
}

/// Whose way of compiling patterns counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clients {
    Current,
    Docker2010,
}

impl Clients {
    fn compile(self, pattern: &str) -> Form {
        match self {
            Clients::Current => form::compile(pattern),
            Clients::Docker2010 => form::compile_20_10(pattern),
        }
    }

    /// The text from which the index may guess what the expression means.
    fn shortcut(self, pattern: &Pattern) -> String {
        match self {
            Clients::Current => pattern.text.clone(),
            // `+` and others are no letters there.
            Clients::Docker2010 => String::new(),
        }
    }
}

/// Which patterns could bring something back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Patterns with `!`, which re-include what an exclude list excluded.
    Exceptions,
    /// Patterns without, which include in an include list.
    Rules,
}

/// What is wrong with one pattern, found without compiling it: cheap enough for every line.
/// Empty patterns and those that only become too large together have no fault.
pub fn fault(pattern: &str) -> Option<String> {
    fault_in(pattern, Clients::Current)
}

/// The same for the clients of Docker 20.10.
pub fn fault_20_10(pattern: &str) -> Option<String> {
    fault_in(pattern, Clients::Docker2010)
}

fn fault_in(pattern: &str, clients: Clients) -> Option<String> {
    match Pattern::new(0, pattern, clients) {
        Err(err) => Some(err.message),
        Ok(Some(Pattern { form: Form::Regex(regex), .. })) => {
            go_regex::parse(&regex).err().map(|err| err.0)
        }
        Ok(_) => None,
    }
}

impl Pattern {
    fn new(source: usize, raw: &str, clients: Clients) -> Result<Option<Pattern>, PatternError> {
        let trimmed = raw.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        let cleaned = glob::clean(trimmed);
        let fail = |message: &str| PatternError { index: source, message: message.to_owned() };
        let text = match cleaned.strip_prefix('!') {
            Some("") => return Err(fail("illegal exclusion pattern: \"!\"")),
            Some(rest) => rest,
            None => &cleaned,
        };
        Glob::new(text.as_bytes()).matches(b".").map_err(|_| fail("syntax error in pattern"))?;
        Ok(Some(Pattern {
            source,
            text: text.to_owned(),
            is_exception: cleaned.starts_with('!'),
            form: clients.compile(text),
            below: OnceLock::new(),
        }))
    }

    fn may_match_below(&self, folder: &[u8], cache: &mut Option<Cache>) -> bool {
        let starts_below = |text: &[u8]| {
            text.len() > folder.len() && text.starts_with(folder) && text[folder.len()] == b'/'
        };
        match &self.form {
            Form::Exact(path) => starts_below(path.as_bytes()),
            Form::Prefix(prefix) => {
                let prefix = prefix.as_bytes();
                starts_below(prefix) || folder.starts_with(prefix)
            }
            Form::Suffix(_) => true,
            Form::Regex(regex) => {
                self.below.get_or_init(|| Below::new(regex)).may_match(folder, cache)
            }
        }
    }
}

impl MatchError {
    fn new(index: usize, detail: String) -> MatchError {
        MatchError { index, message: "syntax error in pattern".to_owned(), detail }
    }
}

impl State {
    /// The numbers of the patterns in the set, in order.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        let numbers = 0..self.0.len() * 64;
        numbers.filter(|&number| has(&self.0, number))
    }

    fn of(words: &[u64]) -> State {
        let is_empty = words.iter().all(|&word| word == 0);
        State(if is_empty { Words::new() } else { words.to_vec() })
    }

    fn last(&self) -> Option<usize> {
        let (i, word) = self.0.iter().enumerate().rfind(|(_, word)| **word != 0)?;
        Some(i * 64 + 63 - word.leading_zeros() as usize)
    }
}

/// The parents of `path` as the reference splits them; none for a name in the root.
pub(super) fn parents(path: &[u8]) -> Vec<Vec<u8>> {
    let Some(slash) = path.iter().rposition(|&b| b == b'/') else { return Vec::new() };
    let is_tidy = path.first() != Some(&b'/')
        && path.split(|&b| b == b'/').all(|part| !matches!(part, b"" | b"." | b".."));
    let parent = if is_tidy {
        path[..slash].to_vec()
    } else {
        // Only whole text reaches this: paths of a walk are tidy.
        glob::dir(&String::from_utf8_lossy(path)).into_bytes()
    };
    if parent == b"." {
        return Vec::new();
    }
    let ends = parent.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
    let ends: Vec<usize> = ends.chain([parent.len()]).collect();
    ends.into_iter().map(|end| parent[..end].to_vec()).collect()
}

fn set(words: &mut [u64], number: usize) {
    words[number / 64] |= 1 << (number % 64);
}

fn has(words: &[u64], number: usize) -> bool {
    words[number / 64] & (1 << (number % 64)) != 0
}

fn merge(into: &mut [u64], from: &[u64]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into |= from);
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for MatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PatternError {}
impl std::error::Error for MatchError {}
