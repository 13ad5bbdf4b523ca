//! A listing as a short tree: the folders that matter by bytes or by entries.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use careen_model::{
    context::{Amount, Sized},
    context_answer::Branch,
};

use crate::walk::{
    Walk,
    totals::{add, bytes, to_path},
};

/// How deep folders are told apart.
const LEVELS: usize = 4;
/// A folder with less than a hundredth of the bytes and of the entries is not worth a row.
const WORTH: u64 = 100;

/// Sums of one listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub total: Amount,
    /// Folders by weight, each after the one that holds it.
    pub tree: Vec<Branch>,
    /// Files, largest first.
    pub largest: Vec<Sized>,
}

type Sums = BTreeMap<Vec<u8>, Amount>;

/// Sums up `listing` in at most `rows` folders and `files` files.
pub fn summarize(listing: &Walk, rows: usize, files: usize) -> Summary {
    let mut summary = Summary::default();
    let mut sums = Sums::new();
    let mut largest: BTreeSet<(u64, usize)> = BTreeSet::new();
    let mut place = 0;
    listing.for_each(|path, view| {
        add(&mut summary.total, &view);
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        let own = view.is_folder().then_some(path.len());
        for end in ends.chain(own).take(LEVELS) {
            match sums.get_mut(&path[..end]) {
                Some(sum) => add(sum, &view),
                None => add(sums.entry(path[..end].to_owned()).or_default(), &view),
            }
        }
        let size = bytes(&view);
        if size > 0 {
            largest.insert((size, place));
            if largest.len() > files {
                largest.pop_first();
            }
        }
        place += 1;
    });
    let chosen = choose(&sums, summary.total, rows);
    for path in &chosen {
        let above =
            |other: &&Vec<u8>| path.starts_with(other) && path.get(other.len()) == Some(&b'/');
        let depth = chosen.iter().filter(above).count();
        summary.tree.push(Branch { path: to_path(path), depth, amount: sums[path] });
    }
    summary.tree = in_order(summary.tree);
    summary.largest = largest
        .iter()
        .rev()
        .map(|&(bytes, place)| Sized {
            path: to_path(&listing.path(place)),
            amount: Amount { entries: 1, files: 1, bytes },
        })
        .collect();
    summary
}

/// Takes the heaviest folder again and again; a folder counts once those above it are shown, and
/// one that holds only another makes room for that one.
fn choose(sums: &Sums, total: Amount, rows: usize) -> Vec<Vec<u8>> {
    let weight = |amount: Amount| {
        let share = |part: u64, whole: u64| u128::from(part) * 1_000_000 / u128::from(whole.max(1));
        share(amount.bytes, total.bytes).max(share(amount.entries, total.entries))
    };
    let least = u128::from(1_000_000 / WORTH);
    let mut heavy: Vec<(&Vec<u8>, u128)> = sums
        .iter()
        .map(|(path, amount)| (path, weight(*amount)))
        .filter(|(path, weight)| *weight >= least && !is_shell(sums, path))
        .collect();
    // A folder weighs at least as much as what is in it, so it comes first.
    heavy.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    heavy.into_iter().take(rows).map(|(path, _)| path.clone()).collect()
}

/// All that the folder holds is one other folder.
fn is_shell(sums: &Sums, path: &[u8]) -> bool {
    let own = sums[path];
    let mut below = path.to_owned();
    below.push(b'/');
    sums.range(below.clone()..)
        .take_while(|(other, _)| other.starts_with(&below))
        .filter(|(other, _)| !other[below.len()..].contains(&b'/'))
        .any(|(_, sum)| sum.entries + 1 == own.entries)
}

/// Each after the one that holds it, heavier ones first.
fn in_order(branches: Vec<Branch>) -> Vec<Branch> {
    let mut out = Vec::with_capacity(branches.len());
    let mut waiting: Vec<Branch> =
        branches.iter().filter(|b| b.depth == 0).cloned().rev().collect();
    while let Some(branch) = waiting.pop() {
        let is_child = |other: &&Branch| {
            other.depth == branch.depth + 1 && other.path.starts_with(&branch.path)
        };
        waiting.extend(branches.iter().filter(is_child).cloned().rev());
        out.push(branch);
    }
    out
}

/// A path as a reader names it: relative to the context, without `./` and trailing slashes.
/// `None` when it lies outside.
pub fn relative(root: &std::path::Path, asked: &std::path::Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    let inside = asked.strip_prefix(root).unwrap_or(asked);
    for part in inside.components() {
        match part {
            std::path::Component::Normal(name) => out.push(name),
            std::path::Component::CurDir => (),
            std::path::Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            std::path::Component::RootDir | std::path::Component::Prefix(_) => return None,
        }
    }
    Some(out)
}
