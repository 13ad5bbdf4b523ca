//! One walk of a context turned into facts: what is kept, what is sent, what is large or dangerous.

use std::{
    collections::BTreeMap,
    io::{BufReader, Read},
    path::{Path, PathBuf},
    time::Instant,
};

use careen_model::{
    ContextFacts, Fact, Why,
    context::{Amount, Hazard, HazardKind, Secret, Sized},
};
use careen_syntax::ignore::{Filter, Reading, line_readings};
use rustix::{
    fd::OwnedFd,
    fs::{Access, AtFlags, accessat},
};

use crate::walk::{
    FaultKind, Force, SourceTrap, View, Walk, WalkError, WalkRequest,
    copies::{Copied, Copies},
    follow,
    hot::Hot,
    in_force, normalize_sources, open_root, secrets,
    sieve::{Passed, sieve},
    totals::{self, Ranking, to_path},
    walk,
};

/// What to find out about a context.
#[derive(Debug, Clone)]
pub struct SurveyRequest<'a> {
    pub root: PathBuf,
    /// Relative to the root, or absolute.
    pub dockerfile: PathBuf,
    /// Sources of COPY, ADD and bind mounts of the reachable stages, as written. `None` when they
    /// are not known: everything kept counts as sent. An empty list sends nothing.
    pub follow: Option<Vec<String>>,
    /// The same sources with what becomes of what they take; empty when they are not known.
    pub copied: Vec<Copied>,
    /// Categories of an ignore file and their patterns, to be priced.
    pub categories: &'a [(&'static str, &'a [&'a str])],
    /// Also count what is ignored, which means walking through it.
    pub everything: bool,
    /// The ignore file in force; `None` finds it by BuildKit's rules.
    pub force: Option<Force>,
}

/// Paths of [`ContextFacts::unreadable`] that are kept.
const UNREADABLE_SHOWN: usize = 20;

/// Walks the context once and sums it up.
///
/// Patterns that fail every build are problems of the ignore file; the amounts are those without
/// them.
pub fn survey(request: &SurveyRequest<'_>) -> Result<ContextFacts, Why> {
    let dockerfile = request.root.join(&request.dockerfile);
    let force = request.force.clone().unwrap_or_else(|| in_force(&dockerfile, &request.root));
    let mut exclude = force.working_patterns();
    // careen's own folder is never sent, whatever the ignore file says.
    exclude.push("**/.careen".to_owned());
    let clock = Instant::now();
    let listing = walk(&WalkRequest {
        root: request.root.clone(),
        exclude: if request.everything { Vec::new() } else { exclude.clone() },
        ..WalkRequest::default()
    })
    .map_err(|err| why(&request.root, &err))?;
    let walk_seconds = clock.elapsed().as_secs_f64();
    let sets = Sets::new(request, &listing, &exclude).map_err(|err| why(&request.root, &err))?;
    let mut tally = Tally::default();
    tally.count(request, &listing, &sets).map_err(|err| why(&request.root, &err))?;
    tally.report(&listing);
    let is_sent = |place| has(sets.kept.as_deref(), place) && has(sets.sent.as_deref(), place);
    tally.hazards.extend(mistaken(&request.root, &listing, is_sent));
    tally.hazards.extend(sets.traps.iter().map(trap));
    tally.hazards.extend(reads_ignored(&request.root, &exclude, tally.kept));
    let places = tally.ranking.files();
    let unused_files = places.filter(|&place| !has(sets.sent.as_deref(), place));
    let unused_files = unused_files.map(|place| to_path(&listing.path(place))).collect();
    let unused = tally.unused.into_iter().filter(|(_, amount)| amount.bytes > 0);
    let unused = unused.map(|(path, amount)| Sized { path: to_path(&path), amount }).collect();
    let (top_files, top_folders) = tally.ranking.finish(&listing);
    let everything = if request.everything {
        Fact::Known(tally.everything)
    } else {
        Fact::Unknown(Why::NotAsked)
    };
    Ok(ContextFacts {
        root: request.root.clone(),
        dockerfile,
        ignore: force.file,
        everything,
        kept: tally.kept,
        sent: tally.sent,
        top_files,
        top_folders,
        unused,
        unused_files,
        secrets: tally.secrets,
        hazards: tally.hazards,
        categories: totals::categories(
            &listing,
            |place| has(sets.kept.as_deref(), place),
            request.categories,
        ),
        walk_seconds,
        unreadable: tally.unreadable,
    })
}

/// The two sets within a listing; `None` is all of it.
struct Sets {
    kept: Option<Vec<Passed>>,
    sent: Option<Vec<Passed>>,
    traps: Vec<SourceTrap>,
}

impl Sets {
    fn new(
        request: &SurveyRequest<'_>,
        listing: &Walk,
        exclude: &[String],
    ) -> Result<Sets, WalkError> {
        let mut sets = Sets { kept: None, sent: None, traps: Vec::new() };
        if request.everything && !exclude.is_empty() {
            sets.kept = Some(sieve(listing, &Filter::new(exclude, &[])?)?);
        }
        let Some(sources) = request.follow.as_deref().map(normalize_sources) else {
            sets.sent.clone_from(&sets.kept);
            return Ok(sets);
        };
        let Some(sources) = sources else {
            sets.sent.clone_from(&sets.kept);
            return Ok(sets);
        };
        if sources.is_empty() {
            sets.sent = Some(Vec::new());
            return Ok(sets);
        }
        let followed = follow(&open_root(&request.root)?, &sources)?;
        let include = followed.include.unwrap_or_default();
        sets.traps = followed.traps;
        sets.sent = Some(sieve(listing, &Filter::new(exclude, &include)?)?);
        Ok(sets)
    }
}

/// Files that arrive as another file when those that `is_sent` has are sent; equal files do no
/// harm.
pub fn mistaken(root: &Path, listing: &Walk, is_sent: impl Fn(usize) -> bool) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    for (place, other) in listing.mistaken(is_sent) {
        let [path, other_path] = [place, other].map(|place| to_path(&listing.path(place)));
        let [size, other_size] = [place, other].map(|place| listing.entry(place).size);
        if size == other_size && is_equal(&root.join(&path), &root.join(&other_path)) {
            continue;
        }
        let note = format!("sent as another name of `{}`", other_path.display());
        hazards.push(Hazard::new(HazardKind::Mistaken, path).note(note));
    }
    hazards
}

/// Both can be read, are files and have one content.
fn is_equal(one: &Path, other: &Path) -> bool {
    let open = |path: &Path| {
        let is_file = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
        let file = if is_file { std::fs::File::open(path).ok() } else { None };
        file.map(|file| BufReader::with_capacity(64 << 10, file).bytes())
    };
    let (Some(mut one), Some(mut other)) = (open(one), open(other)) else { return false };
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(Ok(byte)), Some(Ok(same))) if byte == same => (),
            _ => return false,
        }
    }
}

fn trap(trap: &SourceTrap) -> Hazard {
    match trap {
        SourceTrap::WideWildcard { wildcard, target } => {
            Hazard::new(HazardKind::WideWildcard, wildcard).note(format!(
                "one match is a link to `{target}`, so everything it matches is sent"
            ))
        }
        SourceTrap::LinkUsedTwice { source, link } => {
            Hazard::new(HazardKind::LinkUsedTwice, source)
                .note(format!("another source went through the link `{link}` before"))
        }
    }
}

/// The exceptions for which BuildKit's client enters every ignored folder, with what it reads
/// there: as soon as one has a wildcard before its end, fsutil `filter.go` prunes nothing.
fn reads_ignored(root: &Path, exclude: &[String], kept: Amount) -> Vec<Hazard> {
    let enters = |pattern: &&String| line_readings(pattern).contains(&Reading::EntersEverything);
    let guilty: Vec<&String> = exclude.iter().filter(enters).collect();
    if guilty.is_empty() {
        return Vec::new();
    }
    let most = HazardKind::MOST_COUNTED;
    let entries = names_below(root, kept.entries + most).saturating_sub(kept.entries).min(most);
    if entries == 0 {
        return Vec::new();
    }
    let amount = Amount { entries, ..Amount::default() };
    guilty
        .into_iter()
        .map(|pattern| Hazard::new(HazardKind::ReadsIgnored, pattern).amount(amount))
        .collect()
}

/// Names below `root`, without asking for anything else; stops at `most`.
fn names_below(root: &Path, most: u64) -> u64 {
    let mut waiting = vec![root.to_owned()];
    let mut count = 0;
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            count += 1;
            if count >= most {
                return count;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(entry.path());
            }
        }
    }
    count
}

fn has(set: Option<&[Passed]>, place: usize) -> bool {
    set.is_none_or(|set| set.get(place).is_some_and(|passed| passed.listed))
}

/// What is summed while the listing passes by.
#[derive(Default)]
struct Tally {
    everything: Amount,
    kept: Amount,
    sent: Amount,
    /// By the first folder.
    unused: BTreeMap<Vec<u8>, Amount>,
    ranking: Ranking,
    secrets: Vec<Secret>,
    hazards: Vec<Hazard>,
    unreadable: Vec<PathBuf>,
    /// By the patterns of `COPY --exclude`.
    excluded: BTreeMap<String, Amount>,
}

impl Tally {
    fn count(
        &mut self,
        request: &SurveyRequest<'_>,
        listing: &Walk,
        sets: &Sets,
    ) -> Result<(), WalkError> {
        let root = open_root(&request.root)?;
        let reader = Reader::new();
        let copies = Copies::new(&root, &request.copied)?;
        let has_excludes = copies.has_excludes();
        let mut hot = Hot::new();
        let mut next = 0;
        listing.for_each(|path, view| {
            let place = next;
            next += 1;
            totals::add(&mut self.everything, &view);
            if !has(sets.kept.as_deref(), place) {
                return;
            }
            totals::add(&mut self.kept, &view);
            self.ranking.see(place, path, &view);
            if !has(sets.sent.as_deref(), place) {
                let first = path.iter().position(|byte| *byte == b'/');
                let first = first.map_or(&b"."[..], |end| &path[..end]);
                if let Some(sum) = self.unused.get_mut(first) {
                    totals::add(sum, &view);
                } else {
                    totals::add(self.unused.entry(first.to_owned()).or_default(), &view);
                }
                return;
            }
            totals::add(&mut self.sent, &view);
            let opens = sets.sent.as_ref().map_or(!view.zero_byte, |set| set[place].opens);
            if std::str::from_utf8(path).is_err() {
                self.hazard(HazardKind::NotUtf8, path);
            }
            if view.is_special() {
                self.hazard(HazardKind::Special, path);
            }
            if has_excludes && let Some(copied) = copies.excluded(path) {
                let sum = self.excluded.entry(copied.excludes.join(" ")).or_default();
                totals::add(sum, &view);
            }
            if !view.is_file() || view.size == 0 {
                return;
            }
            hot.see(path, &view);
            if view.sparse {
                let amount = Amount { entries: 1, files: 1, bytes: view.size };
                self.hazards.push(Hazard::new(HazardKind::Sparse, to_path(path)).amount(amount));
            }
            if !opens {
                self.hazard(HazardKind::ZeroByte, path);
            } else if !reader.may_read(&root, path, &view) {
                self.hazard(HazardKind::Unreadable, path);
                self.unreadable.push(to_path(path));
            } else if let Some(because) = secrets::look(&request.root, path, view.size) {
                let reach = copies.reach(path);
                self.secrets.push(Secret { path: to_path(path), because, reach });
            }
        });
        let excluded = std::mem::take(&mut self.excluded).into_iter().map(|(pattern, amount)| {
            Hazard::new(HazardKind::ExcludedStillSent, pattern).amount(amount)
        });
        self.hazards.extend(excluded);
        let hot = hot.finish(&request.root).into_iter();
        self.hazards.extend(
            hot.map(|(path, note)| Hazard::new(HazardKind::Hot, to_path(&path)).note(note)),
        );
        Ok(())
    }

    fn hazard(&mut self, kind: HazardKind, path: &[u8]) {
        self.hazards.push(Hazard::new(kind, to_path(path)));
    }

    /// Adds what was in the way of the walk.
    fn report(&mut self, listing: &Walk) {
        for fault in &listing.faults {
            let path = to_path(&fault.path);
            match fault.kind {
                FaultKind::Vanished => {
                    self.hazards.push(Hazard::new(HazardKind::Vanished, path).note(&fault.error));
                }
                FaultKind::UnreadableFolder | FaultKind::Unreadable => {
                    let kind = HazardKind::UnreadableFolder;
                    self.hazards.push(Hazard::new(kind, &path).note(&fault.error));
                    self.unreadable.push(path);
                }
                FaultKind::UnreadableExcluded => (),
            }
        }
        self.unreadable.truncate(UNREADABLE_SHOWN);
    }
}

/// What would remain of the context with these patterns, and of that what these sources reach.
/// For pricing an ignore file before it is written.
pub fn amount_after(
    root: &Path,
    patterns: &[String],
    follow: Option<&[String]>,
) -> Result<Amount, Why> {
    let sources = follow.map(normalize_sources);
    if sources.as_ref().is_some_and(|sources| sources.as_ref().is_some_and(Vec::is_empty)) {
        return Ok(Amount::default());
    }
    let listing = walk(&WalkRequest {
        root: root.to_owned(),
        exclude: patterns.to_vec(),
        follow: sources.flatten(),
        ..WalkRequest::default()
    });
    let mut amount = Amount::default();
    let listing = listing.map_err(|err| why(root, &err))?;
    listing.for_each(|_, view| totals::add(&mut amount, &view));
    Ok(amount)
}

/// Who we are, for guessing from the permissions whether a file can be read.
struct Reader {
    user: u32,
    groups: Vec<u32>,
}

impl Reader {
    fn new() -> Reader {
        let mut groups = rustix::process::getgroups().unwrap_or_default();
        groups.push(rustix::process::getegid());
        let groups = groups.into_iter().map(rustix::process::Gid::as_raw).collect();
        Reader { user: rustix::process::geteuid().as_raw(), groups }
    }

    /// Asks the kernel only when the permissions make it doubtful: one request costs 1 µs.
    fn may_read(&self, root: &OwnedFd, path: &[u8], view: &View<'_>) -> bool {
        let bit = match (view.uid == self.user, self.groups.contains(&view.gid)) {
            (true, _) => 0o400,
            (false, true) => 0o040,
            (false, false) => 0o004,
        };
        view.mode & bit != 0 || accessat(root, path, Access::READ_OK, AtFlags::EACCESS).is_ok()
    }
}

/// The reason in the shape that facts have.
pub(super) fn why(root: &Path, err: &WalkError) -> Why {
    let what = format!("the build context {}", root.display());
    match err {
        WalkError::Root { error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
            Why::Absent { what: format!("folder {}", root.display()) }
        }
        WalkError::Root { error, .. } | WalkError::Source { error, .. }
            if error.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            Why::Denied { what }
        }
        other => Why::Unreadable { what, error: other.to_string() },
    }
}
