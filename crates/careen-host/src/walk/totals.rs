//! Sums and rankings of a listing.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use careen_model::context::{Amount, CategoryAmount, Sized};
use careen_syntax::ignore::{Matcher, Scratch};

use crate::walk::listing::{NONE, Paths, View, Walk};

/// How many files and folders a ranking shows.
const SHOWN: usize = 10;

pub(super) fn add(amount: &mut Amount, view: &View<'_>) {
    amount.entries += 1;
    if view.is_file() {
        amount.files += 1;
        amount.bytes += bytes(view);
    }
}

/// What an entry adds to a transfer: a second name of a file is sent as a reference.
pub(super) fn bytes(view: &View<'_>) -> u64 {
    if view.is_file() && view.hard_link.is_none() { view.size } else { 0 }
}

pub(super) fn to_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// The largest files and folders, found while the listing passes by in order.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    /// Ascending by size: (bytes, place in the listing).
    files: Vec<(u64, usize)>,
    folders: Vec<(PathBuf, Amount)>,
    /// The folder of the first level and the one of the second that are being summed.
    open: [Option<(Vec<u8>, Amount)>; 2],
}

impl Ranking {
    pub(super) fn see(&mut self, place: usize, path: &[u8], view: &View<'_>) {
        let mut slashes = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        let ends = [slashes.next(), slashes.next()];
        for (level, end) in ends.into_iter().enumerate() {
            let folder = end.map(|end| &path[..end]);
            let open = &mut self.open[level];
            let is_same = open.as_ref().map(|(path, _)| path.as_slice()) == folder;
            if !is_same {
                self.folders.extend(open.take().map(|(path, sum)| (to_path(&path), sum)));
                *open = folder.map(|path| (path.to_owned(), Amount::default()));
            }
            if let Some((_, sum)) = open {
                add(sum, view);
            }
        }
        let size = bytes(view);
        let smallest = self.files.first().map_or(0, |&(bytes, _)| bytes);
        if size > 0 && (self.files.len() < SHOWN || size > smallest) {
            let at = self.files.partition_point(|&(bytes, _)| bytes < size);
            self.files.insert(at, (size, place));
            if self.files.len() > SHOWN {
                self.files.remove(0);
            }
        }
    }

    /// Places of the largest files in the listing.
    pub(super) fn files(&self) -> impl Iterator<Item = usize> {
        self.files.iter().rev().map(|&(_, place)| place)
    }

    /// Files and folders, largest first.
    pub(super) fn finish(mut self, walk: &Walk) -> (Vec<Sized>, Vec<Sized>) {
        for open in &mut self.open {
            self.folders.extend(open.take().map(|(path, sum)| (to_path(&path), sum)));
        }
        let files = self.files.iter().rev().map(|&(bytes, place)| Sized {
            path: to_path(&walk.path(place)),
            amount: Amount { entries: 1, files: 1, bytes },
        });
        self.folders.sort_by(|(a_path, a), (b_path, b)| {
            (b.bytes, b.entries, a_path).cmp(&(a.bytes, a.entries, b_path))
        });
        let all = std::mem::take(&mut self.folders);
        // A folder whose bytes are all in one folder of it would say the same thing twice.
        let says_more = |path: &PathBuf, sum: &Amount| {
            !all.iter().any(|(other, below)| {
                other.parent() == Some(path) && below.bytes == sum.bytes && sum.bytes > 0
            })
        };
        let folders = all.iter().filter(|(path, sum)| says_more(path, sum)).take(SHOWN);
        let folders = folders.map(|(path, amount)| Sized { path: path.clone(), amount: *amount });
        (files.collect(), folders.collect())
    }
}

/// What each category's patterns, added after the others, would take out of the listing.
/// An entry counts for the first category that takes it, so that the amounts add up. Exceptions
/// among the patterns take nothing out and are passed over.
pub(super) fn categories(
    walk: &Walk,
    is_kept: impl Fn(usize) -> bool,
    categories: &[(&'static str, &[&str])],
) -> Vec<CategoryAmount> {
    let mut sums: Vec<CategoryAmount> = categories
        .iter()
        .map(|&(category, _)| CategoryAmount { category, amount: Amount::default() })
        .collect();
    let mut patterns = Vec::new();
    let mut owners = Vec::new();
    for (owner, (_, list)) in categories.iter().enumerate() {
        let plain = list.iter().filter(|pattern| !pattern.trim_start().starts_with('!'));
        for pattern in plain {
            patterns.push(*pattern);
            owners.push(owner);
        }
    }
    let Ok(matcher) = Matcher::new(&patterns) else { return sums };
    let numbers: Vec<usize> =
        matcher.patterns().iter().map(|pattern| owners[pattern.source]).collect();
    let words = categories.len().div_ceil(64);
    // The categories that match a folder or one above it.
    let mut above: Vec<Vec<u64>> = vec![Vec::new(); walk.folders.len()];
    let mut scratch = Scratch::default();
    let mut paths = Paths::default();
    let mut own = vec![0; words];
    for i in 0..walk.len() {
        let (_, entry) = walk.at(walk.order[i]);
        own.fill(0);
        own.iter_mut().zip(&above[entry.folder as usize]).for_each(|(own, above)| *own |= above);
        matcher.for_each_hit(paths.get(walk, i), &mut scratch, |number| {
            let owner = numbers[number];
            own[owner / 64] |= 1 << (owner % 64);
        });
        if own.iter().all(|&word| word == 0) {
            continue;
        }
        if entry.child != NONE {
            above[entry.child as usize].clone_from(&own);
        }
        if !is_kept(i) {
            continue;
        }
        let view = walk.entry(i);
        let first = sums.iter_mut().enumerate();
        let takes = |owner: usize| own[owner / 64] & (1 << (owner % 64)) != 0;
        if let Some((_, sum)) = first.into_iter().find(|(owner, _)| takes(*owner)) {
            add(&mut sum.amount, &view);
        }
    }
    sums
}
