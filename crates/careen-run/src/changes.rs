//! What the newest commits changed below a context, as `git` tells it.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use careen_check::{ParsedDockerfile, files_to_look_for};
use careen_host::walk::in_force;
use careen_model::changes::Commit;
use careen_model::{ChangeFacts, Fact, ProjectFacts, Why};
use careen_syntax::dockerfile::Given;
use careen_syntax::ignore::Matcher;

/// Commits that are looked at.
const COMMITS: usize = 100;

/// A repository that takes longer is on a slow disk, and a doctor waits for nobody.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the rules want to know: commits without what the ignore file leaves out, and which of the
/// paths that the Dockerfile names are files.
pub(crate) fn of_project(
    project: &ProjectFacts,
    dockerfile: Option<&ParsedDockerfile>,
) -> Fact<ChangeFacts> {
    let Some(parsed) = dockerfile else {
        return Fact::Unknown(Why::Absent { what: "Dockerfile".to_owned() });
    };
    let root = &project.context;
    Fact::from(ask(root).map(|mut changes| {
        let patterns = in_force(&parsed.path, root).working_patterns();
        let matcher = Matcher::new(&patterns).ok();
        let is_sent = |path: &Vec<u8>| {
            !matcher.as_ref().is_some_and(|matcher| matcher.walk_match(path).unwrap_or(false))
        };
        for commit in &mut changes.commits {
            commit.paths.retain(is_sent);
        }
        let asked = files_to_look_for(parsed, &Given::default()).into_iter();
        let is_file =
            |path: &String| root.join(path).is_file() && is_sent(&path.clone().into_bytes());
        changes.files = asked.filter(is_file).collect();
        changes
    }))
}

/// Asks `git`. Nothing is written, and nothing that the repository's configuration names is run.
pub(crate) fn ask(context: &Path) -> Result<ChangeFacts, Why> {
    let most = format!("-n{COMMITS}");
    let mut child = Command::new("git")
        .args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"])
        .args(["-c", "core.fsmonitor=false", "-c", "log.showSignature=false"])
        .arg("-C")
        .arg(context)
        .args(["log", &most, "--format=%x01%P", "--name-only", "-z", "--no-renames"])
        .args(["--no-ext-diff", "--no-textconv", "--relative", "--", "."])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| Why::NotOnThisSystem { what: "git".to_owned() })?;
    let mut output = child.stdout.take().expect("it was piped");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = output.read_to_end(&mut text).map(|_| text);
        // Nobody listens any more when it took too long.
        let _ = sender.send(read);
    });
    let read = receiver.recv_timeout(PATIENCE);
    if read.is_err() {
        // It may just have ended by itself.
        let _ = child.kill();
    }
    let is_done = child.wait().is_ok_and(|status| status.success());
    match read {
        Err(_) => Err(Why::TooSlow { what: "git log".to_owned() }),
        Ok(Ok(text)) if is_done => Ok(parse(&text)),
        Ok(_) => Err(Why::Absent { what: "git history".to_owned() }),
    }
}

/// Each commit is a `\x01` with its parents, then its paths, all ended by a NUL; a line feed may
/// stand between.
fn parse(text: &[u8]) -> ChangeFacts {
    let mut commits: Vec<Commit> = Vec::new();
    for part in text.split(|byte| *byte == 0) {
        let part = part.strip_prefix(b"\n").unwrap_or(part);
        match part {
            [1, parents @ ..] => {
                commits.push(Commit { is_first: parents.is_empty(), paths: Vec::new() });
            }
            b"" => (),
            path => {
                if let Some(last) = commits.last_mut() {
                    last.paths.push(path.to_owned());
                }
            }
        }
    }
    ChangeFacts { commits, files: BTreeSet::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_and_their_paths() {
        let text = b"\x01ab cd\0\nsrc/a.py\0src/b\nc.py\0\x01ef\0\nsrc/a.py\0README.md\0\x01\0";
        let changes = parse(text);
        let first: Vec<bool> = changes.commits.iter().map(|commit| commit.is_first).collect();
        assert_eq!(first, [false, false, true]);
        let first = |path: &[u8]| path.split(|byte| *byte == b'/').next().map(<[u8]>::to_owned);
        let counts = changes.count(first);
        let counts: Vec<(&[u8], u64)> = counts.iter().map(|(path, n)| (&path[..], *n)).collect();
        assert_eq!(counts, [(&b"README.md"[..], 1), (b"src", 2)]);
        assert_eq!(parse(b""), ChangeFacts::default());
    }

    #[test]
    fn a_folder_without_history_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let told = ask(folder.path()).unwrap_err().to_string();
        assert!(["no git history here", "no git on this system"].contains(&&*told), "{told}");
    }
}
