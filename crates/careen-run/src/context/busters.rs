//! What changes often below each COPY, and which steps run again after it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use careen_check::generate::ignore_categories::CATEGORIES;
use careen_check::{Facts, ParsedDockerfile, last_seconds, rebuild_cost};
use careen_model::context::Amount;
use careen_model::context_busters::{Buster, Disturbed, Rerun};
use careen_model::rebuild_cost::RebuildCost;
use careen_model::{ChangeFacts, Fact, HistoryFacts, Why};
use careen_syntax::dockerfile::{Base, Dockerfile, Given, Keyword, Meaning};
use careen_syntax::ignore::{Matcher, Scratch};

use super::{Ground, Set, TMPFS, line_of};
use crate::changes;

impl Ground {
    /// Every source with what disturbs it, in the order of the Dockerfile. Walks the context once
    /// and asks `git`.
    pub fn busters(&self, history: &HistoryFacts) -> Result<Vec<Disturbed>, Why> {
        let (Some(file), Some(sources)) = (&self.file, &self.sources) else {
            return Err(Why::Absent { what: "Dockerfile".to_owned() });
        };
        let meaning = file.meaning(&Given::default());
        let target = self.project.target.as_deref();
        let found = meaning.context_sources(target);
        let listing = self.list(Set::Sent)?;
        let changes = changes::ask(&self.project.context).ok();
        let since = history.builds.first().map(|build| build.started_at);
        let mut out = Vec::new();
        for (source, used) in found.iter().zip(sources) {
            if used.instruction == TMPFS {
                continue;
            }
            let mut groups = Groups::new(&used.path, since);
            listing.for_each(|path, view| {
                let bytes = if view.is_file() && view.hard_link.is_none() { view.size } else { 0 };
                groups.see(path, view.is_file(), bytes, view.mtime_ns);
            });
            out.push(Disturbed {
                source: used.clone(),
                busters: groups.finish(changes.as_ref()),
                steps: reruns(file, &meaning, target, (source.stage, source.item), history),
                commits: changes.as_ref().map(|changes| changes.commits.len() as u64),
            });
        }
        Ok(out)
    }
}

impl Ground {
    /// What the next rebuild is expected to cost, as `git` and the recorded builds tell.
    pub fn rebuild_cost(&self, history: &HistoryFacts) -> Fact<RebuildCost> {
        let Some(file) = &self.file else {
            return Fact::Unknown(Why::Absent { what: "Dockerfile".to_owned() });
        };
        let parsed = ParsedDockerfile { path: self.dockerfile.clone(), file: file.clone() };
        let facts = Facts {
            project: Some(self.project.clone()),
            changes: changes::of_project(&self.project, Some(&parsed)),
            history: history.clone(),
            ..Facts::nothing(0)
        };
        rebuild_cost(&parsed, &facts)
    }
}

/// The kinds of files that tools make again and again.
struct Derived {
    matcher: Matcher,
    scratch: Scratch,
    /// The category of each pattern.
    owners: Vec<&'static str>,
}

impl Derived {
    fn new() -> Option<Derived> {
        let categories = CATEGORIES.iter().filter(|category| category.is_derived);
        let all = categories.flat_map(|one| one.patterns.iter().map(|text| (*text, one.name)));
        let (patterns, owners): (Vec<&str>, Vec<&str>) = all.unzip();
        let matcher = Matcher::new(&patterns).ok()?;
        let owners = matcher.patterns().iter().map(|pattern| owners[pattern.source]).collect();
        Some(Derived { matcher, scratch: Scratch::default(), owners })
    }

    /// Of the path itself: folders are entries of their own.
    fn category(&mut self, path: &[u8]) -> Option<&'static str> {
        let mut first = None;
        let owners = &self.owners;
        self.matcher.for_each_hit(path, &mut self.scratch, |number| {
            first.get_or_insert(owners[number]);
        });
        first
    }
}

/// What lies directly in one source, summed up.
struct Groups<'a> {
    source: &'a str,
    /// Seconds since the Unix epoch: the last recorded build.
    since: Option<i64>,
    derived: Option<Derived>,
    found: BTreeMap<Vec<u8>, Buster>,
}

impl<'a> Groups<'a> {
    fn new(source: &'a str, since: Option<i64>) -> Groups<'a> {
        Groups { source, since, derived: Derived::new(), found: BTreeMap::new() }
    }

    /// The group of a path: the source itself when it is a file, else its child. A source with a
    /// wildcard is taken by its beginning, so that its matches are the groups.
    fn group(&self, path: &[u8]) -> Option<Vec<u8>> {
        let fixed = match self.source.find(['*', '?', '[', '\\']) {
            Some(at) => self.source[..at].rsplit_once('/').map_or(".", |(folder, _)| folder),
            None => self.source,
        };
        if fixed == "." {
            return path.split(|byte| *byte == b'/').next().map(<[u8]>::to_owned);
        }
        match path.strip_prefix(fixed.as_bytes())? {
            b"" => Some(path.to_owned()),
            [b'/', rest @ ..] => {
                let child = rest.split(|byte| *byte == b'/').next().unwrap_or(rest);
                Some([fixed.as_bytes(), b"/", child].concat())
            }
            _ => None,
        }
    }

    fn see(&mut self, path: &[u8], is_file: bool, bytes: u64, mtime_ns: i64) {
        let Some(group) = self.group(path) else { return };
        let category = self.derived.as_mut().and_then(|derived| derived.category(path));
        let newer = is_file && self.since.is_some_and(|since| mtime_ns / 1_000_000_000 >= since);
        let path = PathBuf::from(OsStr::from_bytes(&group));
        let buster = self.found.entry(group).or_insert_with(|| Buster {
            path,
            amount: Amount::default(),
            commits: 0,
            category: None,
            is_newer: false,
        });
        buster.amount.entries += 1;
        buster.amount.files += u64::from(is_file);
        buster.amount.bytes += bytes;
        buster.category = buster.category.or(category);
        buster.is_newer |= newer;
    }

    /// What changes at all, the most often first.
    fn finish(mut self, changes: Option<&ChangeFacts>) -> Vec<Buster> {
        let counts = changes.map(|changes| changes.count(|path| self.group(path)));
        for (group, count) in counts.unwrap_or_default() {
            if let Some(buster) = self.found.get_mut(&group) {
                buster.commits = count;
            }
        }
        let mut busters: Vec<Buster> = self.found.into_values().collect();
        busters.retain(|one| one.commits > 0 || one.category.is_some() || one.is_newer);
        // Files that tools make change with every run, more often than any commit.
        busters.sort_by_key(|one| {
            std::cmp::Reverse((one.category.is_some(), one.commits, one.is_newer))
        });
        busters
    }
}

/// The steps that run again when what `(stage, item)` takes has changed: the rest of its stage, and
/// of the stages that build on it or copy from it.
fn reruns(
    file: &Dockerfile,
    meaning: &Meaning<'_>,
    target: Option<&str>,
    changed: (usize, usize),
    history: &HistoryFacts,
) -> Vec<Rerun> {
    let reachable = meaning.reachable(target);
    // From which item on each stage runs again.
    let mut from: BTreeMap<usize, usize> = BTreeMap::from([changed]);
    let mut waiting = vec![changed.0];
    while let Some(stage) = waiting.pop() {
        for &other in reachable.iter().filter(|other| **other != stage) {
            let Some(start) = depends(file, meaning, other, stage) else { continue };
            let known = from.get(&other).copied().unwrap_or(usize::MAX);
            if start < known {
                from.insert(other, start);
                waiting.push(other);
            }
        }
    }
    let mut items = BTreeSet::new();
    for (stage, start) in from {
        let range = meaning.stages[stage].items.clone();
        items.extend(range.filter(|item| *item >= start));
    }
    let steps = items.into_iter().filter_map(|item| {
        let instruction = file.items[item].instruction()?;
        let is_step = matches!(instruction.keyword, Keyword::Run | Keyword::Copy | Keyword::Add);
        is_step.then(|| {
            let text = String::from_utf8_lossy(instruction.logical().text()).into_owned();
            let measured = last_seconds(history, &text);
            Rerun {
                line: line_of(file.source(), instruction.code.start),
                text: text.split_whitespace().collect::<Vec<_>>().join(" "),
                seconds: measured.as_ref().map(|(seconds, _)| *seconds),
                build: measured.map(|(_, build)| build),
            }
        })
    });
    steps.collect()
}

/// The first item of `stage` that sees what `other` made; `None` when nothing does.
fn depends(file: &Dockerfile, meaning: &Meaning<'_>, stage: usize, other: usize) -> Option<usize> {
    let own = &meaning.stages[stage];
    if own.base == Base::Stage(other) {
        return Some(own.items.start);
    }
    own.items.clone().find(|item| {
        let Some(instruction) = file.items[*item].instruction() else { return false };
        let copies = instruction.transfer().and_then(|transfer| transfer.from);
        let is_copied = copies.is_some_and(|from| meaning.find(from.text()) == Some(other));
        is_copied
            || instruction.run().is_some_and(|run| {
                let from = run.mounts.iter().filter_map(|mount| mount.from());
                from.into_iter().any(|from| meaning.find(from) == Some(other))
            })
    })
}
