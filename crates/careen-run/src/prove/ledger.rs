//! What a proof has measured so far, on the disk, so that a killed one can go on.
//!
//! ```text
//! <folder>/job.json        what is proved, written before anything else
//!          before/ after/  the private copies, and between-1/ … of states between the two
//!          history.db      a record of every build, apart from the project's history
//!          rounds.jsonl    one line for each pair of builds, written when both have ended
//!          engine.jsonl    what the engine holds of ours, written before it is made
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use careen_model::Scenario;
use serde::{Deserialize, Serialize};

use crate::Error;

const VERSION: u32 = 1;

/// What is proved. Two jobs that are equal can share their rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) version: u32,
    /// Makes edits, images and caches of this proof unlike all others.
    pub(super) nonce: String,
    /// Seconds since the Unix epoch.
    pub(super) started_at: i64,
    pub(super) root: PathBuf,
    pub(super) before: String,
    pub(super) after: String,
    /// States that are built too, between the two.
    #[serde(default)]
    pub(super) between: Vec<String>,
    pub(super) scenarios: Vec<String>,
    #[serde(default)]
    pub(super) target: Option<String>,
    pub(super) runs: usize,
    pub(super) engine: String,
    /// Hash of the two Dockerfiles and of the names of build arguments.
    pub(super) fingerprint: String,
}

/// One pair of builds, with those between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) round: usize,
    pub(super) scenario: String,
    /// Labels of the records in `history.db`.
    pub(super) labels: (String, String),
    /// Wall times in seconds.
    pub(super) seconds: (f64, f64),
    /// The same of the states between the two, in their order.
    #[serde(default)]
    pub(super) between: Vec<f64>,
}

/// Something of ours in the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Held {
    Image(String),
    /// What the ids of our cache mounts begin with.
    Caches(String),
    /// A build whose steps left records in the cache: its label in `history.db`, the Dockerfile it
    /// was made from, and the nanosecond since the Unix epoch from which its times count. Told more
    /// than once when it is known better; the earliest is nearest.
    Build {
        label: String,
        dockerfile: PathBuf,
        began: i64,
    },
}

/// The folder of one proof.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) folder: PathBuf,
}

impl Job {
    /// The same question, whenever it was asked.
    pub(super) fn asks_the_same(&self, other: &Job) -> bool {
        let plain = |job: &Job| Job { nonce: String::new(), started_at: 0, ..job.clone() };
        plain(self) == plain(other)
    }

    pub(super) fn version() -> u32 {
        VERSION
    }
}

impl Ledger {
    pub(super) fn at(folder: &Path) -> Ledger {
        Ledger { folder: folder.to_owned() }
    }

    /// The job that was begun here; `None` when there is none, or one of another careen.
    pub(super) fn job(&self) -> Option<Job> {
        let job: Job =
            serde_json::from_slice(&fs::read(self.folder.join("job.json")).ok()?).ok()?;
        (job.version == VERSION).then_some(job)
    }

    /// Starts with nothing: a folder without a job may hold what a careen that was killed while it
    /// removed a proof left of it.
    pub(super) fn begin(&self, job: &Job) -> Result<(), Error> {
        if self.job().is_none() {
            self.remove()?;
        }
        fs::create_dir_all(&self.folder).map_err(Error::io("writing", &self.folder))?;
        let path = self.folder.join("job.json");
        let draft = self.folder.join("job.draft");
        let text = serde_json::to_vec_pretty(job).expect("a job is plain data");
        fs::write(&draft, text).map_err(Error::io("writing", &draft))?;
        fs::rename(&draft, &path).map_err(Error::io("writing", &path))
    }

    /// The copies are complete; before that they are made anew.
    pub(super) fn mark_copied(&self) -> Result<(), Error> {
        let path = self.folder.join("copied");
        fs::write(&path, b"").map_err(Error::io("writing", &path))
    }

    pub(super) fn is_copied(&self) -> bool {
        self.folder.join("copied").exists()
    }

    pub(super) fn pairs(&self) -> Result<Vec<Pair>, Error> {
        read(&self.folder.join("rounds.jsonl"))
    }

    pub(super) fn add_pair(&self, pair: &Pair) -> Result<(), Error> {
        append(&self.folder.join("rounds.jsonl"), pair)
    }

    pub(super) fn held(&self) -> Result<Vec<Held>, Error> {
        read(&self.folder.join("engine.jsonl"))
    }

    pub(super) fn hold(&self, held: &Held) -> Result<(), Error> {
        append(&self.folder.join("engine.jsonl"), held)
    }

    pub(super) fn remove(&self) -> Result<(), Error> {
        // The job goes first: a folder without one is never taken for a proof.
        let _ = fs::remove_file(self.folder.join("job.json"));
        match fs::remove_dir_all(&self.folder) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("removing", &self.folder)(err))
            }
            _ => Ok(()),
        }
    }
}

/// Lines that were written whole; one that a kill cut is not there.
fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Vec<T>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(err) => return Err(Error::io("reading", path)(err)),
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn append(path: &Path, row: &impl Serialize) -> Result<(), Error> {
    let mut line = serde_json::to_vec(row).expect("a row is plain data");
    line.push(b'\n');
    let file: Result<File, _> = OpenOptions::new().create(true).append(true).open(path);
    let written = file.and_then(|mut file| {
        // A line that a kill cut must not swallow this one.
        file.write_all(b"\n")?;
        file.write_all(&line)?;
        file.sync_data()
    });
    written.map_err(Error::io("writing", path))
}

/// The scenario of that name.
pub(super) fn scenario(name: &str) -> Option<Scenario> {
    Scenario::ALL.into_iter().find(|scenario| scenario.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_line_is_not_there_and_the_next_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::at(folder.path());
        let pair = |round| Pair {
            round,
            scenario: "cold".into(),
            labels: ("0001".into(), "0002".into()),
            seconds: (2.0, 1.0),
            between: vec![1.5],
        };
        ledger.add_pair(&pair(0)).unwrap();
        let path = folder.path().join("rounds.jsonl");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], &whole[..whole.len() / 2]].concat()).unwrap();
        ledger.add_pair(&pair(1)).unwrap();
        assert_eq!(ledger.pairs().unwrap(), [pair(0), pair(1)]);
        assert_eq!(scenario("cold"), Some(Scenario::Cold));
        assert_eq!(ledger.job(), None);
    }
}
