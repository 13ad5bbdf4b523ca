//! How often paths of a context were changed by commits, as `git` tells it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// Commits that are looked at.
const COMMITS: usize = 100;

/// Changes of a context by its newest commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) commits: u64,
    /// The paths of each commit, relative to the context.
    pub(super) paths: Vec<Vec<Vec<u8>>>,
}

/// Asks `git`; `None` without a repository or without the program. Nothing is written, and nothing
/// that the repository's configuration names is run.
pub(super) fn changes(context: &Path) -> Option<Changes> {
    let most = format!("-n{COMMITS}");
    let output = Command::new("git")
        .args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"])
        .args(["-c", "core.fsmonitor=false", "-c", "log.showSignature=false"])
        .arg("-C")
        .arg(context)
        .args(["log", &most, "--format=%x01", "--name-only", "-z", "--no-renames"])
        .args(["--no-ext-diff", "--no-textconv", "--relative", "--", "."])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| parse(&output.stdout))
}

/// Each commit is a `\x01`, then its paths, all ended by a NUL; a line feed may stand between.
fn parse(text: &[u8]) -> Changes {
    let mut changes = Changes::default();
    for part in text.split(|byte| *byte == 0) {
        let part = part.strip_prefix(b"\n").unwrap_or(part);
        match part {
            b"\x01" => {
                changes.commits += 1;
                changes.paths.push(Vec::new());
            }
            b"" => (),
            path => {
                if let Some(last) = changes.paths.last_mut() {
                    last.push(path.to_owned());
                }
            }
        }
    }
    changes
}

impl Changes {
    /// In how many commits each group was changed; `group` names that of a path, if it has one.
    pub(super) fn count(&self, group: impl Fn(&[u8]) -> Option<Vec<u8>>) -> BTreeMap<Vec<u8>, u64> {
        let mut counts = BTreeMap::new();
        for paths in &self.paths {
            let mut groups: Vec<Vec<u8>> = paths.iter().filter_map(|path| group(path)).collect();
            groups.sort();
            groups.dedup();
            for group in groups {
                *counts.entry(group).or_insert(0) += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_and_their_paths() {
        let changes = parse(b"\x01\0\nsrc/a.py\0src/b\nc.py\0\x01\0\nsrc/a.py\0README.md\0\x01\0");
        assert_eq!(changes.commits, 3);
        let first = |path: &[u8]| path.split(|byte| *byte == b'/').next().map(<[u8]>::to_owned);
        let counts = changes.count(first);
        let counts: Vec<(&[u8], u64)> = counts.iter().map(|(path, n)| (&path[..], *n)).collect();
        assert_eq!(counts, [(&b"README.md"[..], 1), (b"src", 2)]);
        assert_eq!(parse(b""), Changes::default());
    }
}
