//! What goes wrong around a build, provoked on real engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use careen_engine::{
    BuildRequest, CancelToken, Connection, EngineError, FileSource, Frontend, Output, SyncEntry,
    SyncRequest, Target, build,
};
use careen_model::{BuildEvent, Outcome, What};
use support::{Content, Files, on_each_engine, request, run, run_with, shell_image, unique};

#[test]
fn an_engine_build_never_tells_a_secret() {
    on_each_engine(|connection, _| {
        let base = shell_image(connection, "secret");
        let dockerfile = format!(
            "FROM {base}\nARG API_TOKEN\nENV SEEN=$API_TOKEN\nRUN --mount=type=secret,id=key cat /run/secrets/key; echo $API_TOKEN {}; exit 4\n",
            unique()
        );
        let mut request = request("secret");
        request.secrets.insert("key".into(), b"hunter2-from-file\n".to_vec());
        request.build_args.push(("API_TOKEN".into(), "hunter2-from-argument".into()));
        let run = run(connection, &request, &Files::new(&dockerfile));
        let logs = run.events.iter().filter_map(|event| match &event.what {
            What::Log { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        let logs: String = logs.collect();
        assert!(logs.contains("***\n***"), "the command printed both: {logs:?}");
        let all = format!("{:?} {:?} {:?} {logs}", run.events, run.record, run.result);
        assert!(!all.contains("hunter2"), "{all}");
        let EngineError::BuildFailed(failure) = run.result.unwrap_err() else { panic!() };
        assert_eq!(failure.exit_code, Some(4));
    });
}

#[test]
fn an_engine_without_a_secret_says_which() {
    on_each_engine(|connection, _| {
        let base = shell_image(connection, "nosecret");
        let dockerfile =
            format!("FROM {base}\nRUN --mount=type=secret,id=key,required=true cat {}\n", unique());
        let err =
            run(connection, &request("nosecret"), &Files::new(&dockerfile)).result.unwrap_err();
        assert!(matches!(&err, EngineError::BuildFailed(_)), "{err:?}");
        let text = err.to_string();
        assert!(text.contains("secret key") && text.contains("not found"), "{text}");
    });
}

/// A walk that takes longer than anybody waits.
struct Slow;

impl FileSource for Slow {
    fn list(&self, _: &SyncRequest) -> Result<Vec<SyncEntry>, String> {
        thread::park_timeout(Duration::from_secs(30));
        Ok(vec![])
    }

    fn open(&self, _: &str, _: &[u8]) -> io::Result<Box<dyn io::Read + Send>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[test]
fn an_engine_build_is_cancelled_while_the_walk_hangs() {
    on_each_engine(|_, socket| {
        let started = Instant::now();
        let connection = Connection::open(&Target::engine(&format!("unix://{socket}"))).unwrap();
        let cancel = CancelToken::new();
        let mut stop = |event: &BuildEvent| {
            if matches!(event.what, What::StepStarted { .. }) {
                cancel.cancel();
            }
        };
        let result = build(&connection, &request("slow"), Arc::new(Slow), &mut stop, &cancel);
        drop(connection);
        assert_eq!(result.unwrap_err(), EngineError::Cancelled);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    });
}

/// Whether a process with these words in its command line runs on this machine.
fn runs(words: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(words))
}

#[test]
fn an_engine_stops_a_cancelled_build() {
    on_each_engine(|connection, _| {
        let base = shell_image(connection, "cancel");
        let mark = unique();
        let dockerfile = format!("FROM {base}\nRUN echo {mark}; sleep 600; echo {mark}\n");
        let cancel = CancelToken::new();
        let mut asked = None;
        let run =
            run_with(connection, &request("cancel"), &Files::new(&dockerfile), &cancel, |event| {
                if matches!(event.what, What::Log { .. }) {
                    assert!(runs(&mark), "the command runs while the build does");
                    asked = Some(Instant::now());
                    cancel.cancel();
                }
            });
        assert_eq!(run.result.unwrap_err(), EngineError::Cancelled);
        assert_eq!(run.record.outcome, Some(Outcome::Cancelled));
        let took = asked.unwrap().elapsed();
        assert!(took < Duration::from_secs(8), "{took:?}");
        assert!(!runs(&mark), "the command is gone when the build has ended");
        assert_eq!(connection.ping().map(|_| ()), Ok(()), "the connection is still good");
    });
}

/// A socket in front of the engine's, which can be cut.
struct Proxy {
    streams: Arc<Mutex<Vec<UnixStream>>>,
    folder: tempfile::TempDir,
}

impl Proxy {
    fn to(engine: &str) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let streams: Arc<Mutex<Vec<UnixStream>>> = Arc::default();
        let (kept, engine) = (streams.clone(), engine.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&engine) else { return };
                let pairs = [(&client, &server), (&server, &client)];
                for (from, to) in
                    pairs.map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()))
                {
                    let (mut from, mut to) = (from, to);
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
                kept.lock().unwrap().extend([client, server]);
            }
        });
        Proxy { streams, folder }
    }

    fn target(&self) -> Target {
        Target::engine(&format!("unix://{}", self.folder.path().join("s").display()))
    }

    /// As if the engine had been stopped: connections end, and nothing answers any more.
    fn cut(&self) {
        fs::remove_file(self.folder.path().join("s")).unwrap();
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

#[test]
fn an_engine_that_goes_away_in_mid_build_is_not_a_failed_build() {
    on_each_engine(|connection, socket| {
        let base = shell_image(connection, "cut");
        let dockerfile = format!("FROM {base}\nRUN echo {}; sleep 20\n", unique());
        let proxy = Proxy::to(socket);
        let through = Connection::open(&proxy.target()).unwrap();
        let mut cut = None;
        let run = run_with(
            &through,
            &request("cut"),
            &Files::new(&dockerfile),
            &CancelToken::new(),
            |event| {
                if cut.is_none() && matches!(event.what, What::Log { .. }) {
                    proxy.cut();
                    cut = Some(Instant::now());
                }
            },
        );
        let err = run.result.unwrap_err();
        assert!(matches!(err, EngineError::Broken { .. }), "{err:?}");
        assert!(cut.unwrap().elapsed() < Duration::from_secs(5), "{:?}", cut.unwrap().elapsed());
        assert!(matches!(through.ping(), Err(EngineError::Absent { .. })), "{:?}", through.ping());
    });
}

#[test]
fn an_engine_gets_changing_files_and_we_say_so() {
    on_each_engine(|connection, _| {
        let text = unique();
        let files = Files::new("FROM scratch\nCOPY . /\n")
            .with("context", "same", &text)
            .put("context", "short", 0o644, changing(100, &text))
            .put("context", "long", 0o644, changing(3, &text));
        let mut request = request("changing");
        request.output = Output::None;
        request.shared_key = unique();
        let run = run(connection, &request, &files);
        run.result.unwrap();
        let mut faults = run.record.context().unwrap().faults.clone();
        faults.sort();
        let n = text.len();
        let sentence = |path: &str, listed| {
            format!("{path} changed while it was sent: {listed} bytes listed, {n} sent")
        };
        assert_eq!(faults, [sentence("long", 3), sentence("short", 100)]);
    });
}

fn changing(listed: u64, text: &str) -> Content {
    Content::Changing { listed, content: text.as_bytes().to_vec() }
}

#[test]
fn an_engine_removes_exactly_the_named_cache_records() {
    on_each_engine(|connection, _| {
        let base = shell_image(connection, "prune");
        let mark = unique();
        let mut request = request("prune");
        request.output = Output::None;
        for name in ["one", "two"] {
            let dockerfile = format!(
                "FROM {base}\nRUN --mount=type=cache,id={mark}-{name},target=/c echo {name} {mark} > /c/{name}\n"
            );
            run(connection, &request, &Files::new(&dockerfile)).result.unwrap();
        }
        let ours = || {
            let records = connection.cache_records().unwrap();
            let is_ours = |description: &str| description.contains(&mark);
            records.into_iter().filter(|r| is_ours(&r.description)).collect::<Vec<_>>()
        };
        let before = ours();
        let mounts: Vec<_> = before.iter().filter(|r| r.kind == "exec.cachemount").collect();
        assert!(!mounts.is_empty(), "{before:?}");
        let pruned = connection.prune(&[mounts[0].id.clone()]).unwrap();
        assert_eq!(pruned.ids, [mounts[0].id.clone()]);
        assert_eq!(ours().len(), before.len() - 1, "only that one");
        assert_eq!(connection.prune(&[]).unwrap().ids, Vec::<String>::new());
        assert!(connection.prune(&["x,type==regular".into()]).is_err());
        assert_eq!(ours().len(), before.len() - 1);
        let rest: Vec<_> = ours().into_iter().map(|record| record.id).collect();
        connection.prune(&rest).unwrap();
    });
}

#[test]
fn an_engine_can_ignore_the_syntax_line() {
    on_each_engine(|connection, _| {
        // A registry on a port where nobody listens: no test may use the network.
        let text = "# syntax=127.0.0.1:1/none/dockerfile:1\nFROM scratch\nLABEL a=b\nCOPY a /\n";
        let files = Files::new(text).with("context", "a", "a");
        let mut request = BuildRequest { output: Output::None, ..request("syntax") };
        let err = run(connection, &request, &files).result.unwrap_err();
        assert!(err.to_string().contains("127.0.0.1:1/"), "{err}");
        request.frontend = Frontend::BuiltIn;
        run(connection, &request, &files).result.unwrap();
    });
}

#[test]
fn an_engine_that_is_silent_is_reported_once() {
    on_each_engine(|connection, _| {
        let base = shell_image(connection, "silent");
        let dockerfile = format!("FROM {base}\nRUN sleep 3; echo {}\n", unique());
        let mut request = request("silent");
        request.output = Output::None;
        request.silence = Some(Duration::from_millis(700));
        let run = run(connection, &request, &Files::new(&dockerfile));
        run.result.unwrap();
        let is_ours = |event: &&BuildEvent| matches!(&event.what, What::Warned { message } if message.starts_with("nothing has changed"));
        assert_eq!(run.events.iter().filter(is_ours).count(), 1, "{:?}", run.record.warnings);
    });
}

#[test]
fn an_engine_gives_and_takes_archives() {
    on_each_engine(|connection, _| {
        let files =
            Files::new("FROM scratch\nCOPY a /\nLABEL made=here\n").with("context", "a", &unique());
        let request = request("archive");
        let run = run(connection, &request, &files);
        let (id, name) = (run.image().to_owned(), request.tags[0].as_str());
        let mut archive = Vec::new();
        let n = connection.save_image(name, &mut archive).unwrap();
        assert_eq!(n, archive.len() as u64);
        assert!(
            connection
                .image_history(name)
                .unwrap()
                .iter()
                .any(|row| row.created_by.contains("COPY a"))
        );

        let other = "careen-engine-test/archive-other:1";
        connection.tag_image(name, other).unwrap();
        assert!(
            connection.images().unwrap().iter().any(|row| row.tags.contains(&other.to_owned()))
        );
        connection.remove_image(other).unwrap();
        connection.remove_image(name).unwrap();
        assert!(matches!(connection.image(name), Err(EngineError::Refused { status: 404, .. })));

        connection.load_images(Box::new(io::Cursor::new(archive))).unwrap();
        assert_eq!(connection.image(name).unwrap().id, id);
        connection.remove_image(name).unwrap();
        let broken = connection.load_images(Box::new(io::Cursor::new(b"not a tar".to_vec())));
        assert!(broken.is_err(), "{broken:?}");
    });
}

#[test]
fn an_engine_that_cannot_give_an_archive_says_so() {
    on_each_engine(|connection, _| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.tar");
        let files = Files::new("FROM scratch\nCOPY a /\n").with("context", "a", "a");
        let mut request = request("tar");
        request.output = Output::DockerTar(path.clone());
        match run(connection, &request, &files).result {
            Ok(_) => assert!(path.metadata().unwrap().len() > 0),
            Err(err) => assert!(matches!(err, EngineError::Unsupported { .. }), "{err:?}"),
        }
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert!(
            left.iter().all(|entry| entry.path() == Path::new(&path)),
            "no half file: {left:?}"
        );
    });
}
