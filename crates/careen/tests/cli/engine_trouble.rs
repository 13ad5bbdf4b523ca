//! Builds that fail, are broken off or carry secrets, on every engine of `CAREEN_ENGINES`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::engine::{OnEngine, on_each_engine};
use crate::sandbox::Run;

const SHELL: &str = "FROM scratch\nCOPY rootfs /\nENV PATH=/bin\nCOPY app.txt /\n";

#[test]
fn an_engine_build_that_fails_shows_the_line_and_what_was_said_last() {
    on_each_engine(|on, _| {
        let dockerfile =
            format!("{SHELL}RUN echo all is well; \\\n  echo the disk is on fire >&2; exit 7\n");
        on.sandbox.write("Dockerfile", dockerfile.as_bytes());
        let run = on.sandbox.run(&on.build(&[]));
        run.check(1, &["the disk is on fire", "Dockerfile:5", "exit code: 7"]);
        assert!(run.out.contains("the disk is on fire"), "the result does not hold the log\n{run}");
        on.sandbox.run(&["history"]).check(0, &["failed"]);
        // Nothing was built: there is nothing to report.
        on.sandbox.run(&["report"]).check(3, &["hint:"]);
        on.sandbox.write("Dockerfile", format!("{SHELL}COPY nowhere.txt /\n").as_bytes());
        on.sandbox.run(&on.build(&[])).check(1, &["nowhere.txt"]);
        on.sandbox.write("Dockerfile", b"FROM careen-e2e.invalid/nothing:1\n");
        let run = on.sandbox.run(&on.build(&[]));
        assert!(matches!(run.code, Some(1 | 3)), "{run}");
        run.check(run.code.unwrap(), &["careen-e2e.invalid/nothing:1"]);
    });
}

/// Values that were given as secrets are in nothing that careen prints or keeps, whether the build
/// works, fails, or prints them itself.
#[test]
fn an_engine_build_keeps_secrets_out_of_everything() {
    on_each_engine(|on, _| {
        let values = ["hunter2-from-a-file-61", "hunter2-from-env-62", "hunter2-from-argument-63"];
        fs::write(on.sandbox.path("key"), format!("{}\n", values[0])).unwrap();
        let token = format!("API_TOKEN={}", values[2]);
        let more = [
            "--secret",
            "id=key,src=../key",
            "--secret",
            "id=PASSWORD",
            "--build-arg",
            &token,
            "--build-arg",
            "DB_PASSWORD",
        ];
        for (end, code) in [("true", 0), ("exit 3", 1)] {
            let dockerfile = format!(
                "{SHELL}ARG API_TOKEN\nARG DB_PASSWORD\n\
                 RUN --mount=type=secret,id=key --mount=type=secret,id=PASSWORD \
                 read a < /run/secrets/key; read b < /run/secrets/PASSWORD; \
                 echo \"$a $b $API_TOKEN $DB_PASSWORD\"; echo used ${{#a}} ${{#b}}; {end}\n"
            );
            on.sandbox.write("Dockerfile", dockerfile.as_bytes());
            for format in ["text", "json", "jsonl"] {
                let mut build = on.sandbox.careen(&on.build(&more));
                build.args(["--no-cache", "--format", format]);
                build.env("PASSWORD", values[1]).env("DB_PASSWORD", values[1]);
                let run = crate::sandbox::finish(build);
                assert_eq!(run.code, Some(code), "{run}");
                for value in values {
                    assert!(!run.out.contains(value) && !run.err.contains(value), "{value}: {run}");
                }
            }
        }
        on.sandbox.run(&["report", "-o", "../home/report.html"]).check(0, &[]);
        let mut read = 0;
        search(&on.sandbox.path("home"), &values, &mut read);
        assert!(read >= 4, "only {read} files of careen were found and read");
    });
}

/// No file under the folder holds any of the values, also not compressed.
fn search(folder: &Path, values: &[&str], read: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, values, read);
            continue;
        }
        let raw = fs::read(&path).unwrap();
        let mut bytes = Vec::new();
        if flate2::read::MultiGzDecoder::new(&raw[..]).read_to_end(&mut bytes).is_err() {
            bytes = raw;
        }
        for value in values {
            let found = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!found, "{} holds {value}", path.display());
        }
        *read += 1;
    }
}

/// A build that has come to the step that sleeps; the mark is in the command line of that.
fn asleep(on: &OnEngine, mark: &str) -> (Child, BufReader<ChildStdout>) {
    // What is waited for is said by the step, and stands in no name of a step.
    let dockerfile = format!("{SHELL}RUN echo up$((40+2)); sleep 100 {mark}\n");
    on.sandbox.write("Dockerfile", dockerfile.as_bytes());
    let mut careen = on.sandbox.careen(&on.build(&["--format", "jsonl"]));
    let mut careen = careen.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(careen.stdout.take().unwrap());
    let mut seen = String::new();
    while !seen.contains("up42") {
        let read = out.read_line(&mut seen).unwrap();
        assert!(read > 0, "the build ended before it slept\n{seen}");
    }
    (careen, out)
}

fn end(careen: Child, mut out: BufReader<ChildStdout>) -> Run {
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let mut run = Run::of(&careen.wait_with_output().unwrap());
    run.out = rest;
    run
}

#[test]
fn an_engine_build_that_is_interrupted_ends_in_the_engine_too() {
    on_each_engine(|on, _| {
        let mark = mark(on);
        let (careen, out) = asleep(on, &mark);
        // The step says its word a moment before it sleeps.
        if !(0..500).any(|_| sleeps(&mark)) {
            crate::sandbox::skip("whether the step ends: the engine runs on another machine");
        }
        kill_process(Pid::from_child(&careen), Signal::INT).unwrap();
        end(careen, out).check(130, &["interrupted"]);
        let gone = (0..2000).any(|_| !sleeps(&mark));
        assert!(gone, "the step still runs in the engine");
        on.sandbox.run(&["history"]).check(0, &["cancelled"]);
    });
}

#[test]
fn an_engine_build_whose_careen_is_killed_ends_too_and_is_kept_as_interrupted() {
    on_each_engine(|on, _| {
        let mark = mark(on);
        let (careen, out) = asleep(on, &mark);
        if !(0..500).any(|_| sleeps(&mark)) {
            crate::sandbox::skip("whether the step ends: the engine runs on another machine");
        }
        kill_process(Pid::from_child(&careen), Signal::KILL).unwrap();
        drop(out);
        careen.wait_with_output().unwrap();
        let gone = (0..2000).any(|_| !sleeps(&mark));
        assert!(gone, "the step still runs in the engine");
        // The next start settles it, and the next build finds nothing in its way.
        on.sandbox.run(&["history"]).check(0, &["interrupted"]);
        on.sandbox.write("Dockerfile", format!("{SHELL}RUN true\n").as_bytes());
        on.sandbox.run(&on.build(&["--plain"])).check(0, &[]);
        on.sandbox.run(&["history"]).check(0, &["interrupted", "built"]);
    });
}

#[test]
fn an_engine_that_goes_away_in_mid_build_is_told_with_what_to_do() {
    on_each_engine(|on, socket| {
        let through = on.sandbox.path("engine.sock");
        let cut = proxy(&through, socket);
        let mark = mark(on);
        let on = on.through(&through);
        let (careen, out) = asleep(&on, &mark);
        cut();
        let run = end(careen, out);
        run.check(3, &["could not build", "hint:"]);
        assert!((0..2000).any(|_| !sleeps(&mark)), "the step still runs in the engine");
    });
}

/// A number that no other process has in its command line.
fn mark(on: &OnEngine) -> String {
    let name = on.sandbox.name();
    let number = name.bytes().fold(0u64, |sum, byte| (sum * 31 + u64::from(byte)) % 900_000);
    format!("0.{}{number}", std::process::id())
}

/// Whether a process sleeps with this mark.
fn sleeps(mark: &str) -> bool {
    fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|entry| {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
        words.len() >= 3 && words[0] == b"sleep" && words[2] == mark.as_bytes()
    })
}

/// Passes every connection on to the engine until the returned function cuts them all.
fn proxy(at: &Path, engine: &str) -> impl FnOnce() + use<> {
    let listener = UnixListener::bind(at).unwrap();
    let (engine, at) = (engine.to_owned(), at.to_owned());
    let (opened, connections) = mpsc::channel::<UnixStream>();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = UnixStream::connect(&engine) else { return };
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
            if opened.send(client).and(opened.send(server)).is_err() {
                return;
            }
        }
    });
    move || {
        fs::remove_file(at).unwrap();
        for connection in connections.try_iter() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}
