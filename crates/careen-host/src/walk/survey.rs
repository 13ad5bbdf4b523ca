//! One walk of a context turned into facts: what is kept, what is sent, what is large or dangerous.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use careen_model::{
    ContextFacts, Fact, Why,
    context::{Amount, Hazard, HazardKind, Secret},
};
use careen_syntax::ignore::Filter;
use rustix::{
    fd::OwnedFd,
    fs::{Access, AtFlags, accessat},
};

use crate::walk::{
    FaultKind, WalkError, WalkRequest, follow_links, in_force, normalize_sources, open_root,
    secrets,
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
    /// Categories of an ignore file and their patterns, to be priced.
    pub categories: &'a [(&'static str, &'a [&'a str])],
    /// Also count what is ignored, which means walking through it.
    pub everything: bool,
}

/// Paths of [`ContextFacts::unreadable`] that are kept.
const UNREADABLE_SHOWN: usize = 20;

/// Walks the context once and sums it up.
///
/// Patterns that fail every build are problems of the ignore file; the amounts are those without
/// them.
pub fn survey(request: &SurveyRequest<'_>) -> Result<ContextFacts, Why> {
    let dockerfile = request.root.join(&request.dockerfile);
    let force = in_force(&dockerfile, &request.root);
    let exclude = force.working_patterns();
    let clock = Instant::now();
    let listing = walk(&WalkRequest {
        root: request.root.clone(),
        exclude: if request.everything { Vec::new() } else { exclude.clone() },
        ..WalkRequest::default()
    })
    .map_err(|err| why(&request.root, &err))?;
    let walk_seconds = clock.elapsed().as_secs_f64();

    let root = open_root(&request.root).map_err(|err| why(&request.root, &err))?;
    let refused = |err| why(&request.root, &WalkError::Patterns(err));
    let kept = if request.everything && !exclude.is_empty() {
        let filter = Filter::new(&exclude, &[]).map_err(refused)?;
        Some(sieve(&listing, &filter).map_err(refused)?)
    } else {
        None
    };
    let sources = request.follow.as_deref().map(normalize_sources);
    let sent = match sources {
        None | Some(None) => None,
        Some(Some(sources)) if sources.is_empty() => Some(Vec::new()),
        Some(Some(sources)) => {
            let targets = follow_links(&root, &sources);
            match targets.map_err(|err| why(&request.root, &err))? {
                None => None,
                Some(include) => {
                    let filter = Filter::new(&exclude, &include).map_err(refused)?;
                    Some(sieve(&listing, &filter).map_err(refused)?)
                }
            }
        }
    };
    let in_set = |set: &Option<Vec<Passed>>, i: usize| match set {
        None => true,
        Some(set) => set.get(i).is_some_and(|passed| passed.listed),
    };

    let mut facts = ContextFacts {
        root: request.root.clone(),
        dockerfile,
        ignore: force.file,
        everything: Fact::Unknown(Why::NotAsked),
        kept: Amount::default(),
        sent: Amount::default(),
        top_files: Vec::new(),
        top_folders: Vec::new(),
        secrets: Vec::new(),
        hazards: Vec::new(),
        categories: Vec::new(),
        walk_seconds,
        unreadable: Vec::new(),
    };
    let mut everything = Amount::default();
    let mut ranking = Ranking::default();
    let reader = Reader::new();
    let mut i = 0;
    listing.for_each(|path, view| {
        let place = i;
        i += 1;
        totals::add(&mut everything, &view);
        if !in_set(&kept, place) {
            return;
        }
        totals::add(&mut facts.kept, &view);
        ranking.see(place, path, &view);
        let is_sent = in_set(&kept, place) && in_set(&sent, place);
        if !is_sent {
            return;
        }
        totals::add(&mut facts.sent, &view);
        let opens = match (&sent, &kept) {
            (Some(set), _) | (None, Some(set)) => set[place].opens,
            (None, None) => !view.zero_byte,
        };
        let mut hazard = |kind| {
            facts.hazards.push(Hazard { kind, path: to_path(path), note: String::new() });
        };
        if std::str::from_utf8(path).is_err() {
            hazard(HazardKind::NotUtf8);
        }
        if view.is_special() {
            hazard(HazardKind::Special);
        }
        if !view.is_file() || view.size == 0 {
            return;
        }
        if !opens {
            hazard(HazardKind::ZeroByte);
        } else if !reader.may_read(&root, path, view.mode, view.uid, view.gid) {
            hazard(HazardKind::Unreadable);
            if facts.unreadable.len() < UNREADABLE_SHOWN {
                facts.unreadable.push(to_path(path));
            }
        } else if let Some(because) = secrets::look(&request.root, path, view.size) {
            facts.secrets.push(Secret { path: to_path(path), because });
        }
    });
    if request.everything {
        facts.everything = Fact::Known(everything);
    }
    for fault in &listing.faults {
        let path = to_path(&fault.path);
        match fault.kind {
            FaultKind::Vanished => facts.hazards.push(Hazard {
                kind: HazardKind::Vanished,
                path,
                note: fault.error.clone(),
            }),
            FaultKind::UnreadableFolder | FaultKind::Unreadable => facts.unreadable.push(path),
            FaultKind::UnreadableExcluded => (),
        }
    }
    (facts.top_files, facts.top_folders) = ranking.finish(&listing);
    facts.categories =
        totals::categories(&listing, |place| in_set(&kept, place), request.categories);
    Ok(facts)
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
    fn may_read(&self, root: &OwnedFd, path: &[u8], mode: u32, uid: u32, gid: u32) -> bool {
        let bit = match (uid == self.user, self.groups.contains(&gid)) {
            (true, _) => 0o400,
            (false, true) => 0o040,
            (false, false) => 0o004,
        };
        mode & bit != 0 || accessat(root, path, Access::READ_OK, AtFlags::EACCESS).is_ok()
    }
}

fn why(root: &Path, err: &WalkError) -> Why {
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
