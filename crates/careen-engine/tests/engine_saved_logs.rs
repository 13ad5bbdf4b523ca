//! One build told four ways: the engine's stream, and what buildx writes of the same build.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::print_stderr, reason = "the figures of a real build are worth seeing")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use careen_engine::{BuildRequest, EngineHistory, LogReader, LogSummary, read_dockerbuild};
use careen_model::{BuildRecord, LogFormat, Outcome, StepRecord};
use support::{Content, Files, on_each_engine, request, run, shell_image, unique};

/// The client of the newest generation, which can ask every engine; in `PATH`.
/// Runs the `docker` with buildx of `CAREEN_CLIENT`, a folder with `bin` and the configuration `cli`;
/// without one that of the PATH. `None`: there is none, or it has no buildx.
fn docker(socket: &str, words: &[&str]) -> Option<(bool, Vec<u8>)> {
    let client = std::env::var_os("CAREEN_CLIENT").map(std::path::PathBuf::from);
    let call = || match &client {
        Some(folder) => {
            let mut command = Command::new(folder.join("bin/docker"));
            command.env("DOCKER_CONFIG", folder.join("cli"));
            command
        }
        None => Command::new("docker"),
    };
    if !call().args(["buildx", "version"]).output().is_ok_and(|output| output.status.success()) {
        return None;
    }
    let mut command = call();
    command.env("DOCKER_HOST", format!("unix://{socket}")).args(words);
    let output = command.output().ok()?;
    // Progress goes to standard error, history to standard output.
    let bytes = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some((output.status.success(), bytes))
}

fn fold(log: &[u8]) -> (BuildRecord, LogSummary) {
    let mut record = BuildRecord::default();
    let mut reader = LogReader::new();
    reader.read(log, &mut |event| record.apply(event));
    let summary = reader.finish(&mut |event| record.apply(event));
    (record, summary)
}

/// Twelve instructions in three stages with a `COPY` of 300 MB.
fn dockerfile(base: &str) -> String {
    format!(
        "FROM {base} AS base\nWORKDIR /app\nRUN echo one; sleep 1; echo two >&2\nRUN sleep 1\n\
         FROM base AS tools\nRUN sleep 2; echo tool > /tool\nRUN echo tools\n\
         FROM base AS final\nCOPY big.bin /app/\nCOPY src /app/src\nCOPY --from=tools /tool /tool\n\
         RUN sleep 1; echo built\nRUN cat /app/src/a.py\nRUN true\nRUN echo {} > /last\n",
        unique()
    )
}

fn by_name(record: &BuildRecord) -> BTreeMap<&str, &StepRecord> {
    record.steps.iter().map(|step| (step.name.as_str(), step)).collect()
}

/// The last stretch of work of a step, which is what a `DONE` line tells.
fn last_run(step: &StepRecord) -> Duration {
    let run = step.runs.last().unwrap();
    run.ended.unwrap().saturating_sub(run.started)
}

/// Time since the first step began: each source has another idea of when a build begins.
fn since_first(record: &BuildRecord, at: Duration) -> Duration {
    let first = record.steps.iter().filter_map(|step| step.started).min().unwrap();
    at.saturating_sub(first)
}

/// Names, phases, cache and errors; inputs where the form has them.
#[track_caller]
fn same_story(told: &BuildRecord, known: &BuildRecord, form: &str) {
    let (told, known) = (by_name(told), by_name(known));
    assert_eq!(told.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>(), "{form}");
    for (name, step) in &told {
        let other = known[name];
        assert_eq!(
            (step.phase, step.cached, &step.error),
            (other.phase, other.cached, &other.error),
            "{form}: {name}"
        );
        assert_eq!(step.started.is_some(), other.started.is_some(), "{form}: {name}");
    }
}

#[track_caller]
fn same_times(told: &BuildRecord, known: &BuildRecord, rounding: Duration, form: &str) {
    let names = by_name(known);
    for step in &told.steps {
        let other = names[step.name.as_str()];
        let Some(run) = step.runs.last() else { continue };
        let other_run = other.runs.last().unwrap();
        let start = since_first(told, run.started).abs_diff(since_first(known, other_run.started));
        let took = last_run(step).abs_diff(last_run(other));
        assert!(
            took <= rounding,
            "{form}: {} took {:?}, not {:?}",
            step.name,
            last_run(step),
            last_run(other)
        );
        if rounding < Duration::from_millis(10) {
            assert!(start <= rounding, "{form}: {} began {start:?} apart", step.name);
        }
    }
}

fn shown(record: &BuildRecord, name: &str) {
    let percent = |part: Duration| 100.0 * part.as_secs_f64() / record.total.as_secs_f64();
    eprintln!(
        "{name}: {:.3} s wall, {:.3} s between steps ({:.1} %), serialization {:.2}",
        record.total.as_secs_f64(),
        record.unaccounted().as_secs_f64(),
        percent(record.unaccounted()),
        record.serialization().unwrap(),
    );
    for share in record.shares() {
        eprintln!("  {:18}{:>8.3} s", share.part.name(), share.wall.as_secs_f64());
    }
}

#[test]
fn an_engine_and_its_logs_tell_the_same_build() {
    let folder = tempfile::tempdir().unwrap();
    let big = folder.path().join("big.bin");
    fs::File::create(&big).unwrap().set_len(300_000_000).unwrap();
    on_each_engine(|connection, socket| {
        let base = shell_image(connection, "logs");
        let files = Files::new(&dockerfile(&base.to_string()))
            .put("context", "big.bin", 0o644, Content::Host(big.clone()))
            .with("context", "src/a.py", &unique());
        let request = BuildRequest {
            no_cache: true,
            network: Some("none".into()),
            history: EngineHistory::Keep,
            // A builder that has this context already would not ask for it.
            shared_key: unique(),
            ..request("logs")
        };
        let known = run(connection, &request, &files).record;
        assert_eq!(known.outcome, Some(Outcome::Built), "{:?}", known.error);
        shown(&known, socket);

        // Point 1 of issue 6: every moment is somebody's, and nobody's is a row too.
        let shares = known.shares();
        assert_eq!(shares.iter().map(|share| share.wall).sum::<Duration>(), known.total);
        assert!(known.critical_path().len() > 5, "{:#?}", known.critical_path());
        let context = known.context().unwrap();
        assert!(context.bytes >= 300_000_000, "{context:?}");

        let Some((true, listed)) = docker(socket, &["buildx", "history", "ls", "--format", "json"])
        else {
            eprintln!("{socket}: no buildx that keeps a history, so its logs are of another build");
            another_build(socket, folder.path(), &base.to_string(), &known);
            return;
        };
        let newest = listed.split(|byte| *byte == b'\n').next().unwrap();
        let newest = String::from_utf8_lossy(newest).into_owned();
        let reference = newest.split("\"ref\":\"").nth(1).unwrap().split('"').next().unwrap();
        let id = reference.rsplit('/').next().unwrap();
        let log = |form: &str| {
            let words = ["buildx", "history", "logs", "--progress", form, id];
            let (ok, log) = docker(socket, &words).unwrap();
            assert!(ok, "{}", String::from_utf8_lossy(&log));
            fold(&log)
        };
        let (json, summary) = log("rawjson");
        assert_eq!(summary.format, Some(LogFormat::RawJson));
        same_story(&json, &known, "rawjson");
        same_times(&json, &known, Duration::from_millis(1), "rawjson");
        for (step, other) in by_name(&json).values().zip(by_name(&known).values()) {
            assert_eq!((&step.id, &step.inputs), (&other.id, &other.inputs));
            assert_eq!(step.log_bytes, other.log_bytes, "{}", step.name);
            // The engine's history forgets the last news of a step that took no time.
            if other.transferred() > 1000 {
                assert_eq!(step.transferred(), other.transferred(), "{}", step.name);
            }
        }

        let (plain, summary) = log("plain");
        assert_eq!(summary.format, Some(LogFormat::Plain));
        same_story(&plain, &known, "plain");
        // Rounded to a tenth of a second.
        same_times(&plain, &known, Duration::from_millis(51), "plain");
        for (step, other) in by_name(&plain).values().zip(by_name(&known).values()) {
            // Output that ends without a line end gets one.
            assert!(step.log_bytes.abs_diff(other.log_bytes) <= 1, "{}", step.name);
            // Three digits of a size are told.
            let far = step.transferred().abs_diff(other.transferred());
            assert!(far * 100 <= other.transferred().max(100_000), "{}: {far}", step.name);
        }
        shown(&plain, "plain");
        // It does not tell the time between steps, and rounds each step.
        let steps = u32::try_from(plain.steps.len()).unwrap();
        let lost = known.unaccounted() + Duration::from_millis(51) * steps;
        let since = since_first(&known, known.total);
        assert!(plain.total.abs_diff(since) <= lost, "{:?} and {since:?}", plain.total);

        let export = folder.path().join("x.dockerbuild");
        let path = export.to_str().unwrap();
        let (ok, said) = docker(socket, &["buildx", "history", "export", "-o", path, id]).unwrap();
        assert!(ok, "{}", String::from_utf8_lossy(&said));
        let tar = Command::new("gzip").args(["-dc", path]).output().unwrap();
        let mut exported = BuildRecord::default();
        read_dockerbuild(&tar.stdout, &mut |event| exported.apply(event)).unwrap();
        same_story(&exported, &known, "dockerbuild");
        same_times(&exported, &known, Duration::from_millis(1), "dockerbuild");
        connection.remove_image(&request.tags[0]).unwrap();
    });
}

/// An engine without a history: the same Dockerfile again through its client, whose record must
/// have the same steps; its times are those of another build.
fn another_build(socket: &str, folder: &Path, base: &str, known: &BuildRecord) {
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("src/a.py"), unique()).unwrap();
    fs::write(folder.join("Dockerfile"), dockerfile(base)).unwrap();
    let place = folder.to_str().unwrap();
    // The last instruction writes another word in each build, so it is compared without it.
    let without_word = |record: &BuildRecord| {
        let mut record = record.clone();
        // A client of another generation checks the Dockerfile in another order.
        for step in &mut record.steps {
            if let Some((head, _)) =
                step.name.split_once("RUN echo ").filter(|(_, rest)| rest.ends_with("/last"))
            {
                step.name = format!("{head}RUN last");
            }
            // Taken from the cache also with `--no-cache`, when an earlier build on this engine
            // left the same; which of the two builds finds it is their order, not their story.
            step.cached &= !(step.name.contains(" WORKDIR ") || step.name.contains("] FROM "));
            if step.name.contains("Dockerfile") {
                "Dockerfile".clone_into(&mut step.name);
            }
        }
        record
    };
    let known = without_word(known);
    for form in ["rawjson", "plain"] {
        let words = [
            "buildx",
            "build",
            "--no-cache",
            "--network=none",
            "--progress",
            form,
            "-t",
            "careen-engine-test/logs:other",
            place,
        ];
        let Some((ok, log)) = docker(socket, &words) else {
            eprintln!("{socket}: no docker client in PATH, its logs are not compared");
            return;
        };
        let (record, summary) = fold(&log);
        assert!(
            ok && record.outcome == Some(Outcome::Built),
            "{form}: {}",
            String::from_utf8_lossy(&log)
        );
        eprintln!("{socket}: {form} of another build, {} steps", record.steps.len());
        assert!(summary.format.is_some());
        same_story(&without_word(&record), &known, form);
        shown(&record, form);
    }
}
