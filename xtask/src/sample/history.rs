//! The sample's git history: many small changes, a few to the locked packages, and weights that
//! were committed once and removed again.
//!
//! Written as one `git fast-import` stream with fixed names and dates, so that every commit has the
//! same id in every run.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use super::Size;
use super::weight::mix;
use crate::failure::Failure;
use crate::process::{Call, tail};

/// 2025-01-06 09:00 UTC, the first commit.
const BEGIN: u64 = 1_736_154_000;
/// Between two commits, in seconds.
const PACE: u64 = 5 * 3600;

/// How often a kind of file is changed, in percent; the first match counts.
const SHARES: &[(&str, u64)] = &[
    ("src/", 62),
    ("tests/", 15),
    ("notebooks/", 8),
    ("configs/", 5),
    ("README.md", 4),
    ("pyproject.toml", 3),
    ("uv.lock", 3),
];

/// One commit of the history.
#[derive(Debug, PartialEq, Eq)]
struct Commit {
    subject: String,
    /// Path and content; no content removes the file.
    changes: Vec<(String, Option<Vec<u8>>)>,
}

/// Makes `root` a repository whose last commit is what lies there.
pub(super) fn grow(root: &Path, size: Size) -> Result<(), Failure> {
    let (commits, weights) = match size {
        Size::Small => (60, 4_000_000),
        Size::Full => (600, 60_000_000),
    };
    git(root).args(["init", "-q", "-b", "main"]).read()?;
    let files = tracked(root)?;
    let stream = stream(&history(&files, commits, weights));
    import(root, &stream)?;
    git(root).args(["reset", "-q"]).read().map(drop)
}

/// Files that git would add, with their content.
fn tracked(root: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let list = git(root).args(["ls-files", "-z", "--others", "--exclude-standard"]).read()?;
    let mut names: Vec<&str> = list.split('\0').filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    let read = |name: &str| {
        let path = root.join(name);
        fs::read(&path).map(|bytes| (name.to_owned(), bytes)).map_err(Failure::file("read", path))
    };
    names.into_iter().map(read).collect()
}

fn history(files: &[(String, Vec<u8>)], commits: u64, weights: usize) -> Vec<Commit> {
    let draft = |content: &[u8], n: u64| [content, format!("# draft {n}\n").as_bytes()].concat();
    let first = files.iter().map(|(path, content)| (path.clone(), Some(draft(content, 0))));
    let mut made = vec![Commit { subject: "first version".to_owned(), changes: first.collect() }];
    for n in 1..commits {
        let (path, content) = choose(files, mix(n));
        let change = (path.clone(), Some(draft(content, n)));
        let mut commit = Commit { subject: format!("change {path}"), changes: vec![change] };
        let place = "models/court-old.onnx".to_owned();
        if n == commits / 4 {
            let bytes = (0..weights as u64 / 8).flat_map(|word| mix(word << 20).to_le_bytes());
            commit.changes.push((place, Some(bytes.collect())));
        } else if n == commits / 4 + 1 {
            commit.changes.push((place, None));
        }
        made.push(commit);
    }
    let last = files.iter().map(|(path, content)| (path.clone(), Some(content.clone())));
    made.push(Commit { subject: "clean up drafts".to_owned(), changes: last.collect() });
    made
}

/// A file for this random number, by the shares above.
fn choose(files: &[(String, Vec<u8>)], random: u64) -> &(String, Vec<u8>) {
    let mut left = random % 100;
    for (prefix, share) in SHARES {
        let matching: Vec<_> = files.iter().filter(|(path, _)| path.starts_with(prefix)).collect();
        if left < *share && !matching.is_empty() {
            let index = (random >> 32) % matching.len() as u64;
            return matching[usize::try_from(index).expect("less than the number of files")];
        }
        left = left.saturating_sub(*share);
    }
    &files[0]
}

/// The text that `git fast-import` reads (its documentation, `git-fast-import(1)`).
fn stream(commits: &[Commit]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (n, commit) in commits.iter().enumerate() {
        let when = BEGIN + n as u64 * PACE;
        let mut head = "commit refs/heads/main\n".to_owned();
        let _ = writeln!(head, "committer Hoops <hoops@example.invalid> {when} +0000");
        let _ = write!(head, "data {}\n{}\n", commit.subject.len(), commit.subject);
        stream.extend_from_slice(head.as_bytes());
        for (path, content) in &commit.changes {
            match content {
                Some(bytes) => {
                    let head = format!("M 100644 inline {path}\ndata {}\n", bytes.len());
                    stream.extend_from_slice(head.as_bytes());
                    stream.extend_from_slice(bytes);
                    stream.push(b'\n');
                }
                None => stream.extend_from_slice(format!("D {path}\n").as_bytes()),
            }
        }
        stream.push(b'\n');
    }
    stream
}

fn import(root: &Path, stream: &[u8]) -> Result<(), Failure> {
    let line = "git fast-import".to_owned();
    // Loose objects, as in a repository that people work in; weights go the same way.
    let call = git(root).args([
        "-c",
        "fastimport.unpackLimit=100000",
        "fast-import",
        "--quiet",
        "--force",
    ]);
    let mut command = call.into_command();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|source| Failure::NotStarted { line: line.clone(), source })?;
    let mut input = child.stdin.take().expect("it was piped");
    let written = input.write_all(stream);
    drop(input);
    let output = child.wait_with_output().map_err(Failure::file("import into", root))?;
    if output.status.success() {
        written.map_err(Failure::file("import into", root))
    } else {
        Err(Failure::Command { line, status: output.status, tail: tail(&output.stderr) })
    }
}

/// git without the settings of the person who runs it.
fn git(root: &Path) -> Call {
    Call::new("git")
        .folder(root)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_WORK_TREE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<(String, Vec<u8>)> {
        let file = |path: &str| (path.to_owned(), format!("{path}\n").into_bytes());
        vec![file("README.md"), file("pyproject.toml"), file("src/a.py"), file("tests/t.py")]
    }

    #[test]
    fn most_commits_change_sources_and_few_the_packages() {
        let made = history(&files(), 1_000, 64);
        let share = |path: &str| {
            made.iter().filter(|commit| commit.subject == format!("change {path}")).count()
        };
        assert!((550..700).contains(&share("src/a.py")), "{}", share("src/a.py"));
        assert!((10..60).contains(&share("pyproject.toml")), "{}", share("pyproject.toml"));
    }

    #[test]
    fn the_last_commit_is_what_lies_there_and_ids_never_change() {
        let folder = tempfile::tempdir().unwrap();
        let mut heads = Vec::new();
        for name in ["one", "two"] {
            let root = folder.path().join(name);
            for (path, content) in files() {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            grow(&root, Size::Small).unwrap();
            assert_eq!(git(&root).args(["status", "--porcelain"]).read().unwrap(), "");
            heads.push(git(&root).args(["rev-parse", "HEAD"]).read().unwrap());
        }
        assert_eq!(heads[0], heads[1]);
    }
}
