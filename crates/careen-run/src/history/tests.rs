//! The store through its border: real files, two connections, killed writers, damage.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::thread;

use careen_model::{BuildEvent, Outcome, Run, StepRecord, Stream, Task, Transfer, What};
use tempfile::TempDir;

use super::*;

fn history() -> (TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("careen/history.db")).unwrap();
    (folder, history)
}

fn project(name: &str) -> Project {
    let root = PathBuf::from("/home/me").join(name);
    Project { remote: None, root, dockerfile: "Dockerfile".into(), target: None }
}

fn record(seconds: u64) -> BuildRecord {
    let second = Duration::from_secs(1);
    let step = |id: &str, name: &str| StepRecord {
        packages: crate::recorder::packages_of(name, careen_model::phase_of(name)),
        id: id.into(),
        name: name.into(),
        phase: careen_model::phase_of(name),
        inputs: vec![],
        started: Some(Duration::from_nanos(1_000_000_007)),
        ended: Some(second * 2),
        cached: id == "b",
        error: None,
        tasks: vec![Task { name: "t".into(), bytes: 3, started: second, ended: None }],
        log_bytes: 17,
        runs: vec![Run { started: second, ended: None }],
        downloaded: 5,
    };
    BuildRecord {
        started_at: 1_700_000_000,
        steps: vec![
            step("a", "[internal] load build context"),
            step("b", "[1/2] RUN x"),
            step("c", "[2/2] RUN pip install torch"),
            step("d", "exporting to image"),
        ],
        transfers: vec![Transfer {
            name: "context".into(),
            entries: 4,
            files: 3,
            bytes: 99,
            faults: vec!["gone: a".into()],
        }],
        warnings: vec!["w".into()],
        outcome: Some(Outcome::Built),
        image: Some("hoops:dev".into()),
        image_digest: Some("sha256:1".into()),
        engine: Some("28.5.1".into()),
        total: Duration::from_secs(seconds),
        ..BuildRecord::default()
    }
}

#[test]
fn a_record_comes_back_as_it_was() {
    let (_folder, history) = history();
    let hoops = project("hoops");
    assert_eq!(history.record(&hoops, &record(10)).unwrap(), "0001");
    assert_eq!(history.record(&hoops, &record(5)).unwrap(), "0002");
    assert_eq!(history.record(&project("other"), &record(1)).unwrap(), "0001");

    let wanted = BuildRecord { label: "0001".into(), ..record(10) };
    assert_eq!(history.get(&hoops, "1").unwrap(), wanted);
    let labels: Vec<_> =
        history.last(&hoops, 9).unwrap().into_iter().map(|record| record.label).collect();
    assert_eq!(labels, ["0002", "0001"]);
    let listed = &history.list(&hoops, 1).unwrap()[0];
    assert_eq!((listed.steps_run, listed.steps_cached), (1, 1));
    assert_eq!((listed.context_bytes, listed.state), (Some(99), State::Built));
    assert_eq!(listed.total, Duration::from_secs(5));
    let rows = history.compare(&hoops, "0001", "0002").unwrap().rows;
    assert_eq!(rows.last().unwrap().ratio(), Some(2.0));
    assert!(matches!(history.get(&hoops, "3"), Err(Error::NoBuild { .. })));
    assert!(matches!(history.get(&hoops, "last"), Err(Error::NoBuild { .. })));
}

#[test]
fn what_makes_two_builds_comparable() {
    let plain = project("hoops");
    let with_remote = |remote: &str| Project { remote: Some(remote.into()), ..plain.clone() };
    let same = [
        "https://user:token@example.com/me/hoops.git",
        "https://example.com/me/hoops",
        "ssh://git@example.com/me/hoops.git/",
        "git@example.com:me/hoops.git",
    ];
    for remote in same {
        assert_eq!(normal_remote(remote), "example.com/me/hoops", "{remote}");
        assert_eq!(with_remote(remote).key(), with_remote(same[0]).key());
    }
    let others = [
        plain.clone(),
        with_remote("https://example.com/me/other"),
        Project { target: Some("dev".into()), ..plain.clone() },
        Project { dockerfile: "dev/Dockerfile".into(), ..plain.clone() },
        project("elsewhere"),
    ];
    let keys: std::collections::BTreeSet<_> = others.iter().map(Project::key).collect();
    assert_eq!(keys.len(), others.len());
}

#[test]
fn the_oldest_go_and_labels_are_never_used_twice() {
    let (folder, history) = history();
    let hoops = project("hoops");
    for _ in 0..4 {
        let begun = history.begin(&hoops, 1).unwrap();
        history.finish(begun, &mut record(1)).unwrap();
    }
    history.record(&project("other"), &record(1)).unwrap();
    let running = history.begin(&hoops, 2).unwrap();
    let two = Retention { builds: 2, not_before: None };
    fs::write(folder.path().join("careen/builds/999.jsonl.gz"), "of nobody").unwrap();
    assert_eq!(history.surplus(&hoops, two).unwrap().len(), 2);
    assert_eq!(history.list(&hoops, 9).unwrap().len(), 5, "looking removes nothing");
    let gone = history.retain(&hoops, two).unwrap();
    let labels_gone: Vec<_> = gone.iter().map(|gone| gone.build.label.as_str()).collect();
    assert_eq!(labels_gone, ["0001", "0002"]);
    assert!(gone.iter().all(|gone| gone.log_bytes > 0));
    let labels = |n| -> Vec<String> {
        history.list(&hoops, n).unwrap().into_iter().map(|row| row.label).collect()
    };
    assert_eq!(labels(9), ["0005", "0004", "0003"]);
    let logs = fs::read_dir(folder.path().join("careen/builds")).unwrap().count();
    assert_eq!(logs, 3);
    assert_eq!(history.list(&project("other"), 9).unwrap().len(), 1);
    drop(running);
    let later = Retention { builds: 9, not_before: Some(i64::MAX) };
    assert_eq!(history.retain(&hoops, later).unwrap().len(), 2);
    assert_eq!(history.record(&hoops, &record(1)).unwrap(), "0006");
}

fn log(step: &str, text: &str) -> What {
    What::Log { step: step.into(), stream: Stream::Out, bytes: text.as_bytes().to_vec() }
}

fn some_events(n: u64) -> Vec<BuildEvent> {
    let at = Duration::from_millis;
    let planned =
        What::StepPlanned { step: "a".into(), name: "[1/1] RUN x".into(), inputs: vec![] };
    let mut events = vec![
        BuildEvent { at: at(0), what: planned },
        BuildEvent { at: at(1), what: What::StepStarted { step: "a".into() } },
    ];
    // Text that does not compress to nothing, so that a cut falls into the middle.
    let line = |i: u64| format!("{:x}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    events.extend((0..n).map(|i| BuildEvent { at: at(i + 2), what: log("a", &line(i)) }));
    events
}

fn read_all(path: &Path) -> (Vec<BuildEvent>, Ending) {
    let mut events = Vec::new();
    let ending = read_events(path, &mut |event| events.push(event)).unwrap();
    (events, ending)
}

#[test]
fn every_event_comes_back_from_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let step = || "a".to_owned();
    let error = Some("exit code: 3".to_owned());
    let sent = Transfer { name: "context".into(), bytes: 7, ..Transfer::default() };
    let all = [
        What::StepCached { step: step() },
        What::Progress { step: step(), task: "t".into(), current: 1, total: Some(2), done: false },
        What::Log { step: step(), stream: Stream::Err, bytes: b"x".to_vec() },
        What::StepEnded { step: step(), error },
        What::Warned { message: "w".into() },
        What::Sent(sent),
        What::Ended { outcome: Outcome::Cancelled },
    ];
    let mut events = some_events(3);
    events.extend(all.map(|what| BuildEvent { at: Duration::from_nanos(1_234_567_891), what }));
    let mut log = EventLog::create(&path).unwrap();
    for event in &events {
        log.write(event).unwrap();
    }
    log.finish().unwrap();
    assert_eq!(read_all(&path), (events, Ending::Whole));
}

#[test]
fn a_log_cut_anywhere_is_readable_up_to_the_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let events = some_events(4000);
    let mut log = EventLog::create(&path).unwrap();
    for event in &events {
        log.write(event).unwrap();
    }
    // As after a kill: no end is written.
    std::mem::forget(log);
    let whole = fs::read(&path).unwrap();
    let (written, ending) = read_all(&path);
    assert_eq!(ending, Ending::Cut);
    assert!(written.len() > 3000, "{} of {}", written.len(), events.len());
    assert_eq!(written, events[..written.len()]);
    let cut = folder.path().join("cut");
    for length in (40..whole.len()).step_by(whole.len() / 50) {
        fs::write(&cut, &whole[..length]).unwrap();
        let (prefix, ending) = read_all(&cut);
        assert_eq!(ending, Ending::Cut);
        assert_eq!(prefix, events[..prefix.len()]);
    }
}

#[test]
fn a_killed_build_is_kept_as_an_interrupted_one() {
    let (folder, history) = history();
    let hoops = project("hoops");
    let mut begun = history.begin(&hoops, 77).unwrap();
    for event in some_events(4000) {
        begun.log.write(&event).unwrap();
    }
    let path = folder.path().join("careen/history.db");
    let second = History::open(&path).unwrap();
    assert_eq!(second.list(&hoops, 1).unwrap()[0].state, State::Running, "its log is locked");
    assert_eq!(second.last(&hoops, 1).unwrap(), []);
    drop(begun);
    let third = History::open(&path).unwrap();
    let listed = &third.list(&hoops, 1).unwrap()[0];
    assert_eq!((listed.state, listed.started_at), (State::Interrupted, 77));
    let record = third.get(&hoops, "0001").unwrap();
    assert_eq!((record.outcome, record.steps.len()), (None, 1));
    assert!(record.total > Duration::from_secs(2));
}

#[test]
fn two_careen_at_once_lose_nothing() {
    let (folder, history) = history();
    let path = folder.path().join("careen/history.db");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let history = History::open(&path).unwrap();
                for _ in 0..20 {
                    let begun = history.begin(&project("hoops"), 1).unwrap();
                    history.finish(begun, &mut record(1)).unwrap();
                }
            });
        }
    });
    let listed = history.list(&project("hoops"), 100).unwrap();
    assert_eq!(listed.len(), 80);
    assert!(listed.iter().all(|row| row.state == State::Built));
    assert_eq!(listed[0].label, "0080");
}

#[test]
fn a_damaged_store_is_told_and_kept() {
    let (folder, history) = history();
    let path = folder.path().join("careen/history.db");
    history.record(&project("hoops"), &record(1)).unwrap();
    drop(history);
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(b"not a database at all, sorry").unwrap();
    let damaged = fs::read(&path).unwrap();
    let Err(Error::HistoryDamaged { kept, .. }) = History::open(&path) else { panic!("opened") };
    assert_eq!(fs::read(&kept).unwrap(), damaged);
    let fresh = History::open(&path).unwrap();
    assert_eq!(fresh.list(&project("hoops"), 1).unwrap(), []);
    assert!(kept.exists());
}

#[test]
fn damage_found_while_reading_is_told_and_kept() {
    let (folder, history) = history();
    let path = folder.path().join("careen/history.db");
    for _ in 0..200 {
        history.record(&project("hoops"), &record(1)).unwrap();
    }
    drop(history);
    let length = fs::metadata(&path).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    // Everything behind the first page, which holds the schema.
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xff; usize::try_from(length).unwrap() - 4096]).unwrap();
    let result = History::open(&path).and_then(|history| history.last(&project("hoops"), 200));
    let Err(Error::HistoryDamaged { kept, .. }) = result else { panic!("{result:?}") };
    assert!(kept.exists() && !path.exists());
}

#[test]
fn a_newer_store_is_left_alone() {
    let (folder, history) = history();
    let path = folder.path().join("careen/history.db");
    history.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(history);
    let result = History::open(&path);
    assert!(matches!(result, Err(Error::TooNew { found: 99, known: 4, .. })));
    assert!(path.exists());
}

#[test]
fn secrets_never_reach_the_disk() {
    let (folder, history) = history();
    let mut secret = record(1);
    secret.steps[1].name = "RUN curl https://me:hunter2hunter2@example.com/x".into();
    secret.error = Some("API_TOKEN=hunter2hunter2 failed".into());
    history.record(&project("hoops"), &secret).unwrap();
    drop(history);
    let bytes = fs::read(folder.path().join("careen/history.db")).unwrap();
    assert!(!bytes.windows(7).any(|part| part == b"hunter2"));
}

#[test]
fn the_list_of_many_builds_is_quick_to_read() {
    let (folder, history) = history();
    let hoops = project("hoops");
    let transaction = history.write().unwrap();
    for n in 0..10_000 {
        let (id, _) = history.insert(&transaction, &hoops, (n, None)).unwrap();
        history.update(id, &record(1), State::Built).unwrap();
    }
    transaction.commit().unwrap();
    drop(history);
    let history = History::open(&folder.path().join("careen/history.db")).unwrap();
    // What makes it quick: the rows come in order from an index, nothing is sorted.
    let plan: Vec<String> = history
        .connection
        .prepare(
            "EXPLAIN QUERY PLAN SELECT number FROM build JOIN project ON project.id = build.project
             WHERE project.key = 'x' ORDER BY number DESC LIMIT 9",
        )
        .unwrap()
        .query_map([], |row| row.get(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    assert_eq!(history.list(&hoops, 10_000).unwrap().len(), 10_000);
}

#[test]
fn the_path_follows_the_base_directory_specification() {
    let home = Path::new("/home/me");
    let at = |xdg: Option<&str>| default_path(xdg.map(OsStr::new), home);
    assert_eq!(at(None), Path::new("/home/me/.local/share/careen/history.db"));
    assert_eq!(at(Some("/data")), Path::new("/data/careen/history.db"));
    assert_eq!(at(Some("")), at(None));
    assert_eq!(at(Some("relative")), at(None));
}

#[test]
fn transfers_are_kept_for_each_engine_and_old_stores_have_none() {
    let (folder, history) = history();
    let mut build = record(3);
    history.record(&project("a"), &build).unwrap();
    build.engine = Some("unix:///other.sock".into());
    build.transfers[0].entries = 9;
    history.record(&project("b"), &build).unwrap();
    build.steps[0].error = Some("context canceled".into());
    history.record(&project("b"), &build).unwrap();
    let entries = |engine: Option<&str>| -> Vec<u64> {
        history.transfers(engine).unwrap().iter().map(|one| one.entries).collect()
    };
    assert_eq!(entries(Some("28.5.1")), [4]);
    assert_eq!(entries(None), [9]);
    let sent = crate::SentFile {
        path: b"a".to_vec(),
        size: 1,
        mtime_ns: -5,
        ctime_ns: 7,
        digest: vec![1],
    };
    history.remember(&project("a"), "e", std::slice::from_ref(&sent)).unwrap();
    let newer = crate::SentFile { size: 2, ..sent.clone() };
    history.remember(&project("a"), "e", std::slice::from_ref(&newer)).unwrap();
    assert_eq!(history.sent_files(&project("a")).unwrap(), [newer]);
    assert_eq!(history.sent_files(&project("b")).unwrap(), []);

    // As the version before wrote it.
    let path = folder.path().join("careen/history.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(
        "DROP TABLE transfer; DROP TABLE sent_file; ALTER TABLE build DROP COLUMN imported;
         DROP TABLE build_input; DROP TABLE file_list; DROP TABLE salt; PRAGMA user_version = 1",
    )
    .unwrap();
    let reader = History::open_for_reading(&path).unwrap();
    assert_eq!(reader.transfers(None).unwrap(), []);
    assert_eq!(reader.sent_files(&project("a")).unwrap(), []);
    assert_eq!(reader.last(&project("a"), 9).unwrap().len(), 1);
    drop((reader, old, history));
    let again = History::open(&path).unwrap();
    assert_eq!(again.transfers(None).unwrap(), []);
    again.record(&project("a"), &record(3)).unwrap();
    assert_eq!(again.transfers(None).unwrap().len(), 1);
}

#[test]
fn inputs_come_back_without_values_and_go_with_their_builds() {
    use careen_model::missed::{BuildInputs, InputFile, InputRecord, StepInputs, StepState};

    let (folder, history) = history();
    let hoops = project("hoops");
    let file = InputFile {
        path: b"a".to_vec(),
        mode: 0o100_644,
        size: 3,
        mtime_ns: -1,
        ctime_ns: 2,
        inode: 3,
        link: vec![],
        digest: Some(vec![7; 16]),
    };
    let pair = |text: &str| (text.to_owned(), text.to_owned());
    let inputs = BuildInputs {
        no_cache: true,
        builder: Some("one".into()),
        arguments: [pair("V")].into(),
        bases: [pair("base")].into(),
        steps: vec![StepInputs {
            id: "1".into(),
            name: "[1/1] RUN x".into(),
            stage: "0".into(),
            text: "RUN x".into(),
            digest: "d".into(),
            settings: vec![pair("ENV A=1")],
            arguments: vec!["V".into()],
            sources: vec!["src".into()],
            caches: vec![pair("/c")],
            bases: vec!["base".into()],
            parents: vec!["0".into()],
            state: StepState::Cached,
        }],
        files: Some(vec![file]),
        cache_before: None,
        cache_after: Some(vec![InputRecord { id: "r".into(), ..InputRecord::default() }]),
        own_records: vec!["r".into()],
        pruned_before: None,
    };
    for _ in 0..2 {
        let label = history.record(&hoops, &record(1)).unwrap();
        history.keep_inputs(&hoops, &label, &inputs).unwrap();
    }
    let read = |label| history.inputs(&hoops, label).unwrap().map(|kept| kept.open().unwrap());
    assert_eq!(read(None).as_ref(), Some(&inputs));
    assert_eq!(read(Some("1")).as_ref(), Some(&inputs));
    assert_eq!(read(Some("7")), None);
    assert_eq!(history.salt(&hoops).unwrap(), history.salt(&hoops).unwrap());
    history.record(&project("other"), &record(1)).unwrap();
    assert_ne!(history.salt(&hoops).unwrap(), history.salt(&project("other")).unwrap());

    let count = |table: &str| -> i64 {
        let path = folder.path().join("careen/history.db");
        let sql = format!("SELECT count(*) FROM {table}");
        rusqlite::Connection::open(path).unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("build_input"), count("file_list")), (2, 1), "one list for both builds");
    history.retain(&hoops, Retention { builds: 1, not_before: None }).unwrap();
    assert_eq!((count("build_input"), count("file_list")), (1, 1));
    history.retain(&hoops, Retention { builds: 0, not_before: None }).unwrap();
    assert_eq!((count("build_input"), count("file_list")), (0, 0));
}
