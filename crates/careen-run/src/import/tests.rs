//! Logs of every form through the import, and what must not reach the disk.

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use careen_model::Outcome;
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::history::State;

fn history() -> (TempDir, History, Project) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("history.db")).unwrap();
    let root = PathBuf::from("/hoops");
    let project = Project { remote: None, root, dockerfile: "Dockerfile".into(), target: None };
    (folder, history, project)
}

fn read_in(history: &History, project: &Project, log: &[u8]) -> Result<Recorded, Error> {
    let redaction = Redaction::of(["known-t0ken".to_owned()]);
    let job = Import { name: Path::new("x.log"), history, project, now: 7, redaction };
    import(job, &mut Cursor::new(log))
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const PLAIN: &str = "2024-05-01T10:00:01.0Z #1 [internal] load build context\n\
    2024-05-01T10:00:02.0Z #1 transferring context: 300.06MB 0.9s done\n\
    2024-05-01T10:00:02.0Z #1 DONE 1.0s\n\
    2024-05-01T10:00:02.0Z #2 [1/1] RUN make\n2024-05-01T10:00:05.0Z #2 DONE 3.0s\n\
    2024-05-01T10:00:05.0Z #3 exporting to image\n\
    2024-05-01T10:00:05.5Z #3 writing image sha256:6262 done\n\
    2024-05-01T10:00:05.5Z #3 naming to docker.io/library/ev:1 done\n\
    2024-05-01T10:00:06.0Z #3 DONE 1.0s\n";

#[test]
fn a_log_becomes_a_build_of_the_history() {
    let (_folder, history, project) = history();
    for log in [PLAIN.as_bytes().to_vec(), packed(PLAIN.as_bytes())] {
        let Recorded { record, problem } = read_in(&history, &project, &log).unwrap();
        assert!(problem.is_none());
        assert_eq!((record.outcome, record.total.as_secs()), (Some(Outcome::Built), 5));
        assert_eq!(record.started_at, 1_714_557_601);
        assert_eq!(record.image.as_deref(), Some("ev:1"));
        assert_eq!(record.image_digest.as_deref(), Some("sha256:6262"));
        let imported = Imported { format: LogFormat::Plain, clock: LogClock::Lines };
        assert_eq!(record.imported, Some(imported));
        assert_eq!(history.get(&project, &record.label).unwrap(), record);
    }
    let rows = history.list(&project, 9).unwrap();
    assert_eq!(rows.len(), 2);
    let row = &rows[0];
    assert_eq!((row.state, row.imported), (State::Built, Some(LogFormat::Plain)));
    assert_eq!((row.context_bytes, row.started_at), (Some(300_060_000), 1_714_557_601));
}

#[test]
fn careens_own_log_gives_the_same_record_again() {
    let (folder, history, project) = history();
    let first = read_in(&history, &project, PLAIN.as_bytes()).unwrap().record;
    let log = history.events(&project, &first.label).unwrap().unwrap();
    let again = read_in(&history, &project, &fs::read(log).unwrap()).unwrap().record;
    assert_eq!(again.steps, first.steps);
    assert_eq!((again.total, again.outcome), (first.total, first.outcome));
    assert_eq!(again.imported.map(|imported| imported.format), Some(LogFormat::Events));
    drop(folder);
}

#[test]
fn a_text_without_a_build_leaves_nothing() {
    let (folder, history, project) = history();
    for text in [&b""[..], b"hello\n", b"\x1f\x8b\x08junk", b"#hashtag\n", &packed(b"nothing")] {
        assert!(read_in(&history, &project, text).is_err());
    }
    assert_eq!(history.list(&project, 9).unwrap(), []);
    assert_eq!(fs::read_dir(folder.path().join("builds")).unwrap().count(), 0);
}

#[test]
fn a_killed_import_leaves_nothing() {
    let (folder, history, project) = history();
    let about = About { started_at: 1, ..About::default() };
    let recorder = Recorder::begin_import(&history, &project, about, LogFormat::Plain).unwrap();
    assert_eq!(history.list(&project, 9).unwrap()[0].state, State::Running);
    drop(recorder);
    drop(history);
    let history = History::open(&folder.path().join("history.db")).unwrap();
    assert_eq!(history.list(&project, 9).unwrap(), []);
    assert_eq!(fs::read_dir(folder.path().join("builds")).unwrap().count(), 0);
}

/// Every byte below `folder`, with packed logs unpacked.
fn everything(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(everything(&path));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut unpacked = Vec::new();
        if GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).is_ok() {
            all.extend(unpacked);
        }
        all.extend(bytes);
    }
    all
}

#[test]
fn no_secret_of_a_log_reaches_the_disk() {
    let forms = [
        "#1 [1/2] RUN curl https://me:s3cr3t-url@host.example/x\n\
         #1 0.1 DB_PASSWORD=s3cr3t-value and then\n#1 0.2 the server said s3cr3t-value\n\
         #1 0.3 --token s3cr3t-flag1 Authorization: Bearer s3cr3t-header1\n\
         #1 0.4 known-t0ken is in the environment\n\
         #1 0.5 remote said ghp_s3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3t\n\
         #1 ERROR: failed with API_KEY=s3cr3t-error\n\
         ERROR: failed to solve: https://u:s3cr3t-end@h/\n",
        "Step 1/2 : ARG NPM_TOKEN=s3cr3t-value\n ---> 12\nStep 2/2 : RUN npm ci\ns3cr3t-value it is\n\
         The command '/bin/sh -c TOKEN=s3cr3t-code x' returned a non-zero code: 1\n",
        "[+] Building 1.0s (1/1) FINISHED\n => ERROR [1/1] RUN X_SECRET=s3cr3t-value x   1.0s\n\
         failed to solve: s3cr3t-value is wrong\n",
        "{\"vertexes\":[{\"digest\":\"a\",\"name\":\"[1/1] RUN A_TOKEN=s3cr3t-value x\",\"started\":\"2026-11-23T19:08:55.5Z\"}]}\n\
         {\"logs\":[{\"vertex\":\"a\",\"stream\":1,\"data\":\"aXQgaXMgczNjcjN0LXZhbHVlCg==\",\"timestamp\":\"2026-11-23T19:08:56Z\"}]}\n",
    ];
    let stream = "{\"at_seconds\":0.5,\"event\":\"step-planned\",\"step\":\"a\",\"name\":\"[1/1] RUN A_TOKEN=s3cr3t-value x\"}\n\
         {\"at_seconds\":0.6,\"event\":\"log\",\"step\":\"a\",\"stream\":\"out\",\"text\":\"it is s3cr3t-value\\n\"}\n";
    for log in forms.into_iter().chain([stream]) {
        let (folder, history, project) = history();
        let recorded = read_in(&history, &project, log.as_bytes()).unwrap();
        assert!(recorded.problem.is_none());
        drop(history);
        let bytes = everything(folder.path());
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["s3cr3t", "known-t0ken"] {
            assert!(!text.contains(secret), "{secret} of {log}");
        }
        assert!(text.contains("***"), "{log}");
    }
}
