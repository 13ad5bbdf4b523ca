//! Which COPY takes a path, where the path ends then, and what `--exclude` leaves out of it.

use careen_model::context::Reach;
use careen_syntax::ignore::Matcher;
use rustix::fd::OwnedFd;

use crate::walk::{WalkError, follow_links, normalize_sources};

/// One source of COPY, ADD or a bind mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Relative to the context; `.` is all of it.
    pub source: String,
    /// Patterns of `--exclude`.
    pub excludes: Vec<String>,
    pub reach: Reach,
}

/// All sources, ready to be asked about paths.
pub(super) struct Copies<'a> {
    all: Vec<Copy<'a>>,
}

struct Copy<'a> {
    copied: &'a Copied,
    /// `None` takes the whole context.
    takes: Option<Matcher>,
    excludes: Option<Matcher>,
}

impl<'a> Copies<'a> {
    pub(super) fn new(root: &OwnedFd, copied: &'a [Copied]) -> Result<Copies<'a>, WalkError> {
        let mut all = Vec::with_capacity(copied.len());
        for copied in copied {
            let wanted = normalize_sources(std::slice::from_ref(&copied.source));
            let include = match wanted {
                Some(wanted) => follow_links(root, &wanted)?,
                None => None,
            };
            // A source that is no pattern fails the build, which is another finding.
            let takes = include.and_then(|include| Matcher::new(&include).ok());
            let excludes = (!copied.excludes.is_empty())
                .then(|| Matcher::new(&copied.excludes).ok())
                .flatten();
            all.push(Copy { copied, takes, excludes });
        }
        Ok(Copies { all })
    }

    pub(super) fn has_excludes(&self) -> bool {
        self.all.iter().any(|copy| copy.excludes.is_some())
    }

    /// The gravest end of `path`.
    pub(super) fn reach(&self, path: &[u8]) -> Reach {
        let takers = self.all.iter().filter(|copy| copy.takes(path));
        takers.map(|copy| copy.copied.reach).max().unwrap_or(Reach::Unknown)
    }

    /// The source whose `--exclude` leaves `path` out, when no other source takes it.
    pub(super) fn excluded(&self, path: &[u8]) -> Option<&'a Copied> {
        let mut found = None;
        for copy in self.all.iter().filter(|copy| copy.takes(path)) {
            if !copy.leaves_out(path) {
                return None;
            }
            found = Some(copy.copied);
        }
        found
    }
}

impl Copy<'_> {
    fn takes(&self, path: &[u8]) -> bool {
        self.takes.as_ref().is_none_or(|matcher| matcher.is_match(path).unwrap_or(false))
    }

    /// The patterns of `--exclude` are for paths below the source; of a single file, for its name.
    fn leaves_out(&self, path: &[u8]) -> bool {
        let Some(excludes) = &self.excludes else { return false };
        let source = self.copied.source.as_bytes();
        let inside = match path.strip_prefix(source) {
            _ if source == b"." => path,
            Some([b'/', rest @ ..]) => rest,
            _ => path.rsplit(|&byte| byte == b'/').next().unwrap_or(path),
        };
        excludes.is_match(inside).unwrap_or(false)
    }
}
