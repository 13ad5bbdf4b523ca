//! Links on the way to COPY sources, resolved as the builder's client resolves them.
//!
//! The rules, with their surprises, are those of `FollowLinks` in tonistiigi/fsutil
//! `followlinks.go`: a wildcard before the last component with a link among its matches includes
//! the whole wildcard, and a link is followed only for the first source that goes through it.

use std::collections::{BTreeSet, HashMap};

use careen_syntax::ignore::{dedupe_paths, glob};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat},
    io::Errno,
};

use crate::walk::error::WalkError;

/// COPY sources with their links resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// The include patterns; `None` when one of them is the root, so that nothing is filtered.
    /// An empty list filters nothing either.
    pub include: Option<Vec<String>>,
    pub traps: Vec<SourceTrap>,
}

/// A COPY source that sends something else than its author meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceTrap {
    /// A wildcard before the last component has a link among its matches, so that everything it
    /// matches is sent: 50 MB instead of 200 bytes, measured with Docker 20.10 and current BuildKit.
    WideWildcard { wildcard: String, target: String },
    /// An earlier source went through the same link, so this one is not sent and its COPY fails
    /// with "not found": seen with both test engines and the client of Docker 28.5.
    LinkUsedTwice { source: String, link: String },
}

/// The include patterns for `paths`, without the traps.
pub fn follow_links(root: &OwnedFd, paths: &[String]) -> Result<Option<Vec<String>>, WalkError> {
    follow(root, paths).map(|followed| followed.include)
}

/// Resolves the links on `paths`, in their order.
pub fn follow(root: &OwnedFd, paths: &[String]) -> Result<Followed, WalkError> {
    let mut resolver = Resolver {
        root,
        resolved: BTreeSet::new(),
        folders: HashMap::new(),
        wide: Vec::new(),
        lost: Vec::new(),
    };
    // A stack instead of recursion, because a chain of links may be long.
    let mut waiting: Vec<String> = paths.iter().rev().cloned().collect();
    while let Some(path) = waiting.pop() {
        let targets = resolver.resolve(&glob::join(".", &path))?;
        waiting.extend(targets.into_iter().rev());
    }
    let reached = resolver.resolved;
    if reached.contains(".") {
        return Ok(Followed { include: None, traps: Vec::new() });
    }
    let is_sent = |path: &str| {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| reached.contains(&path[..end]))
    };
    let lost = resolver.lost.into_iter().filter(|lost| !is_sent(&lost.instead));
    let twice = lost.map(|lost| SourceTrap::LinkUsedTwice { source: lost.source, link: lost.link });
    let traps = resolver.wide.into_iter().chain(twice).collect();
    Ok(Followed { include: Some(dedupe_paths(reached.into_iter().collect())), traps })
}

/// COPY sources as the Dockerfile frontend hands them to the client: relative, cleaned, sorted,
/// each once. `None` when the whole context is one of them.
pub fn normalize_sources(sources: &[String]) -> Option<Vec<String>> {
    let rooted = sources.iter().map(|source| glob::join("/", source));
    let mut paths = rooted
        .map(|path| path.strip_prefix('/').filter(|rest| !rest.is_empty()).map(str::to_owned))
        .collect::<Option<Vec<String>>>()?;
    paths.sort();
    paths.dedup();
    Some(paths)
}

struct Resolver<'a> {
    root: &'a OwnedFd,
    resolved: BTreeSet<String>,
    /// The links of folders that were read for a wildcard: (name, is a link).
    folders: HashMap<String, Vec<(String, bool)>>,
    wide: Vec<SourceTrap>,
    lost: Vec<Lost>,
}

/// A source that was given up at a link that was resolved before.
struct Lost {
    source: String,
    link: String,
    /// What should have been sent.
    instead: String,
}

impl Resolver<'_> {
    /// Goes along `path` to its end or to the first link; gives what to resolve instead.
    fn resolve(&mut self, path: &str) -> Result<Vec<String>, WalkError> {
        let mut at = ".".to_owned();
        let mut rest = path;
        loop {
            let (component, after) = rest.split_once('/').unwrap_or((rest, ""));
            at = glob::join(&at, component);
            let targets = self.targets(&at)?;
            rest = after;
            if targets.is_empty() && !rest.is_empty() {
                continue;
            }
            let next: Vec<String> = targets.iter().map(|target| glob::join(target, rest)).collect();
            let is_wide = glob::has_wildcard(glob::base(&at)) && !rest.is_empty();
            if self.resolved.insert(at.clone()) {
                if is_wide && let Some(target) = targets.into_iter().next() {
                    self.wide.push(SourceTrap::WideWildcard { wildcard: at, target });
                }
                return Ok(next);
            }
            if !rest.is_empty() && !is_wide {
                self.lost.extend(next.into_iter().map(|target| Lost {
                    source: path.to_owned(),
                    link: at.clone(),
                    instead: target.trim_start_matches('/').to_owned(),
                }));
            }
            return Ok(Vec::new());
        }
    }

    /// Where `path` points, when it is a link or a wildcard with links among its matches.
    fn targets(&mut self, path: &str) -> Result<Vec<String>, WalkError> {
        // The builder would look above the context here; a COPY source never leads there.
        if path == "." || path.split('/').any(|part| part == "..") {
            return Ok(Vec::new());
        }
        let name = glob::base(path);
        if !glob::has_wildcard(name) {
            return Ok(self.target(path)?.into_iter().collect());
        }
        let folder = glob::dir(path);
        let pattern = glob::Glob::new(name.as_bytes());
        let entries = self.list(&folder)?;
        let matching: Vec<String> = entries
            .iter()
            .filter(|(name, is_link)| *is_link && pattern.matches(name.as_bytes()).unwrap_or(false))
            .map(|(name, _)| glob::join(&folder, name))
            .collect();
        let mut targets = Vec::new();
        for link in matching {
            targets.extend(self.target(&link)?);
        }
        Ok(targets)
    }

    fn target(&self, path: &str) -> Result<Option<String>, WalkError> {
        let stat = match statat(self.root, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(errno) if is_absent(errno) => return Ok(None),
            Err(errno) => return Err(failed(path, errno)),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return Ok(None);
        }
        let link = match readlinkat(self.root, path, Vec::new()) {
            Ok(link) => glob::clean(&link.to_string_lossy()),
            Err(errno) if is_absent(errno) => return Ok(None),
            Err(errno) => return Err(failed(path, errno)),
        };
        if link.starts_with('/') {
            return Ok(Some(link));
        }
        Ok(Some(glob::join("/", &glob::join(&glob::dir(path), &link))))
    }

    fn list(&mut self, folder: &str) -> Result<&[(String, bool)], WalkError> {
        if !self.folders.contains_key(folder) {
            let entries = match read_folder(self.root, folder) {
                Ok(entries) => entries,
                Err(errno) if is_absent(errno) => Vec::new(),
                Err(errno) => return Err(failed(folder, errno)),
            };
            self.folders.insert(folder.to_owned(), entries);
        }
        Ok(&self.folders[folder])
    }
}

fn read_folder(root: &OwnedFd, folder: &str) -> Result<Vec<(String, bool)>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = openat(root.as_fd(), folder, flags, Mode::empty())?;
    let mut entries = Vec::new();
    for entry in Dir::read_from(&fd)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let mut kind = entry.file_type();
        if kind == FileType::Unknown {
            let stat = statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW)?;
            kind = FileType::from_raw_mode(stat.st_mode);
        }
        entries.push((glob::runes(name.to_bytes()), kind == FileType::Symlink));
    }
    entries.sort();
    Ok(entries)
}

fn is_absent(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG)
}

fn failed(path: &str, errno: Errno) -> WalkError {
    WalkError::Source { path: path.to_owned(), error: errno.into() }
}
