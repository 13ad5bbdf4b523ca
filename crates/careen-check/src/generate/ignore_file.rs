//! Writes or completes a `.dockerignore` without hiding what the build copies.
//!
//! Lines that exist stay as they are and where they are. Whether something is missing is decided
//! by matching as the builder does, never by comparing text, so writing twice changes nothing.

use std::collections::BTreeSet;

use careen_model::ProjectFacts;
use careen_model::facts::context::CategoryAmount;
use careen_syntax::ignore::{Matcher, read};

use super::ignore_categories::{CATEGORIES, Category};

/// Files that builds read before anything else: never hidden, though only some are copied by name.
pub const KEPT: [&str; 8] = [
    "pyproject.toml",
    "uv.lock",
    "README.md",
    ".python-version",
    "requirements.txt",
    "package.json",
    ".devcontainer/Dockerfile",
    "Dockerfile",
];

/// What the ignore file is written from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The text of the ignore file in force, if there is one.
    pub existing: Option<&'a str>,
    pub project: &'a ProjectFacts,
    /// What lies in the context of each category; categories that do not occur may be left out.
    pub amounts: &'a [CategoryAmount],
    /// Sources of COPY, ADD and bind mounts, relative to the context.
    pub needed: &'a [String],
    /// Further files that must stay, relative to the context; usually [`KEPT`].
    pub keep: &'a [&'a str],
}

/// The new text and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub text: String,
    /// New patterns by name of their category.
    pub added: Vec<(&'static str, Vec<&'static str>)>,
    /// New `!` lines, without the `!`.
    pub exceptions: Vec<String>,
    /// Patterns that were left out, and why.
    pub refused: Vec<(String, String)>,
}

impl Proposal {
    /// True when no program can miss what the new patterns hide: all of it is made by tools.
    pub fn is_safe(&self) -> bool {
        let derived = |name: &str| CATEGORIES.iter().any(|c| c.name == name && c.is_derived);
        self.added.iter().all(|(name, _)| derived(name))
    }
}

/// The ignore file with every category that is present or likely, as far as the build allows.
pub fn propose(request: &Request<'_>) -> Proposal {
    propose_from(request, &CATEGORIES)
}

/// As [`propose`] with the derived categories only: what a safe fix may write.
pub fn propose_safe(request: &Request<'_>) -> Proposal {
    let derived: Vec<Category> =
        CATEGORIES.iter().filter(|category| category.is_derived).copied().collect();
    propose_from(request, &derived)
}

fn propose_from(request: &Request<'_>, categories: &[Category]) -> Proposal {
    let existing = request.existing.unwrap_or("");
    let patterns = read(existing.as_bytes()).patterns;
    let unchanged = |refused| Proposal {
        text: existing.to_owned(),
        added: vec![],
        exceptions: vec![],
        refused,
    };
    let now = match Matcher::new(&patterns) {
        Ok(now) => now,
        Err(err) => {
            let pattern = patterns.get(err.index).cloned().unwrap_or_default();
            return unchanged(vec![(pattern, format!("it fails every build: {}", err.message))]);
        }
    };
    let wishes: Vec<String> =
        now.patterns().iter().filter(|p| p.is_exception).map(|p| p.text.clone()).collect();
    let mut needed: Vec<String> = request.needed.iter().map(|source| clean(source)).collect();
    needed.extend(wishes.iter().cloned());
    // Copying everything names nothing.
    needed.retain(|source| !source.is_empty() && source != ".");

    let mut refused = Vec::new();
    let mut added: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
    for category in categories.iter().filter(|category| is_wanted(category, request)) {
        let mut chosen = Vec::new();
        for &pattern in category.patterns {
            if is_covered(&now, category, pattern, &wishes) {
                continue;
            }
            match objection(category, pattern, &needed) {
                Some(reason) => refused.push((pattern.to_owned(), reason)),
                None => chosen.push(pattern),
            }
        }
        if !chosen.is_empty() {
            added.push((category.name, chosen));
        }
    }
    if added.is_empty() {
        return unchanged(refused);
    }
    let mut exceptions = exceptions(&patterns, &added, &needed, request.keep);
    let new = added.iter().flat_map(|(_, list)| list.iter().map(|&text| text.to_owned()));
    let mut all: Vec<String> = patterns.iter().cloned().chain(new).collect();
    // An exception with no effect is noise; each must earn its line.
    exceptions.retain(|path| is_hidden(&all, path));
    all.extend(exceptions.iter().map(|path| format!("!{path}")));
    let again = let_in_again(&all, &exceptions, &added);
    let text = compose(existing, &added, &exceptions, &again);
    Proposal { text, added, exceptions, refused }
}

fn is_wanted(category: &Category, request: &Request<'_>) -> bool {
    let is_present =
        |amount: &CategoryAmount| amount.category == category.name && amount.amount.entries > 0;
    category.is_likely_for(&request.project.kinds) || request.amounts.iter().any(is_present)
}

/// Paths that a pattern of our table is there for.
fn probes(category: &Category, pattern: &str, wishes: &[String]) -> Vec<String> {
    let name = pattern.trim_start_matches("**/").replace('*', "x");
    let mut probes = vec![name.clone()];
    if pattern.starts_with("**") {
        probes.push(format!("a/{name}"));
        if category.is_derived {
            // What an exception lets in again is where a floating pattern still has work to do.
            let folders = wishes.iter().filter(|wish| looks_like_a_folder(wish));
            probes.extend(folders.map(|folder| format!("{folder}/a/{name}")));
        }
    }
    probes
}

fn is_covered(now: &Matcher, category: &Category, pattern: &str, wishes: &[String]) -> bool {
    let hidden = |path: &String| {
        let path = path.as_bytes();
        // A pattern that fails at a path fails the build; it covers nothing.
        now.is_match(path).unwrap_or(false) && now.walk_match(path).unwrap_or(false)
    };
    probes(category, pattern, wishes).iter().all(hidden)
}

/// Only names are at hand: `src` is a folder, `uv.lock`, `.env` and `Makefile` are files.
fn looks_like_a_folder(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !name.contains('.') && !name.starts_with(char::is_uppercase) && can_be_excepted(path)
}

/// Patterns to repeat after the exceptions, which let caches inside a kept folder in again.
fn let_in_again(
    all: &[String],
    exceptions: &[String],
    added: &[(&'static str, Vec<&'static str>)],
) -> Vec<&'static str> {
    let Ok(matcher) = Matcher::new(all) else { return vec![] };
    let chosen = |name: &str| added.iter().any(|(known, _)| *known == name);
    let mut again = Vec::new();
    for category in CATEGORIES.iter().filter(|c| c.is_derived && chosen(c.name)) {
        let is_open = |pattern: &&&str| !is_covered(&matcher, category, pattern, exceptions);
        again.extend(category.patterns.iter().filter(is_open));
    }
    again
}

/// Why a pattern must not be written, if the build copies what it would hide.
fn objection(category: &Category, pattern: &str, needed: &[String]) -> Option<String> {
    let alone = Matcher::new(&[pattern]).ok()?;
    for source in needed {
        // A wildcard stands for some name.
        let path = source.replace(['*', '?'], "x");
        let hides = alone.is_match(path.as_bytes()).unwrap_or(true);
        let is_whole = clean(pattern) == path || path != *source;
        if hides && (is_whole || !can_be_excepted(source)) {
            return Some(format!("the build copies {source}"));
        }
        let has_home = source.split('/').any(|part| category.homes.contains(&part));
        if has_home && pattern.starts_with("**/*.") {
            return Some(format!("the build copies {source}, which holds such files"));
        }
    }
    None
}

fn can_be_excepted(source: &str) -> bool {
    !source.contains(['*', '?', '[', '\\', '!', '#', ' '])
}

/// What the new patterns would hide although it is copied or kept.
fn exceptions(
    patterns: &[String],
    added: &[(&'static str, Vec<&'static str>)],
    needed: &[String],
    keep: &[&str],
) -> Vec<String> {
    let new: Vec<String> =
        added.iter().flat_map(|(_, list)| list.iter().map(|&text| text.to_owned())).collect();
    let paths = needed.iter().map(String::as_str).chain(keep.iter().copied());
    let hidden = paths.filter(|path| {
        // What was hidden before stays the user's decision.
        can_be_excepted(path) && is_hidden(&new, path) && !is_hidden(patterns, path)
    });
    let unique: BTreeSet<String> = hidden.map(str::to_owned).collect();
    unique.into_iter().collect()
}

fn is_hidden(patterns: &[String], path: &str) -> bool {
    let Ok(matcher) = Matcher::new(patterns) else { return false };
    let path = path.as_bytes();
    matcher.is_match(path).unwrap_or(true) || matcher.walk_match(path).unwrap_or(true)
}

fn compose(
    existing: &str,
    added: &[(&'static str, Vec<&'static str>)],
    exceptions: &[String],
    again: &[&str],
) -> String {
    let end = if existing.contains("\r\n") { "\r\n" } else { "\n" };
    let mut text = existing.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(end);
    }
    let mut block = |title: &str, lines: &mut dyn Iterator<Item = String>| {
        let is_first = text.trim_start_matches('\u{feff}').is_empty();
        if !is_first {
            text.push_str(end);
        }
        text.push_str("# ");
        text.push_str(title);
        text.push_str(end);
        for line in lines {
            text.push_str(&line);
            text.push_str(end);
        }
    };
    for (name, patterns) in added {
        let title = CATEGORIES.iter().find(|c| c.name == *name).map_or(*name, |c| c.title);
        block(title, &mut patterns.iter().map(|&pattern| pattern.to_owned()));
    }
    if !exceptions.is_empty() {
        let lines = &mut exceptions.iter().map(|path| format!("!{path}"));
        block("Kept, because the build needs it", lines);
    }
    if !again.is_empty() {
        block("Not needed in what is kept either", &mut again.iter().map(|&p| p.to_owned()));
    }
    text
}

/// A path of the context without `./`, doubled and trailing slashes.
fn clean(path: &str) -> String {
    let parts = path.trim().split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
