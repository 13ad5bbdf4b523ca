//! What each line of an ignore file is worth: what it matches and what only it keeps out.

use std::path::Path;

use careen_model::{Why, context::Amount};
use careen_syntax::ignore::{Matcher, Scratch};

use crate::walk::{
    WalkRequest,
    listing::{NONE, Paths},
    survey::why,
    totals::add,
    walk,
};

/// One pattern's worth in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinePrice {
    /// Index in the list of patterns.
    pub pattern: usize,
    /// Everything that the pattern, or a folder it matches, covers. Nothing: the line is dead.
    pub matched: Amount,
    /// For a rule, what would be kept without the line; for an exception, what would be ignored.
    /// Nothing, although it matches: other lines do the same.
    pub exclusive: Amount,
}

/// Prices every line by walking through the whole context, ignored or not.
///
/// Each line is judged by the path and its parents, as opening a file is.
pub fn price_lines(root: &Path, patterns: &[String]) -> Result<Vec<LinePrice>, Why> {
    let request = WalkRequest { root: root.to_owned(), ..WalkRequest::default() };
    let listing = walk(&request).map_err(|err| why(root, &err))?;
    let matcher = Matcher::new(patterns).map_err(|err| Why::Unreadable {
        what: format!("the pattern `{}`", patterns[err.index]),
        error: err.message,
    })?;
    let exceptions: Vec<bool> =
        matcher.patterns().iter().map(|pattern| pattern.is_exception).collect();
    let mut prices: Vec<LinePrice> = matcher
        .patterns()
        .iter()
        .map(|pattern| LinePrice {
            pattern: pattern.source,
            matched: Amount::default(),
            exclusive: Amount::default(),
        })
        .collect();
    // The patterns that match a folder or one above it, in order.
    let mut above: Vec<Vec<usize>> = vec![Vec::new(); listing.folders.len()];
    let mut scratch = Scratch::default();
    let mut paths = Paths::default();
    let mut own = Vec::new();
    for i in 0..listing.len() {
        let (_, entry) = listing.at(listing.order[i]);
        own.clear();
        own.extend_from_slice(&above[entry.folder as usize]);
        matcher.for_each_hit(paths.get(&listing, i), &mut scratch, |number| own.push(number));
        if own.is_empty() {
            continue;
        }
        own.sort_unstable();
        own.dedup();
        if entry.child != NONE {
            above[entry.child as usize].clone_from(&own);
        }
        let view = listing.entry(i);
        let verdict = is_excluded(&own, &exceptions, None);
        for &number in &own {
            add(&mut prices[number].matched, &view);
            if is_excluded(&own, &exceptions, Some(number)) != verdict {
                add(&mut prices[number].exclusive, &view);
            }
        }
    }
    Ok(prices)
}

/// The last pattern that counts decides, so with `without` left out it is the last of the others.
fn is_excluded(numbers: &[usize], exceptions: &[bool], without: Option<usize>) -> bool {
    let last = numbers.iter().rev().find(|&&number| Some(number) != without);
    last.is_some_and(|&number| !exceptions[number])
}
