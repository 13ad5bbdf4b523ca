//! Why steps ran again, one reason after the other, on every engine of `CAREEN_ENGINES`.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use crate::engine::{OnEngine, on_each_engine};
use crate::sandbox::{Sandbox, tell};

const DOCKERFILE: &str = "FROM scratch\n\
    ARG TOKEN_OF_TEST\n\
    COPY rootfs /\n\
    ENV PATH=/bin\n\
    COPY src /src\n\
    RUN cat /src/a /src/b && test NAME\n\
    ARG FLAVOUR=plain\n\
    RUN --mount=type=cache,target=/keep-NAME cat /src/a > /keep-NAME/a\n";

/// What one build says of the steps that ran again.
struct Told(Vec<Value>, Value);

impl Told {
    /// Each step by the end of its name, with its reason.
    fn reasons(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.0
            .iter()
            .map(|one| {
                let name = text(&one["step"]);
                let name = name.split_once("] ").map_or(name.as_str(), |(_, rest)| rest).to_owned();
                (name, text(&one["reason"]))
            })
            .collect()
    }

    fn of(&self, step: &str) -> &Value {
        let found = self.0.iter().find(|one| one["step"].as_str().unwrap().contains(step));
        found.unwrap_or_else(|| panic!("nothing of {step}: {:#}", self.1))
    }

    #[track_caller]
    fn check(&self, what: &str, expected: &[(&str, &str)]) {
        let told = self.reasons();
        let told: Vec<(&str, &str)> = told
            .iter()
            .map(|(step, reason)| {
                let short =
                    expected.iter().map(|(start, _)| *start).find(|it| step.starts_with(it));
                (short.unwrap_or(step), reason.as_str())
            })
            .collect();
        assert_eq!(told, expected, "{what}\n{:#}", self.1["build"]["steps"]);
    }
}

fn build(on: &OnEngine, more: &[&str]) -> Told {
    let answer = on.sandbox.run(&on.build(&[&["--format", "json"], more].concat()));
    answer.check(0, &[]);
    let answer = answer.json();
    let again = answer["build"]["ran_again"].as_array().cloned().unwrap_or_default();
    Told(again, answer)
}

/// A file is changed for sure also where its clock is coarse.
fn write(sandbox: &Sandbox, path: &str, text: &str) {
    std::thread::sleep(Duration::from_millis(20));
    sandbox.write(path, text.as_bytes());
}

fn prepare(on: &OnEngine) {
    // The caches of one test are not those of another.
    let text = DOCKERFILE.replace("NAME", &on.sandbox.name());
    on.sandbox.write("Dockerfile", text.as_bytes());
    for name in ["a", "b"] {
        // No other test's cache has it.
        on.sandbox
            .write(format!("src/{name}"), format!("{name} {}\n", on.sandbox.name()).as_bytes());
    }
}

const CHAIN: [(&str, &str); 2] = [("RUN cat", "parent"), ("RUN --mount", "parent")];

fn after_files() -> Vec<(&'static str, &'static str)> {
    [&[("COPY src", "files")], &CHAIN[..]].concat()
}

#[test]
fn an_engine_build_tells_which_files_changed() {
    on_each_engine(|on, _| {
        prepare(on);
        let first = build(on, &[]);
        assert!(first.1["build"]["ran_again"].is_null(), "nothing to compare with: {:#}", first.1);
        build(on, &[]).check("nothing changed", &[]);

        write(&on.sandbox, "src/a", "other");
        let told = build(on, &[]);
        told.check("content", &after_files());
        let files = &told.of("COPY src")["files"];
        assert_eq!((&files["content"], &files["first"][0]["path"]), (&1.into(), &"src/a".into()));
        let last = told.of("RUN --mount");
        assert!(last["cause"].as_str().unwrap().contains("COPY src"), "{last:#}");
        assert!(last["parent"].as_str().unwrap().contains("RUN cat"), "{last:#}");

        let a = on.sandbox.project().join("src/a");
        fs::set_permissions(&a, fs::Permissions::from_mode(0o755)).unwrap();
        let told = build(on, &[]);
        told.check("mode", &after_files());
        assert_eq!(told.of("COPY src")["files"]["mode"], 1);

        write(&on.sandbox, "src/new", on.sandbox.name().as_str());
        let told = build(on, &[]);
        told.check("added", &after_files());
        assert_eq!(told.of("COPY src")["files"]["added"], 1);
        fs::remove_file(&a).unwrap();
        write(&on.sandbox, "src/a", "again another");
        fs::remove_file(on.sandbox.project().join("src/new")).unwrap();
        let told = build(on, &[]);
        told.check("removed and changed", &after_files());
        let files = &told.of("COPY src")["files"];
        assert_eq!((&files["removed"], &files["content"]), (&1.into(), &1.into()), "{files:#}");

        // A file that is only touched changes nothing for BuildKit, and nothing is told.
        write(&on.sandbox, "src/a", "again another");
        build(on, &[]).check("touched", &[]);

        // The summary for a person, and two builds that do not follow each other.
        write(&on.sandbox, "src/b", &format!("person {}", on.sandbox.name()));
        on.sandbox
            .run(&on.build(&[]))
            .check(0, &["ran again", "src/b changed; so did 2 steps after it"]);
        on.sandbox.run(&["compare", "1", "8"]).check(0, &["ran again", "src/b changed"]);
        let compared = on.sandbox.run(&["compare", "1", "8", "--format", "json"]).json();
        let again = &compared["comparisons"][0]["ran_again"];
        assert_eq!(again[0]["files"]["content"], 2, "{again:#}");
    });
}

#[test]
fn an_engine_build_tells_instructions_and_arguments() {
    on_each_engine(|on, _| {
        prepare(on);
        build(on, &[]);
        let edit = |from: &str, to: &str| {
            let path = on.sandbox.project().join("Dockerfile");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from));
            fs::write(&path, text.replace(from, to)).unwrap();
        };
        edit("RUN cat /src/a /src/b &&", "RUN cat /src/b &&");
        let told = build(on, &[]);
        told.check("changed", &[("RUN cat", "instruction"), ("RUN --mount", "parent")]);
        let text = &told.of("RUN cat")["instruction"];
        let says =
            |value: &Value, start: &str| value.as_str().is_some_and(|it| it.starts_with(start));
        assert!(says(&text["before"], "RUN cat /src/a /src/b &&"), "{text:#}");
        assert!(says(&text["now"], "RUN cat /src/b &&"), "{text:#}");

        edit("RUN cat /src/b &&", "RUN cat /src/a\nRUN cat /src/b &&");
        let told = build(on, &[]);
        let expected = [
            ("RUN cat /src/a", "instruction"),
            ("RUN cat /src/b", "parent"),
            ("RUN --mount", "parent"),
        ];
        told.check("inserted", &expected);
        assert!(told.of("RUN cat /src/a")["instruction"]["before"].is_null());

        edit("ENV PATH=/bin\n", "ENV PATH=/bin\nENV MORE=1\n");
        let told = build(on, &[]);
        // What a COPY makes does not depend on the environment.
        let expected = [
            ("RUN cat /src/a", "instruction"),
            ("RUN cat /src/b", "parent"),
            ("RUN --mount", "parent"),
        ];
        told.check("environment", &expected);
        assert_eq!(told.of("RUN cat /src/a")["instruction"]["now"], "ENV MORE=1");

        let told = build(on, &["--build-arg", "FLAVOUR=sour-lemon"]);
        told.check("argument", &[("RUN --mount", "argument")]);
        assert_eq!(told.of("RUN --mount")["arguments"], serde_json::json!(["FLAVOUR"]));
        let told = build(on, &["--build-arg", "FLAVOUR=sweet-lemon"]);
        told.check("argument", &[("RUN --mount", "argument")]);
        build(on, &["--build-arg", "FLAVOUR=sweet-lemon"]).check("the same argument", &[]);

        // Nothing is kept of an argument that is named like a secret, so nothing is known of it.
        let secret =
            ["--build-arg", "FLAVOUR=sweet-lemon", "--build-arg", "TOKEN_OF_TEST=hunter2-hunter2"];
        let told = build(on, &secret);
        assert!(
            !told.0.is_empty() && told.0.iter().all(|one| one["arguments"].is_null()),
            "{:#}",
            told.1
        );
        assert_eq!(told.0[0]["reason"], "unknown");
        let stored = fs::read(on.sandbox.path("home/data/careen/history.db")).unwrap();
        for value in ["sour-lemon", "hunter2"] {
            assert!(!stored.windows(value.len()).any(|part| part == value.as_bytes()), "{value}");
        }
    });
}

#[test]
fn an_engine_build_tells_what_was_asked_for_and_what_the_cache_lost() {
    on_each_engine(|on, socket| {
        prepare(on);
        build(on, &[]);
        let told = build(on, &["--no-cache"]);
        assert!(
            told.0.len() >= 4 && told.reasons().iter().all(|(_, why)| why == "no-cache"),
            "{:#}",
            told.1
        );
        on.sandbox.run(&on.build(&["--no-cache"])).check(0, &["asked for with --no-cache, as for"]);

        // The image holds its layers in the cache.
        on.connection.remove_image(&on.image).unwrap();
        let records = on.connection.cache_records().unwrap();
        let mine = records.iter().filter(|record| record.description.contains(&on.sandbox.name()));
        let ids: Vec<String> = mine.map(|record| record.id.clone()).collect();
        let gone = on.connection.prune(&ids).unwrap();
        tell(format_args!("{} of {} records are gone on {socket}", gone.ids.len(), ids.len()));
        let told = build(on, &[]);
        let first = &told.0[0];
        // Through BuildKit's own interface no engine tells of a prune.
        assert_eq!(
            first["reason"], "evicted-or-pruned",
            "{:#}\n{records:#?}",
            told.1["build"]["ran_again"]
        );
        assert!(told.0[1..].iter().all(|one| one["reason"] == "parent"), "{:#}", told.1);
        assert_eq!(
            told.of("RUN --mount")["cache_mounts_lost"],
            serde_json::json!([format!("/keep-{}", on.sandbox.name())])
        );

        // Through the engine's own interface it does. Here and not in a test of its own, because
        // an engine does not tell whose records went, and tests of one engine run side by side.
        on.connection.remove_image(&on.image).unwrap();
        let records = on.connection.cache_records().unwrap();
        let mine = records.iter().filter(|record| record.description.contains(&on.sandbox.name()));
        let gone: Vec<String> =
            mine.rev().flat_map(|record| prune_as_docker_does(socket, &record.id)).collect();
        tell(format_args!("{} records were pruned through the engine on {socket}", gone.len()));
        assert!(!gone.is_empty(), "{records:#?}");
        let told = build(on, &[]);
        let first = &told.0[0];
        assert_eq!(first["reason"], "pruned", "{:#}", told.1["build"]["ran_again"]);
        assert!(told.0[1..].iter().all(|one| one["reason"] == "parent"), "{:#}", told.1);
        on.sandbox.run(&["compare", "1", "5"]).check(0, &["ran again", "pruned"]);
    });
}

/// `docker builder prune --filter id=ID`: what went, which is this record or nothing.
fn prune_as_docker_does(socket: &str, id: &str) -> Vec<String> {
    assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let mut engine = UnixStream::connect(socket).unwrap();
    // {"id":{"…":true}}
    let filters = format!("%7B%22id%22%3A%7B%22{id}%22%3Atrue%7D%7D");
    write!(engine, "POST /build/prune?filters={filters} HTTP/1.0\r\nHost: engine\r\n\r\n").unwrap();
    let mut answer = String::new();
    engine.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{answer}");
    let body: Value = serde_json::from_str(body).unwrap_or_else(|err| panic!("{err}: {answer}"));
    let gone = body["CachesDeleted"].as_array().cloned().unwrap_or_default();
    let gone: Vec<String> = gone.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert!(gone.iter().all(|gone| gone == id), "more than {id} went: {answer}");
    gone
}

#[test]
fn an_engine_build_tells_another_base_image_and_another_builder() {
    on_each_engine(|on, socket| {
        prepare(on);
        let base = format!("{}-base:latest", on.sandbox.name());
        let build_base = || {
            let made = on.sandbox.run(&["build", "-t", &base, "-f", "base.Dockerfile"]);
            made.check(0, &[]);
        };
        let rest = DOCKERFILE.replace("NAME", &on.sandbox.name()).replace("COPY rootfs /\n", "");
        let rest = rest.replace("FROM scratch", &format!("FROM {base}"));
        on.sandbox.write("base.Dockerfile", b"FROM scratch\nCOPY rootfs /\n");
        on.sandbox.write("Dockerfile", rest.as_bytes());
        build_base();
        build(on, &[]);
        build(on, &[]).check("the same base", &[]);
        on.sandbox.write("base.Dockerfile", b"FROM scratch\nCOPY rootfs /\nCOPY src /more\n");
        build_base();
        let told = build(on, &[]);
        assert_eq!(told.0[0]["reason"], "base", "{:#}", told.1["build"]);
        assert_ne!(told.0[0]["base"]["before"], told.0[0]["base"]["now"]);
        assert!(told.0[1..].iter().all(|one| one["reason"] == "parent"), "{:#}", told.1);
        let _ = on.connection.remove_image(&base);

        prepare(on);
        build(on, &[]);
        let sockets = std::env::var("CAREEN_ENGINES").unwrap_or_default();
        for other in sockets.split(':').filter(|other| !other.is_empty() && *other != socket) {
            let there = on.through(std::path::Path::new(other));
            let told = build(&there, &[]);
            // An engine that has made the same before in another test has it in its cache.
            let first = told.0.first().map(|one| one["reason"].clone());
            assert_eq!(first, Some("other-builder".into()), "{:#}", told.1["build"]);
            let address = format!("unix://{other}");
            let target = careen_engine::Target::engine(&address);
            let _ = careen_engine::Connection::open(&target).unwrap().remove_image(&on.image);
            build(on, &[]);
        }
    });
}
