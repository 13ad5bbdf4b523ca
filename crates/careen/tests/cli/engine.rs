//! Builds, tests and reports on every engine of `CAREEN_ENGINES`, from a project that needs no
//! base image.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{PoisonError, RwLock};

use careen_engine::{Connection, Target};
use serde_json::Value;

use crate::sandbox::{Sandbox, skip, tell};

/// A shell and a file of its own; `/bin/python` only tells a version.
const DOCKERFILE: &str = "FROM scratch\n\
    COPY rootfs /\n\
    ENV PATH=/bin\n\
    COPY app.txt /app.txt\n\
    RUN cat /app.txt\n";

/// A project on one engine; its image is removed when dropped.
pub(crate) struct OnEngine {
    pub(crate) sandbox: Sandbox,
    pub(crate) image: String,
    pub(crate) connection: Connection,
}

impl Drop for OnEngine {
    fn drop(&mut self) {
        // A build that failed on purpose left none.
        let _ = self.connection.remove_image(&self.image);
    }
}

impl OnEngine {
    /// The same project with another way to the engine.
    pub(crate) fn through(&self, socket: &Path) -> OnEngine {
        OnEngine {
            sandbox: self.sandbox.beside().with_engine(format!("unix://{}", socket.display())),
            image: self.image.clone(),
            connection: self.connection.clone(),
        }
    }

    /// `careen build` of this project under its own image name.
    pub(crate) fn build<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["build", "-t", &self.image], more].concat()
    }
}

/// Held while tests use the engines; by one alone that looks at everything an engine has.
static ENGINES: RwLock<()> = RwLock::new(());

/// Runs the check with a fresh project on each engine.
pub(crate) fn on_each_engine(check: impl Fn(&OnEngine, &str)) {
    let _beside = ENGINES.read().unwrap_or_else(PoisonError::into_inner);
    run_on_each(check);
}

/// The same while no other test of this program uses an engine.
pub(crate) fn alone_on_each_engine(check: impl Fn(&OnEngine, &str)) {
    let _alone = ENGINES.write().unwrap_or_else(PoisonError::into_inner);
    run_on_each(check);
}

fn run_on_each(check: impl Fn(&OnEngine, &str)) {
    let Ok(sockets) = std::env::var("CAREEN_ENGINES") else {
        return skip("CAREEN_ENGINES is not set");
    };
    for socket in sockets.split(':').filter(|socket| !socket.is_empty()) {
        let address = format!("unix://{socket}");
        let connection = Connection::open(&Target::engine(&address)).unwrap();
        let sandbox = Sandbox::new(&[("Dockerfile", DOCKERFILE)]).with_engine(&address);
        plant(&sandbox.project().join("rootfs"), &["sh", "cat", "sleep"]);
        sandbox.write("app.txt", sandbox.name().as_bytes());
        let image = format!("{}:latest", sandbox.name());
        check(&OnEngine { sandbox, image, connection }, socket);
    }
}

/// Tools of this machine with the libraries they need: nothing has to be pulled.
pub(crate) fn plant(root: &Path, tools: &[&str]) {
    let put = |from: &Path, to: &str| {
        let to = root.join(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    for tool in tools {
        let places = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(tool));
        let path: &PathBuf = places.iter().find(|path| path.exists()).unwrap();
        let listed = Command::new("ldd").arg(path).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        put(path, &format!("bin/{tool}"));
        for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
            put(Path::new(library), library);
        }
    }
    let python = root.join("bin/python");
    fs::write(&python, "#!/bin/sh\necho 3.11.9\n").unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    // 20.10 needs them to run a container as a named user.
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\n").unwrap();
}

#[test]
fn an_engine_build_is_recorded_compared_and_reported() {
    on_each_engine(|on, _| {
        let run = |arguments: &[&str]| on.sandbox.run(arguments);
        let build = on.build(&[]);
        run(&build).check(0, &["RUN cat /app.txt"]);
        run(&build).check(0, &["cached"]);
        on.sandbox.write("app.txt", format!("{} changed", on.sandbox.name()).as_bytes());
        let answer = run(&[&build[..], &["--format", "json"]].concat());
        answer.check(0, &[]);
        let answer = answer.json();
        assert!(answer["schema_version"].is_string(), "{answer:#}");
        let id = on.connection.image(&on.image).unwrap().id;
        assert!(answer.to_string().contains(&id), "the image {id} is not told: {answer:#}");

        let history = run(&["history", "--format", "json"]).json();
        let labels = labels(&history);
        assert_eq!(labels.len(), 3, "{history:#}");
        run(&["history"]).check(0, &[labels[0], labels[2]]);
        run(&["compare", labels[0], labels[1]]).check(0, &["total"]);
        run(&["compare", labels[0], labels[1], "--format", "json"]).json();
        run(&["compare", labels[0], labels[1], "--format", "md"]).check(0, &["|"]);
        run(&["compare", labels[0], "999"]).check(3, &["no build 999", "hint:"]);

        let report = run(&["report"]);
        report.check(0, &[".careen/reports/", ".html"]);
        let page = fs::read_to_string(on.sandbox.project().join(report.out.trim())).unwrap();
        assert!(page.len() <= 200_000, "the report has {} bytes", page.len());
        assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
        assert!(!page.contains("http://") && !page.contains("src=\"http"), "it loads something");
        run(&["report", "--format", "md"]).check(0, &["|"]);
        run(&["report", "--format", "json"]).json();
        run(&["report", "-o", "r.html", labels[0]]).check(0, &["r.html"]);
        for (format, begins) in [("md", "#"), ("json", "{"), ("trace", "{")] {
            let path = on.sandbox.path("written");
            let told = run(&["report", "--format", format, "-o", path.to_str().unwrap()]);
            told.check(0, &["written"]);
            let document = fs::read_to_string(&path).unwrap();
            assert!(document.starts_with(begins), "{format}: {document}");
        }
        // The report lies in the project and is no part of the next build.
        fs::remove_file(on.sandbox.project().join("r.html")).unwrap();
        let again = run(&[&build[..], &["--format", "json"]].concat());
        assert!(again.json().to_string().contains(&id), "nothing changed, the image did\n{again}");
    });
}

/// The newest build of the history, its event log and its stream of lines tell one record.
fn is_the_same_build_again(on: &OnEngine, stream: &str) {
    let listed = on.sandbox.run(&["history", "--format", "json"]).json();
    let known = listed["builds"].as_array().unwrap().last().unwrap().clone();
    let label = known["label"].as_str().unwrap();
    let file = on.sandbox.path("stream.jsonl");
    fs::write(&file, stream).unwrap();
    // Logs are named by their number, wherever the history is kept.
    let number = label.trim_start_matches('0');
    let log = on.sandbox.path(&format!("home/data/careen/builds/{number}.jsonl.gz"));
    for (file, form) in [(file, "jsonl"), (log, "events")] {
        let import = ["history", "import", file.to_str().unwrap(), "--format", "json"];
        let read = on.sandbox.run(&import);
        read.check(0, &[]);
        let mut read = read.json()["build"].clone();
        assert_eq!(read["imported"]["format"], form, "{read:#}");
        // A stream has no date, and it was read elsewhere.
        for name in ["label", "started_at", "imported", "engine", "ran_again"] {
            read[name] = known[name].clone();
        }
        // What the engine answered beside the events: the name as it was asked for, and the digest.
        for name in ["image", "image_digest"] {
            read[name] = known[name].clone();
        }
        assert_eq!(read, known, "{form}\n{stream}");
        tell(format_args!(
            "{form}: {} steps, the same record",
            known["steps"].as_array().unwrap().len()
        ));
    }
}

fn labels(history: &Value) -> Vec<&str> {
    let builds = history["builds"].as_array().unwrap_or_else(|| panic!("{history:#}"));
    builds.iter().map(|build| build["label"].as_str().unwrap()).collect()
}

#[test]
fn an_engine_tells_the_doctor_and_how_long_that_took() {
    on_each_engine(|on, socket| {
        let run = on.sandbox.run(&["doctor", "--format", "json", "--fail-on", "never"]);
        run.check(0, &[]);
        let answer = run.json();
        assert_eq!(answer["environment"]["engine_answers"], true);
        assert!(answer["cache"]["cache_size_gb"].is_number(), "{:#}", answer["cache"]);
        let skipped = answer["checks"].as_array().unwrap().iter();
        let skipped = skipped
            .filter(|check| check["reason"].as_str().is_some_and(|why| why.contains("no engine:")));
        assert_eq!(skipped.count(), 0, "{:#}", answer["checks"]);
        let warm = on.sandbox.run(&["doctor", "--format", "json", "--fail-on", "never"]).json();
        tell(format_args!(
            "the doctor took {} s on {socket}, and its walk {} s",
            warm["took_seconds"], warm["facts"]["context"]["walk_seconds"]
        ));
        on.sandbox.run(&[]).check(0, &[]);
    });
}

#[test]
fn an_engine_runs_the_image_tests_in_the_image_and_in_the_result() {
    on_each_engine(|on, _| {
        on.sandbox.write("pyproject.toml", b"[project]\nname = \"demo\"\nversion = \"1\"\n");
        on.sandbox.run(&on.build(&["--test"])).check(0, &["3.11.9"]);
        on.sandbox.run(&["test"]).check(0, &["3.11.9"]);
        on.sandbox.run(&["test", &on.image, "--format", "junit"]).check(0, &["<testsuite"]);
        let answer = on.sandbox.run(&["test", &on.image, "--format", "json"]);
        answer.check(0, &["3.11.9"]);
        answer.json();
        on.sandbox.run(&["test", "--result"]).check(0, &["3.11.9", "build result"]);
        // A critical test that fails makes the code 1.
        on.sandbox.write(
            "Dockerfile",
            DOCKERFILE.replace("RUN cat /app.txt", "RUN cat /app.txt > /bin/python").as_bytes(),
        );
        on.sandbox.run(&["test", "--result"]).check(1, &["python"]);
        on.sandbox.run(&on.build(&["--test", "--plain"])).check(1, &["python"]);
        let nowhere = format!("{}-nowhere:1", on.sandbox.name());
        on.sandbox.run(&["test", &nowhere]).check(3, &[&nowhere, "hint:", "careen build"]);
    });
}

#[test]
fn an_engine_event_stream_is_json_lines_and_quiet_is_quiet() {
    on_each_engine(|on, _| {
        let lines = on.sandbox.run(&on.build(&["--format", "jsonl"]));
        lines.check(0, &[]);
        assert!(lines.out.lines().count() > 5, "{lines}");
        for line in lines.out.lines() {
            assert!(serde_json::from_str::<Value>(line).unwrap().is_object(), "{line}");
        }
        is_the_same_build_again(on, &lines.out);
        on.sandbox.write("Dockerfile", format!("{DOCKERFILE}RUN exit 3\n").as_bytes());
        let failed = on.sandbox.run(&on.build(&["--format", "jsonl"]));
        failed.check(1, &[]);
        is_the_same_build_again(on, &failed.out);
        on.sandbox.write("Dockerfile", DOCKERFILE.as_bytes());
        let quiet = on.sandbox.run(&on.build(&["--quiet"]));
        quiet.check(0, &[]);
        let id = on.connection.image(&on.image).unwrap().id;
        assert_eq!((quiet.out.trim(), quiet.err.as_str()), (id.as_str(), ""));
    });
}
