//! The build context walked as BuildKit's client walks it, only faster: what is listed, in its order.

#[cfg(target_os = "linux")]
mod ahead;
mod assemble;
mod copies;
pub mod debug;
mod difference;
#[cfg(target_os = "linux")]
mod ends;
mod error;
#[cfg(target_os = "linux")]
mod folder;
mod follow;
mod force;
mod hard_links;
mod hot;
mod lines;
mod listing;
mod older;
#[cfg(target_os = "linux")]
mod opening;
#[cfg(target_os = "linux")]
mod pool;
mod portable;
mod secrets;
mod sent;
mod sieve;
#[cfg(target_os = "linux")]
mod sorting;
mod survey;
mod totals;
mod tree;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use careen_syntax::ignore::{Filter, dedupe_paths};
use rustix::{
    fd::OwnedFd,
    fs::{Mode, OFlags},
};

pub use copies::Copied;
pub use difference::{Difference, difference};
pub use error::WalkError;
pub use follow::{Followed, SourceTrap, follow, follow_links, normalize_sources};
pub use force::{Force, in_force, in_force_for_classic};
pub use lines::{LinePrice, price_lines};
pub use listing::{Fault, FaultKind, View, Walk};
pub use older::{Builder, classic_patterns, sent_to};
pub use sent::{sent, takers};
pub use survey::{SurveyRequest, amount_after, mistaken, survey};
pub use tree::{Summary, relative, summarize};

/// What to walk.
#[derive(Debug, Clone, Default)]
pub struct WalkRequest {
    pub root: PathBuf,
    /// Exclude patterns: an ignore file's, after reading.
    pub exclude: Vec<String>,
    /// Include patterns; none includes everything.
    pub include: Vec<String>,
    /// Sources of COPY, ADD and bind mounts (the protocol's `FollowPaths`): links on them are
    /// resolved and they become include patterns. `None`, nothing or the root: no filter.
    pub follow: Option<Vec<String>>,
    /// How many threads; by default as many as there are processors and more when the file
    /// system answers slowly.
    pub threads: Option<NonZeroUsize>,
    pub means: Means,
}

/// How a walk reads folders. Both list the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// `getdents64` and `fstatat` in several threads; Linux only, elsewhere as `Portable`.
    Fast,
    /// The standard library, in one thread.
    Portable,
}

impl Default for Means {
    fn default() -> Means {
        if cfg!(target_os = "linux") { Means::Fast } else { Means::Portable }
    }
}

/// Lists what the builder would be told about, in its order: folders before what is in them,
/// names sorted by bytes.
///
/// Excluded files are never asked for their size, and folders in which nothing can be listed are
/// not entered. What could not be read is a [`Fault`] of the walk, not an error.
pub fn walk(request: &WalkRequest) -> Result<Walk, WalkError> {
    let root = open_root(&request.root)?;
    let mut include = request.include.clone();
    if let Some(paths) = &request.follow {
        // The root among the targets (an empty result here) leaves the include list as it was.
        if let Some(targets) = follow_links(&root, paths)? {
            include.extend(targets);
            include = dedupe_paths(include);
        }
    }
    let filter = Filter::new(&request.exclude, &include)?;
    match request.means {
        #[cfg(target_os = "linux")]
        Means::Fast => {
            let harvest = pool::harvest(&root, &filter, request.threads)?;
            Ok(assemble::assemble(&|path| opening::ask(&root, path), harvest, include))
        }
        _ => {
            let gathered = portable::gather(&request.root, &filter)?;
            let ask = |path: &[u8]| portable::described(&request.root, path);
            Ok(assemble::assemble(&ask, gathered, include))
        }
    }
}

fn open_root(root: &Path) -> Result<OwnedFd, WalkError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(root, flags, Mode::empty())
        .map_err(|err| WalkError::Root { path: root.to_owned(), error: err.into() })
}
