//! What other builders than current BuildKit send: the classic one, and both of Docker 20.10.
//!
//! Everything is listed first and then thrown out by the rules of each: exact, and slower than
//! the walk. The rules are those of `TarWithOptions` in moby/go-archive and of `Walk` in
//! tonistiigi/fsutil before 2021, seen on real builds (`tests/engine_builders.rs`).

use std::collections::BTreeSet;
use std::path::Path;

use careen_model::Why;
use careen_syntax::ignore::{Matcher, dedupe_paths, fault, fault_20_10, glob::Glob};

use crate::walk::{Walk, WalkRequest, follow_links, normalize_sources, open_root, survey::why};

/// Whose rules count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Builder {
    /// BuildKit with buildx or a client of 2023 or later.
    #[default]
    BuildKit,
    /// BuildKit with the client of Docker 20.10, without buildx.
    BuildKit2010,
    /// The classic builder (`DOCKER_BUILDKIT=0`) of current clients.
    Classic,
    /// The classic builder of Docker 20.10.
    Classic2010,
}

impl Builder {
    pub fn name(self) -> &'static str {
        match self {
            Builder::BuildKit => "buildkit",
            Builder::BuildKit2010 => "buildkit-20.10",
            Builder::Classic => "classic",
            Builder::Classic2010 => "classic-20.10",
        }
    }

    /// Sends all that is kept, as one archive, whatever the Dockerfile copies.
    pub fn is_classic(self) -> bool {
        matches!(self, Builder::Classic | Builder::Classic2010)
    }

    fn is_2010(self) -> bool {
        matches!(self, Builder::BuildKit2010 | Builder::Classic2010)
    }

    /// Why every build with this pattern fails.
    pub fn fault(self, pattern: &str) -> Option<String> {
        if self.is_2010() { fault_20_10(pattern) } else { fault(pattern) }
    }

    fn matcher(self, patterns: &[String]) -> Result<Matcher, Why> {
        let matcher =
            if self.is_2010() { Matcher::docker_20_10(patterns) } else { Matcher::new(patterns) };
        matcher.map_err(|err| bad_pattern(&patterns[err.index], err.message))
    }

    fn is_match(self, matcher: &Matcher, path: &[u8]) -> Result<bool, Why> {
        let found =
            if self.is_2010() { matcher.legacy_match(path) } else { matcher.walk_match(path) };
        found.map_err(|err| bad_pattern(&matcher.patterns()[err.index].text, err.detail))
    }
}

fn bad_pattern(pattern: &str, error: String) -> Why {
    Why::Unreadable { what: format!("the pattern `{pattern}`"), error }
}

/// The patterns with which the classic builder sends the ignore file and the Dockerfile, which it
/// reads from what was sent. `dockerfile` is relative to the context.
pub fn classic_patterns(patterns: &[String], dockerfile: &str) -> Vec<String> {
    let mut out = patterns.to_vec();
    for name in [".dockerignore", dockerfile] {
        let is_out = Matcher::new(&out)
            .map(|matcher| matcher.legacy_match(name.as_bytes()).unwrap_or(false));
        if is_out.unwrap_or(false) {
            out.push(format!("!{name}"));
        }
    }
    out
}

/// Lists what this builder is sent, in its order.
pub fn sent_to(
    builder: Builder,
    root: &Path,
    patterns: &[String],
    sources: Option<&[String]>,
) -> Result<Walk, Why> {
    if builder == Builder::BuildKit {
        return super::sent(root, patterns, sources);
    }
    let follow = sources.filter(|_| !builder.is_classic()).map(normalize_sources);
    let include = match follow {
        Some(Some(paths)) if paths.is_empty() => return Ok(Walk::default()),
        Some(Some(paths)) => open_root(root)
            .and_then(|folder| follow_links(&folder, &paths))
            .map_err(|err| why(root, &err))?
            .map(dedupe_paths),
        _ => None,
    };
    let request = WalkRequest { root: root.to_owned(), ..WalkRequest::default() };
    let mut everything = super::walk(&request).map_err(|err| why(root, &err))?;
    let matcher = builder.matcher(patterns)?;
    let mut rules = Rules { builder, matcher, include, pruned: BTreeSet::new(), included: None };
    let mut keep = Vec::with_capacity(everything.len());
    let mut failed = None;
    everything.for_each(|path, view| {
        let verdict = rules.lists(path, view.is_folder());
        let is_socket = view.mode & 0o170_000 == 0o140_000;
        keep.push(match verdict {
            Ok(is_listed) => is_listed && !(builder.is_classic() && is_socket),
            Err(why) => {
                failed.get_or_insert(why);
                false
            }
        });
    });
    if let Some(why) = failed {
        return Err(why);
    }
    if builder.is_classic() {
        // Its archive remembers the numbers of files with several names only.
        everything.named.retain(|one| one.identity.is_shared);
    }
    everything.retain(&keep);
    everything.faults.retain(|fault| !rules.is_pruned(&fault.path));
    Ok(everything)
}

/// One pass over a listing in order.
struct Rules {
    builder: Builder,
    matcher: Matcher,
    include: Option<Vec<String>>,
    /// Folders that are not entered.
    pruned: BTreeSet<Vec<u8>>,
    /// The folder that was included last with all that is in it, with a slash at the end.
    included: Option<Vec<u8>>,
}

impl Rules {
    fn lists(&mut self, path: &[u8], is_folder: bool) -> Result<bool, Why> {
        if self.is_pruned(path) {
            return Ok(false);
        }
        if !self.is_included(path, is_folder) {
            if is_folder {
                self.pruned.insert(path.to_owned());
            }
            return Ok(false);
        }
        if !self.builder.is_match(&self.matcher, path)? {
            return Ok(true);
        }
        if !is_folder {
            return Ok(false);
        }
        // The text of an exception that begins with the folder keeps the way open. BuildKit's
        // client lists such a folder, the archive of the classic builder does not.
        let below = [path, b"/"].concat();
        let leads_below = |text: &str| format!("{text}/").as_bytes().starts_with(&below);
        let mut exceptions = self.matcher.patterns().iter().filter(|pattern| pattern.is_exception);
        if exceptions.any(|pattern| leads_below(&pattern.text)) {
            return Ok(!self.builder.is_classic());
        }
        self.pruned.insert(path.to_owned());
        Ok(false)
    }

    /// Whether COPY sources reach the path, or might reach something below it.
    fn is_included(&mut self, path: &[u8], is_folder: bool) -> bool {
        let Some(include) = &self.include else { return true };
        if self.included.as_ref().is_some_and(|folder| path.starts_with(folder)) {
            return true;
        }
        let mut partly = false;
        let mut wholly = false;
        for pattern in include {
            match match_start(pattern, path) {
                Start::Whole => {
                    wholly = true;
                    break;
                }
                Start::Part => partly = true,
                Start::No => (),
            }
        }
        if wholly && is_folder {
            self.included = Some([path, b"/"].concat());
        }
        wholly || partly
    }

    fn is_pruned(&self, path: &[u8]) -> bool {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        ends.chain([path.len()]).any(|end| self.pruned.contains(&path[..end]))
    }
}

enum Start {
    No,
    /// The beginning of the pattern matches, and it goes deeper.
    Part,
    Whole,
}

fn match_start(pattern: &str, path: &[u8]) -> Start {
    let components = path.split(|byte| *byte == b'/').count();
    let is_deeper = pattern.split('/').count() > components;
    let head: Vec<&str> = pattern.split('/').take(components).collect();
    let head = if is_deeper { head.join("/") } else { pattern.to_owned() };
    match (Glob::new(head.as_bytes()).matches(path).unwrap_or(false), is_deeper) {
        (false, _) => Start::No,
        (true, true) => Start::Part,
        (true, false) => Start::Whole,
    }
}
