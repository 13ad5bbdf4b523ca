//! Folders that are not entered never change a listing: compared with a walk that enters all.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data should stop")]

use std::collections::BTreeSet;

use careen_syntax::ignore::{DirState, Filter, FilterScratch, Matcher, Passed, Scratch};

const TREE: &[&str] = &[
    "a/a/x.py",
    "a/a/b",
    "a/b/x.py",
    "a/b/a/c.txt",
    "a/x.py",
    "b/a/x.py",
    "b/b/b/x.py",
    "b/x.py",
    "x.py",
    ".a/x.py",
    ".a/b/c/d",
    "foo/bar/x.txt",
    "foobar/a/x",
];

const PARTS: &[&str] = &[
    "a", "b", "*", "**", "x.py", "*.py", ".a", "?", "[ab]", "c", "foo", "foo*", "**a", "d", "a|b",
];

/// Every path of the tree, folders before what is in them.
fn paths() -> Vec<(String, bool)> {
    let mut folders = BTreeSet::new();
    for file in TREE {
        for (at, _) in file.match_indices('/') {
            folders.insert(file[..at].to_owned());
        }
    }
    let files = TREE.iter().map(|file| ((*file).to_owned(), false));
    let mut all: Vec<(String, bool)> =
        folders.into_iter().map(|folder| (folder, true)).chain(files).collect();
    all.sort_by_key(|(path, _)| path.split('/').map(str::to_owned).collect::<Vec<_>>());
    all
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Listed files, entering only what the filter enters.
fn pruned(filter: &Filter) -> Vec<String> {
    let mut states = vec![(String::new(), DirState::default())];
    let mut scratch = FilterScratch::default();
    let mut listed = Vec::new();
    for (path, is_folder) in paths() {
        let Some((_, state)) = states.iter().find(|(folder, _)| folder == parent(&path)) else {
            continue;
        };
        let judged = if is_folder {
            filter.judge_folder(path.as_bytes(), state, &mut scratch).unwrap()
        } else {
            filter.judge(path.as_bytes(), state, &mut scratch).unwrap()
        };
        if judged.listed {
            listed.push(path.clone());
        }
        states.extend(judged.enter.map(|state| (path, state)));
    }
    listed
}

/// Listed files, entering everything that the reference's own textual test lets in.
fn complete(patterns: &[String]) -> Vec<String> {
    let matcher = Matcher::new(patterns).unwrap();
    let exceptions: Vec<String> = matcher
        .patterns()
        .iter()
        .filter(|pattern| pattern.is_exception)
        .map(|pattern| {
            let text = pattern.text.strip_suffix("/**").unwrap_or(&pattern.text);
            text.strip_suffix("/*").unwrap_or(text).to_owned()
        })
        .collect();
    let are_plain = exceptions.iter().all(|text| !text.contains(|ch| "*[]?^\\".contains(ch)));
    let mut states = vec![(String::new(), Passed::default())];
    let mut scratch = Scratch::default();
    let mut listed = Vec::new();
    for (path, is_folder) in paths() {
        let Some((_, state)) = states.iter().find(|(folder, _)| folder == parent(&path)) else {
            continue;
        };
        let (both, state) = matcher.enter(path.as_bytes(), state, &mut scratch).unwrap();
        if !both.walk {
            listed.push(path.clone());
        }
        let below = format!("{path}/");
        let is_reached = exceptions.iter().any(|text| format!("{text}/").starts_with(&below));
        if is_folder && !(both.walk && are_plain && !is_reached) {
            states.push((path, state));
        }
    }
    listed
}

#[test]
fn pruning_never_changes_a_listing() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % 1_000_003).unwrap() % n
    };
    for _ in 0..3000 {
        let patterns: Vec<String> = (0..=next(5))
            .map(|_| {
                let bang = if next(2) == 0 { "!" } else { "" };
                let parts: Vec<&str> = (0..=next(3)).map(|_| PARTS[next(PARTS.len())]).collect();
                format!("{bang}{}", parts.join("/"))
            })
            .collect();
        let filter = Filter::new(&patterns, &[]).unwrap();
        assert_eq!(pruned(&filter), complete(&patterns), "{patterns:?}");
    }
}
