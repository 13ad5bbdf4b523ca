//! A build through the recorder: record, log, label, and what must not be in them.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use careen_model::Outcome;
use flate2::read::GzDecoder;

use super::*;
use crate::history::State;

fn event(second: u64, what: What) -> BuildEvent {
    BuildEvent { at: Duration::from_secs(second), what }
}

fn output(second: u64, bytes: &[u8]) -> BuildEvent {
    event(second, What::Log { step: "a".into(), stream: Stream::Out, bytes: bytes.to_vec() })
}

#[test]
fn a_build_is_recorded_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("history.db")).unwrap();
    let root = PathBuf::from("/hoops");
    let project = Project { remote: None, root, dockerfile: "Dockerfile".into(), target: None };
    let redaction = Redaction::of(["s3cr3t-argument".to_owned(), "dev".to_owned()]);
    let about = About { started_at: 5, image: Some("hoops:dev".into()), engine: None, redaction };
    let mut recorder = Recorder::begin(&history, &project, about).unwrap();
    let name = "[1/1] RUN make s3cr3t-argument".to_owned();
    recorder.event(&event(0, What::StepPlanned { step: "a".into(), name, inputs: vec![] }));
    recorder.event(&event(1, What::StepStarted { step: "a".into() }));
    let error = Some("failed with s3cr3t-argument".to_owned());
    let events = [
        output(1, b"one s3cr3t-"),
        output(2, b"argument two\nbar 10%\rbar 20%\r"),
        output(2, b"caf\xc3"),
        output(3, b"\xa9 GITHUB_TOKEN=abc"),
        output(3, b"defghijkl"),
        event(4, What::StepEnded { step: "a".into(), error }),
    ];
    let shown: Vec<BuildEvent> = events.iter().flat_map(|event| recorder.event(event)).collect();
    let lines: Vec<String> = shown
        .iter()
        .filter_map(|event| match &event.what {
            What::Log { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(lines, ["one *** two\nbar 10%\rbar 20%\r", "café GITHUB_TOKEN=***"]);
    assert_eq!(shown.len(), 3, "half a line is never shown");
    recorder.event(&event(4, What::Ended { outcome: Outcome::Failed }));
    recorder.record_mut().exit_code = Some(3);
    let Recorded { record: told, problem } = recorder.finish(&history);
    assert!(problem.is_none());

    let stored = history.get(&project, "0001").unwrap();
    assert_eq!(stored, told);
    assert_eq!((stored.label.as_str(), stored.exit_code), ("0001", Some(3)));
    assert_eq!(stored.steps[0].name, "[1/1] RUN make ***");
    assert_eq!(stored.error.as_deref(), Some("failed with ***"));
    assert_eq!(stored.image.as_deref(), Some("hoops:dev"), "short values stay");
    assert_eq!(stored.steps[0].log_bytes, 71);
    assert_eq!(history.list(&project, 1).unwrap()[0].state, State::Failed);

    let path = history.events(&project, "1").unwrap().unwrap();
    let mut text = String::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    for secret in ["s3cr3t", "argument", "abcdef", "defghi"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("one *** two"), "{text}");
    assert!(text.contains("café"), "{text}");
}

#[test]
fn the_lines_of_a_key_are_hidden_one_by_one() {
    let key = "-----BEGIN KEY-----\nbW9yZSB0aGFuIG9uZQ\nx\nbGluZQ==\n-----END KEY-----\n";
    let redaction = Redaction::of([key.to_owned()]);
    let shown = redaction.text("#5 0.1 bW9yZSB0aGFuIG9uZQ\n#5 0.1 x\n#5 0.1 bGluZQ==\n");
    assert_eq!(shown, "#5 0.1 ***\n#5 0.1 x\n#5 0.1 ***\n");
    assert!(!format!("{redaction:?}").contains("bW9"));
}

#[test]
fn the_log_folds_into_the_same_record() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("history.db")).unwrap();
    let root = PathBuf::from("/hoops");
    let project = Project { remote: None, root, dockerfile: "Dockerfile".into(), target: None };
    let mut recorder = Recorder::begin(&history, &project, About::default()).unwrap();
    for n in 0..50 {
        let step = format!("s{n}");
        let name = format!("[{n}/50] RUN x");
        recorder.event(&event(n, What::StepPlanned { step: step.clone(), name, inputs: vec![] }));
        recorder.event(&event(n, What::StepStarted { step: step.clone() }));
        recorder.event(&event(
            n,
            What::Log { step: step.clone(), stream: Stream::Err, bytes: b"x\ny".to_vec() },
        ));
        recorder.event(&event(n + 1, What::StepEnded { step, error: None }));
    }
    recorder.event(&event(51, What::Ended { outcome: Outcome::Built }));
    let whole = recorder.finish(&history).record;
    let mut replayed = BuildRecord { label: "0001".into(), ..BuildRecord::default() };
    let path = history.events(&project, "1").unwrap().unwrap();
    crate::history::read_events(&path, &mut |event| replayed.apply(&event)).unwrap();
    assert_eq!(replayed, whole);
}
