//! The states between two: after each change of the journal, and after each fix of a change.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::state::State;
use crate::Error;
use crate::apply::{Earlier, Entry, EntryState, Journal};

/// One fix, or several that cannot be told apart, and the project after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Names of the rules: `shared-cache-id`, `apt-lists, no-install-recommends`.
    pub fixes: String,
    pub state: State,
}

/// Files that are not as they are now.
type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// The project before a change and all that came after it, and what leads from there to now.
///
/// Without an id it is the last change. What was edited between two changes counts to the earlier
/// one, in the files that the later one changed.
pub fn links(journal: &Journal, from: Option<&str>) -> Result<(State, Vec<Link>), Error> {
    let entries = journal.entries()?;
    let counts = |entry: &&Entry| entry.undoes.is_none() && entry.state == EntryState::Applied;
    let applied: Vec<&Entry> = entries.iter().filter(counts).collect();
    let first = match from {
        None => applied.len().checked_sub(1).ok_or(Error::NothingToUndo)?,
        // What is not in force any more is told as everywhere.
        Some(id) => {
            let (id, _) = journal.before(crate::apply::Which::Id(id))?;
            let place = applied.iter().position(|entry| entry.id == id);
            place.ok_or(Error::NoEntry { id })?
        }
    };
    let chain = &applied[first..];
    // From the newest change back: what each file was before it.
    let mut befores: Vec<Files> = Vec::new();
    let mut files = Files::new();
    for entry in chain.iter().rev() {
        let (_, earlier) = journal.before(crate::apply::Which::Id(&entry.id))?;
        files.extend(earlier);
        befores.push(files.clone());
    }
    befores.reverse();

    let mut links = Vec::new();
    for (place, entry) in chain.iter().enumerate() {
        let stages = journal.stages(&entry.id)?;
        let between = stages.split_last().map_or(&[][..], |(_, between)| between);
        for stage in between {
            let mut files = befores[place].clone();
            files.extend(stage.files.iter().map(|(path, text)| (path.clone(), Some(text.clone()))));
            links.push(link(&stage.rules, files));
        }
        let rules = stages.last().map_or(&entry.rules, |last| &last.rules);
        match befores.get(place + 1) {
            Some(next) => links.push(link(rules, next.clone())),
            None => links.push(Link { fixes: named(rules), state: State::Now }),
        }
    }
    let before = State::Files {
        name: format!("before fix {}", chain[0].id),
        files: listed(befores.swap_remove(0)),
    };
    Ok((before, links))
}

fn link(rules: &[String], files: Files) -> Link {
    let name = format!("after {}", named(rules));
    Link { fixes: named(rules), state: State::Files { name, files: listed(files) } }
}

fn named(rules: &[String]) -> String {
    rules.join(", ")
}

fn listed(files: Files) -> Vec<Earlier> {
    files.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use careen_model::{FileChange, Fix, Plan, Planned, Step};

    use super::*;
    use crate::apply::Stage;

    fn apply(root: &Path, rules: &[&'static str], files: &[(&str, Option<&str>, &str)]) -> String {
        let planned = |rule: &&'static str| Planned {
            rule,
            message: String::new(),
            fix: Fix::safe("x", Step::Show { command: String::new() }),
        };
        let change = |&(path, before, after): &(&str, Option<&str>, &str)| FileChange {
            path: path.into(),
            before: before.map(|text| text.as_bytes().to_vec()),
            after: after.as_bytes().to_vec(),
            executable: false,
        };
        let plan = Plan {
            chosen: rules.iter().map(planned).collect(),
            files: files.iter().map(change).collect(),
            left: vec![],
        };
        Journal::of(root).unwrap().apply(&plan, 1).unwrap().unwrap().id
    }

    /// The two files in each state, and what leads to it.
    fn shown(root: &Path, from: Option<&str>) -> Vec<(String, String)> {
        let (before, links) = links(&Journal::of(root).unwrap(), from).unwrap();
        let text = |state: &State| {
            let known: &[Earlier] = match state {
                State::Files { files, .. } => files,
                _ => &[],
            };
            let of = |name: &str| {
                let path = fs::canonicalize(root).unwrap().join(name);
                match known.iter().find(|(known, _)| *known == path) {
                    Some((_, Some(text))) => String::from_utf8(text.clone()).unwrap(),
                    Some((_, None)) => "-".to_owned(),
                    None => fs::read_to_string(path).unwrap_or_else(|_| "-".to_owned()),
                }
            };
            format!("{} {}", of("Dockerfile"), of(".dockerignore"))
        };
        let first = ("before".to_owned(), text(&before));
        let rest = links.iter().map(|link| (link.fixes.clone(), text(&link.state)));
        std::iter::once(first).chain(rest).collect()
    }

    #[test]
    fn every_fix_has_a_state_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let nothing = links(&Journal::of(root).unwrap(), None);
        assert!(matches!(nothing, Err(Error::NothingToUndo)), "{nothing:?}");
        fs::write(root.join("Dockerfile"), "d0").unwrap();
        let first = apply(root, &["a"], &[("Dockerfile", Some("d0"), "d1")]);
        let rules = ["b", "c", "d"];
        let files = [("Dockerfile", Some("d1"), "d3"), (".dockerignore", None, "i1")];
        let second = apply(root, &rules, &files);
        let stage = |rules: &[&str], files: &[(&str, &str)]| Stage {
            rules: rules.iter().map(|&rule| rule.to_owned()).collect(),
            files: files
                .iter()
                .map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()))
                .collect(),
        };
        let stages = [
            stage(&["b"], &[(".dockerignore", "i1")]),
            stage(&["c", "d"], &[(".dockerignore", "i1"), ("Dockerfile", "d3")]),
        ];
        Journal::of(root).unwrap().keep_stages(&second, &stages).unwrap();
        apply(root, &["e"], &[("Dockerfile", Some("d3"), "d4")]);

        let check = |from: Option<&str>, expected: &[(&str, &str)]| {
            let expected: Vec<_> = expected
                .iter()
                .map(|(fix, text)| ((*fix).to_owned(), (*text).to_owned()))
                .collect();
            assert_eq!(shown(root, from), expected);
        };
        let all =
            [("before", "d0 -"), ("a", "d1 -"), ("b", "d1 i1"), ("c, d", "d3 i1"), ("e", "d4 i1")];
        check(Some(&first), &all);
        check(Some(&second), &[&[("before", "d1 -")], &all[2..]].concat());
        check(None, &[("before", "d3 i1"), ("e", "d4 i1")]);

        // What was undone lies between nothing.
        let journal = Journal::of(root).unwrap();
        journal.undo(crate::apply::Which::Last, crate::apply::Edited::Refuse, 2).unwrap();
        check(Some("1"), &all[..4]);
        assert!(links(&journal, Some("3")).is_err() && links(&journal, Some("9")).is_err());
    }
}
