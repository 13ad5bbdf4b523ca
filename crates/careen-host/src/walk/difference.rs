//! Two ignore texts compared by what they let through: the proof of a proposed change.

use std::{
    cmp::Ordering,
    path::{Path, PathBuf},
};

use careen_model::{Why, context::Amount};

use crate::walk::{
    Walk, WalkRequest,
    listing::Paths,
    survey::why,
    totals::{add, to_path},
    walk,
};

/// What changes when one list of patterns replaces another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    pub before: Amount,
    pub after: Amount,
    /// Listed before and not after, in order; below a folder that goes, nothing more is named.
    pub removed: Vec<PathBuf>,
    /// The other way round.
    pub added: Vec<PathBuf>,
}

/// Walks the context with both lists.
pub fn difference(root: &Path, before: &[String], after: &[String]) -> Result<Difference, Why> {
    let listing = |exclude: &[String]| {
        let request = WalkRequest {
            root: root.to_owned(),
            exclude: exclude.to_vec(),
            ..WalkRequest::default()
        };
        walk(&request).map_err(|err| why(root, &err))
    };
    let (old, new) = (listing(before)?, listing(after)?);
    let mut difference =
        Difference { before: amount(&old), after: amount(&new), ..Difference::default() };
    let (mut old_paths, mut new_paths) = (Paths::default(), Paths::default());
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let left = (i < old.len()).then(|| old_paths.get(&old, i));
        let right = (j < new.len()).then(|| new_paths.get(&new, j));
        let order = order(left, right);
        match order {
            Ordering::Equal => (),
            Ordering::Less => collect(&mut difference.removed, left),
            Ordering::Greater => collect(&mut difference.added, right),
        }
        i += usize::from(order != Ordering::Greater);
        j += usize::from(order != Ordering::Less);
    }
    Ok(difference)
}

fn amount(listing: &Walk) -> Amount {
    let mut amount = Amount::default();
    listing.for_each(|_, view| add(&mut amount, &view));
    amount
}

/// The order of a listing: by component, a folder before what is in it. The end comes last.
fn order(left: Option<&[u8]>, right: Option<&[u8]>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.split(|&b| b == b'/').cmp(right.split(|&b| b == b'/')),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn collect(paths: &mut Vec<PathBuf>, path: Option<&[u8]>) {
    let Some(path) = path.map(to_path) else { return };
    if paths.last().is_none_or(|last| !path.starts_with(last)) {
        paths.push(path);
    }
}
