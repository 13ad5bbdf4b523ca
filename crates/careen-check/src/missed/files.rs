//! Which of the files that a step takes are not what they were.

use std::collections::BTreeMap;

use careen_model::missed::{FileChange, FileChanges, InputFile};

/// Paths that are named; the rest is counted.
const NAMED: usize = 3;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Same,
    Changed(FileChanges),
    /// Not different as far as known, and not all of it was read.
    Unknown,
}

pub(super) fn compare(before: &[InputFile], after: &[InputFile], sources: &[String]) -> Compared {
    let taken = |files| -> BTreeMap<&[u8], &InputFile> { chosen(files, sources) };
    let (old, new) = (taken(before), taken(after));
    let mut changes = FileChanges::default();
    let mut is_unknown = false;
    let mut told: Vec<(&[u8], FileChange)> = Vec::new();
    for (path, file) in &new {
        match old.get(path) {
            None => told.push((path, FileChange::Added)),
            Some(was) => match change(was, file) {
                Change::Is(change) => told.push((path, change)),
                Change::Unknown => is_unknown = true,
                Change::None => (),
            },
        }
    }
    let removed = old.keys().filter(|path| !new.contains_key(*path));
    told.extend(removed.map(|path| (*path, FileChange::Removed)));
    told.sort_by_key(|(path, _)| *path);
    for (path, change) in &told {
        match change {
            FileChange::Added => changes.added += 1,
            FileChange::Removed => changes.removed += 1,
            FileChange::Content => changes.content += 1,
            FileChange::Mode => changes.mode += 1,
        }
        if changes.first.len() < NAMED {
            changes.first.push((String::from_utf8_lossy(path).into_owned(), *change));
        }
    }
    match (told.is_empty(), is_unknown) {
        (false, _) => Compared::Changed(changes),
        (true, true) => Compared::Unknown,
        (true, false) => Compared::Same,
    }
}

enum Change {
    None,
    Is(FileChange),
    /// Cannot be told.
    Unknown,
}

fn change(was: &InputFile, is: &InputFile) -> Change {
    let content = Change::Is(FileChange::Content);
    let kind = |file: &InputFile| file.mode & 0o170_000;
    let is_file = kind(is) == 0o100_000 || kind(is) == 0;
    if was.link != is.link {
        return content;
    }
    if kind(was) == kind(is) && is_file {
        // Later names of one file carry no content of their own, and no size.
        match (&was.digest, &is.digest) {
            (Some(a), Some(b)) if a != b => return content,
            (Some(_), Some(_)) => (),
            _ if was.size != is.size => return content,
            _ if was.size == 0 => (),
            // Nobody has touched it.
            _ if (was.ctime_ns, was.inode) == (is.ctime_ns, is.inode) && was.ctime_ns != 0 => (),
            // The mode alone runs the step again, whatever became of the content.
            _ if was.mode != is.mode => return Change::Is(FileChange::Mode),
            _ => return Change::Unknown,
        }
    }
    if was.mode == is.mode { Change::None } else { Change::Is(FileChange::Mode) }
}

fn chosen<'a>(files: &'a [InputFile], sources: &[String]) -> BTreeMap<&'a [u8], &'a InputFile> {
    let patterns: Vec<Vec<&str>> = sources.iter().map(|source| parts(source)).collect();
    let is_taken = |file: &&InputFile| {
        let path = String::from_utf8_lossy(&file.path);
        let path = parts(&path);
        patterns.iter().any(|pattern| reaches(pattern, &path))
    };
    files.iter().filter(is_taken).map(|file| (file.path.as_slice(), file)).collect()
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

/// The source is the path or a folder above it.
fn reaches(pattern: &[&str], path: &[&str]) -> bool {
    pattern.len() <= path.len()
        && pattern.iter().zip(path).all(|(pattern, name)| {
            matches(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
        })
}

/// One part of a path: `*`, `?`, `[a-z]` and a backslash before what is meant as it is.
fn matches(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|skipped| matches(rest, &name[skipped..])),
        ['?', rest @ ..] => !name.is_empty() && matches(rest, &name[1..]),
        ['[', rest @ ..] => match (rest.iter().position(|&c| c == ']'), name) {
            (Some(end), [first, others @ ..]) => {
                in_class(&rest[..end], *first) && matches(&rest[end + 1..], others)
            }
            _ => false,
        },
        ['\\', meant, rest @ ..] | [meant, rest @ ..] => match name {
            [first, others @ ..] => first == meant && matches(rest, others),
            [] => false,
        },
    }
}

fn in_class(class: &[char], c: char) -> bool {
    let (is_not, mut class) = match class {
        ['^', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut found = false;
    while let [first, rest @ ..] = class {
        if let ['-', last, others @ ..] = rest {
            found |= (*first..=*last).contains(&c);
            class = others;
        } else {
            found |= *first == c;
            class = rest;
        }
    }
    found != is_not
}
