//! Commands in images and in results of builds, on real engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use careen_engine::{
    BuildResult, CancelToken, Connection, EngineError, Exec, ExecOutput, RootFs, open_result,
    remove_leftovers, run_in_image,
};
use careen_model::What;
use support::{Files, ShellImage, on_each_engine, request, shell_image};

const LIMIT: Duration = Duration::from_secs(30);

fn shell(script: &str) -> Exec {
    Exec::new(["sh", "-c", script], LIMIT)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What both ways of running a command must do alike.
fn check(run: &dyn Fn(&Exec) -> Result<ExecOutput, EngineError>) {
    let output = run(&shell("echo out; echo err >&2; exit 3")).unwrap();
    assert_eq!(output.code, Some(3));
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("out\n".into(), "err\n".into()));

    let output = run(&shell("echo $GREETING $PWD; id -u")).unwrap();
    assert_eq!(
        text(&output.stdout),
        "hello /tmp\n1000\n",
        "environment, folder, user of the image"
    );

    let mut other = shell("echo $GREETING $PWD; id -u");
    other.env = vec!["GREETING=bye".into()];
    other.user = Some("root".into());
    other.working_dir = Some("/etc".into());
    assert_eq!(text(&run(&other).unwrap().stdout), "bye /etc\n0\n");

    let mut write = shell("echo x > /file && cat /file");
    write.user = Some("root".into());
    assert_eq!(text(&run(&write).unwrap().stdout), "x\n");
    write.root = RootFs::ReadOnly;
    match run(&write) {
        Ok(output) => {
            assert!(text(&output.stderr).contains("Read-only file system"), "{output:?}");
            assert_ne!(output.code, Some(0));
        }
        Err(err) => assert!(matches!(err, EngineError::Unsupported { .. }), "{err:?}"),
    }

    // Only the loopback device, which is down or has no route.
    let output = run(&shell("while read line; do echo \"$line\"; done < /proc/net/route")).unwrap();
    assert_eq!(text(&output.stdout).lines().count(), 1, "{output:?}");

    let output =
        run(&Exec { limit: Duration::from_millis(1500), ..shell("echo began; sleep 60") }).unwrap();
    assert!(output.timed_out && output.code.is_none(), "{output:?}");
    assert_eq!(text(&output.stdout), "began\n");
    assert!(output.took < Duration::from_secs(15), "{:?}", output.took);

    let output = run(&shell("head -c 3000000 /dev/zero")).unwrap();
    assert_eq!((output.stdout.len(), output.is_cut, output.code), (1 << 20, true, Some(0)));

    let missing = Exec::new(["/no/such/program"], LIMIT);
    match run(&missing) {
        Err(EngineError::Refused { message, .. }) => {
            assert!(message.contains("no such file"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

/// With its base image: 20.10 may look at it once more when a command starts.
fn result(connection: &Connection, name: &str) -> (BuildResult, ShellImage) {
    let base = shell_image(connection, name);
    let files =
        Files::new(&format!("FROM {base}\nRUN echo built > /made\nWORKDIR /tmp\nUSER me\n"));
    let mut steps = 0;
    let mut count = |event: &careen_model::BuildEvent| {
        steps += usize::from(matches!(event.what, What::StepPlanned { .. }));
    };
    let request = request("result");
    let result =
        open_result(connection, &request, Arc::new(files), &mut count, &CancelToken::new());
    let result = result.unwrap_or_else(|err| panic!("{err}: {err:?}"));
    assert!(steps >= 3, "the steps of the build are told: {steps}");
    (result, base)
}

#[test]
fn an_engine_runs_commands_in_a_result() {
    on_each_engine(|connection, _| {
        let (result, _base) = result(connection, "result");
        assert_eq!(result.config().user, "me");
        let output = result.exec(&shell("cat /made"), &CancelToken::new()).unwrap();
        assert_eq!(text(&output.stdout), "built\n");
        check(&|exec| result.exec(exec, &CancelToken::new()));
        let rows = connection.images().unwrap();
        let made =
            rows.iter().any(|row| row.tags.iter().any(|tag| tag.ends_with("/result:latest")));
        assert!(!made, "no image is made");
    });
}

#[test]
fn an_engine_runs_commands_in_a_result_side_by_side() {
    on_each_engine(|connection, _| {
        let (result, _base) = result(connection, "side");
        let outputs: Vec<ExecOutput> = thread::scope(|scope| {
            let run =
                |n: usize| result.exec(&shell(&format!("echo {n}; sleep 1")), &CancelToken::new());
            let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || run(n).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let texts: Vec<_> = outputs.iter().map(|output| text(&output.stdout)).collect();
        assert_eq!(texts, ["0\n", "1\n", "2\n", "3\n"]);
        let longest = outputs.iter().map(|output| output.took).max().unwrap();
        assert!(longest < Duration::from_millis(3900), "one after the other: {longest:?}");
    });
}

#[test]
fn an_engine_runs_commands_in_an_image() {
    on_each_engine(|connection, _| {
        let base = shell_image(connection, "image");
        let files =
            Files::new(&format!("FROM {base}\nWORKDIR /tmp\nUSER me\nENTRYPOINT [\"/no\"]\n"));
        let request = request("image");
        support::run(connection, &request, &files).image();
        check(&|exec| run_in_image(connection, &request.tags[0], exec, &CancelToken::new()));

        let cancel = CancelToken::new();
        let late = cancel.clone();
        let stop = thread::spawn(move || {
            thread::park_timeout(Duration::from_millis(500));
            late.cancel();
        });
        let cancelled = run_in_image(connection, &request.tags[0], &shell("sleep 60"), &cancel);
        assert_eq!(cancelled.unwrap_err(), EngineError::Cancelled);
        stop.join().unwrap();
        connection.remove_image(&request.tags[0]).unwrap();
    });
}

/// What a careen that was killed leaves: its container, until its time is over.
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn an_engine_is_rid_of_what_a_killed_run_left() {
    on_each_engine(|connection, socket| {
        let base = shell_image(connection, "leftover");
        let make = |over: u64| {
            let body = format!(
                r#"{{"Image":"{base}","Cmd":["sleep","60"],"Labels":{{"careen":"test","careen.over":"{over}"}}}}"#
            );
            let output = std::process::Command::new("curl")
                .args(["-s", "--unix-socket", socket, "-H", "Content-Type: application/json"])
                .args(["-d", &body, "http://engine/containers/create"])
                .output();
            output.ok().filter(|output| text(&output.stdout).contains("\"Id\""))
        };
        let (Some(_), Some(kept)) = (make(1), make(u64::MAX >> 1)) else {
            eprintln!("{socket}: skipped, no curl that asks the engine");
            return;
        };
        assert!(remove_leftovers(connection).unwrap() >= 1);
        assert_eq!(remove_leftovers(connection).unwrap(), 0, "the other one may be in use");
        let kept = text(&kept.stdout);
        let id = kept.split('"').nth(3).unwrap().to_owned();
        let removed = std::process::Command::new("curl")
            .args(["-s", "--unix-socket", socket, "-X", "DELETE"])
            .arg(format!("http://engine/containers/{id}?force=1"))
            .status();
        assert!(removed.unwrap().success());
    });
}
