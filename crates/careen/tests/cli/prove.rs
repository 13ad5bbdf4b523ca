//! `careen prove` on every engine of `CAREEN_ENGINES`: times, content, interruption.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::engine::{OnEngine, on_each_engine};
use crate::sandbox::{Run, Sandbox};

/// Copies everything before it works, with a shared cache mount.
const SLOW: &str = "FROM scratch\n\
    COPY rootfs /\n\
    ENV PATH=/bin\n\
    COPY . /src/\n\
    RUN --mount=type=cache,target=/c sleep 1\n\
    COPY app.py /app.py\n";

/// The same image, and the work does not wait for the source.
const FAST: &str = "FROM scratch\n\
    COPY rootfs /\n\
    ENV PATH=/bin\n\
    RUN --mount=type=cache,target=/c sleep 1\n\
    COPY . /src/\n\
    COPY app.py /app.py\n";

/// A package as pip leaves it.
const RECORD: &str = "rootfs/lib/python3.11/site-packages/six-1.17.0.dist-info/RECORD";

fn on_projects(check: impl Fn(&OnEngine)) {
    on_each_engine(|on, _| {
        write_project(on);
        check(on);
    });
}

pub(crate) fn write_project(on: &OnEngine) {
    let sandbox = &on.sandbox;
    sandbox.write("Dockerfile", SLOW.as_bytes());
    sandbox.write("Dockerfile.fast", FAST.as_bytes());
    sandbox.write(".dockerignore", b"Dockerfile*\n.dockerignore\n");
    sandbox.write("app.py", b"print('hoops')\n");
    sandbox.write(RECORD, b"six.py,sha256=x,1\n");
    sandbox.write("rootfs/lib/python3.11/site-packages/six.py", b"1\n");
}

pub(crate) fn prove<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["prove", "--before", "file:Dockerfile", "--after", "file:Dockerfile.fast"];
    [&fixed[..], more].concat()
}

#[test]
fn an_engine_proof_has_times_and_the_same_content() {
    on_projects(|on| {
        let before = on.sandbox.tree();
        let scenarios = [
            "--scenario",
            "cold",
            "--scenario",
            "nothing-changed",
            "--scenario",
            "source-changed",
            "--scenario",
            "lock-changed",
            "--scenario",
            "cache-mounts-lost",
        ];
        let run = on
            .sandbox
            .run(&prove(&[&["--runs", "2", "--format", "json"], &scenarios[..]].concat()));
        ended(&run, &["lock-changed is skipped"]);
        let proof = run.json();
        assert_eq!(proof["content"]["same"], true, "{proof:#}");
        let rows = proof["scenarios"].as_array().unwrap();
        let pairs: Vec<usize> =
            rows.iter().map(|row| row["pairs"].as_array().unwrap().len()).collect();
        assert_eq!(pairs, [2, 2, 2, 0, 0], "{proof:#}");
        assert_eq!(rows[2]["note"], "app.py: a comment");
        // The work of a second runs again only where the source comes before it.
        let median = |side: &str| rows[2][side].as_f64().unwrap();
        let (before_s, after_s) = (median("before_median_seconds"), median("after_median_seconds"));
        assert!(before_s >= 1.0 && after_s < before_s, "{proof:#}");
        assert!(rows[2]["ratio"].as_f64().unwrap() > 1.0, "{proof:#}");
        assert_eq!(before, on.sandbox.tree(), "the project is as it was");
        is_clean(on);
        // Nothing of it is in the history of the project.
        on.sandbox.run(&["history"]).check(0, &["no build of this project is recorded yet"]);
    });
}

/// Two fixes of one change and one of another: every state between is built.
#[test]
fn an_engine_proof_tells_what_each_fix_removed() {
    on_projects(|on| {
        let sandbox = &on.sandbox;
        sandbox.run(&["prove", "--each"]).check(3, &["nothing to undo"]);
        let text = "FROM scratch\nCOPY rootfs /\nENV PATH=/bin\nWORKDIR src\nCOPY app.py .\n\
             RUN sleep 1\n";
        sandbox.write("Dockerfile", text.as_bytes());
        fs::remove_file(sandbox.project().join(".dockerignore")).unwrap();
        sandbox.write(".venv/pyvenv.cfg", b"home = /usr/bin\n");
        sandbox.run(&["fix", "--yes"]).check(0, &["relative-workdir", "missing-ignore-file"]);
        let text = fs::read_to_string(sandbox.project().join("Dockerfile")).unwrap();
        assert!(text.contains("WORKDIR /src\n"), "{text}");
        let more = ["fix", "--yes", "--risky", "--only", "weak-ignore-file"];
        sandbox.run(&more).check(0, &["weak-ignore-file"]);

        let scenarios = ["--scenario", "cold", "--scenario", "nothing-changed"];
        let rest = [&scenarios[..], &["--runs", "2", "--format", "json"]].concat();
        let run = sandbox.run(&[&["prove", "--each", "--before", "fix:1"], &rest[..]].concat());
        ended(&run, &["4 states of the project", "after missing-ignore-file"]);
        let proof = run.json();
        let fixes = ["missing-ignore-file", "relative-workdir", "weak-ignore-file"];
        assert_eq!(proof["fixes"], serde_json::json!(fixes), "{proof:#}");
        assert_eq!(proof["content"]["same"], true, "{proof:#}");
        for row in proof["scenarios"].as_array().unwrap() {
            let gains = row["removed_by"].as_array().unwrap();
            let named: Vec<&str> = gains.iter().map(|it| it["fixes"].as_str().unwrap()).collect();
            assert_eq!(named, fixes);
            // One state's median is where the next fix begins: no gap, nothing counted twice.
            for pair in gains.windows(2) {
                assert_eq!(pair[0]["after_median_seconds"], pair[1]["before_median_seconds"]);
            }
            assert_eq!(gains[0]["before_median_seconds"], row["before_median_seconds"]);
            assert_eq!(gains[2]["after_median_seconds"], row["after_median_seconds"]);
            assert!(gains.iter().all(|it| it["ratio_interval"].is_array()), "{row:#}");
        }
        is_clean(on);
        let last = sandbox.run(&["prove", "--each", "--runs", "1", "--scenario", "cold"]);
        last.check(0, &["nothing is known to lie between: weak-ignore-file is one fix"]);
        sandbox
            .run(&["prove", "--each", "--before", "git:main"])
            .check(2, &["--each tells fixes apart", "hint:"]);
        is_clean(on);
    });
}

/// A proof is made once and shown later: the report has its figures.
#[test]
fn an_engine_proof_is_kept_for_the_report() {
    on_projects(|on| {
        let report = |format: &str| on.sandbox.run(&["report", "--format", format]);
        on.sandbox.run(&on.build(&[])).check(0, &[]);
        assert!(report("json").json()["proof"].is_null(), "nothing was proved yet");
        let scenarios = ["--scenario", "cold", "--scenario", "source-changed"];
        let run = on
            .sandbox
            .run(&prove(&[&["--runs", "2", "--format", "json"], &scenarios[..]].concat()));
        ended(&run, &["shows this proof as a page"]);
        let proof = run.json();

        let told = report("json").json()["proof"].clone();
        assert!(told["made_at"].as_i64().is_some_and(|at| at > 1_700_000_000), "{told:#}");
        for member in ["before", "after", "engine", "verdict", "scenarios", "content", "held_equal"]
        {
            assert!(!proof[member].is_null(), "{member}");
            assert_eq!(told[member], proof[member], "{member}");
        }

        let written = report("html");
        written.check(0, &[]);
        let page = fs::read_to_string(on.sandbox.project().join(written.out.trim())).unwrap();
        assert!(page.contains("<h2 id=proof>The proof</h2>"));
        for row in proof["scenarios"].as_array().unwrap() {
            for side in ["before_median_seconds", "after_median_seconds"] {
                let median = row[side].as_f64().unwrap();
                // The document is rounded to a millisecond, the page rounds what was measured.
                let shown = [-0.0005, 0.0, 0.0005].map(|by| {
                    careen_model::units::time(std::time::Duration::from_secs_f64(median + by))
                });
                let has = shown.iter().any(|text| page.contains(&format!("<td class=n>{text}")));
                assert!(has, "{side} of {}: none of {shown:?}", row["scenario"]);
            }
        }
        is_clean(on);
    });
}

#[test]
fn an_engine_proof_of_another_image_is_refused_by_the_name_of_the_package() {
    on_projects(|on| {
        let broken = FAST.replace("COPY rootfs /\n", "COPY rootfs/bin /bin/\nCOPY rootfs/usr /usr/\nCOPY rootfs/lib64 /lib64/\nCOPY rootfs/etc /etc/\nCOPY rootfs/lib/x86_64-linux-gnu /lib/x86_64-linux-gnu/\n");
        fs::create_dir_all(on.sandbox.project().join("rootfs/usr")).unwrap();
        fs::create_dir_all(on.sandbox.project().join("rootfs/lib64")).unwrap();
        fs::create_dir_all(on.sandbox.project().join("rootfs/lib/x86_64-linux-gnu")).unwrap();
        for folder in ["usr", "lib64", "lib/x86_64-linux-gnu"] {
            on.sandbox.write(format!("rootfs/{folder}/.kept"), b"");
        }
        on.sandbox.write("Dockerfile.fast", broken.as_bytes());
        // The context must not carry the package along.
        for name in ["Dockerfile", "Dockerfile.fast"] {
            let text = fs::read_to_string(on.sandbox.project().join(name)).unwrap();
            on.sandbox.write(name, text.replace("COPY . /src/\n", "").as_bytes());
        }
        let run = on.sandbox.run(&prove(&["--runs", "1", "--scenario", "cold"]));
        run.check(1, &["not the same content", "six 1.17.0 (Python)", "no proof"]);
        is_clean(on);
    });
}

#[test]
fn an_engine_proof_that_was_killed_goes_on() {
    on_projects(|on| {
        let arguments =
            prove(&["--runs", "2", "--scenario", "cold", "--scenario", "source-changed"]);
        let mut child = on
            .sandbox
            .careen(&arguments)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut seen = 0;
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            // In the middle of the third pair: one that is whole, one that is half.
            seen += usize::from(line.unwrap().contains("source-changed"));
            if seen == 2 {
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        assert_eq!(seen, 2, "it was killed while it measured");
        let again = on.sandbox.run(&[&arguments[..], &["--resume"]].concat());
        ended(&again, &["going on after 1 measured pairs", "✓ same content"]);
        is_clean(on);
        on.sandbox
            .run(&[&arguments[..], &["--resume"]].concat())
            .check(2, &["no unfinished proof"]);
    });
}

#[test]
fn a_proof_that_cannot_be_is_told() {
    let sandbox = Sandbox::sick();
    sandbox.run(&["prove", "--scenario", "hot"]).check(2, &["cold, nothing-changed"]);
    sandbox.run(&["prove", "--runs", "0"]).check(2, &[]);
    sandbox.run(&["prove"]).check(3, &["no engine"]);
}

/// The proof came to its end. Of two states that take the same time, one in forty pairs of builds
/// is slower beyond doubt, which is the code 1.
#[track_caller]
pub(crate) fn ended(run: &Run, says: &[&str]) {
    let is_slower = run.out.contains("\"verdict\": \"slower\"")
        || run.out.contains("the same image, and a scenario is slower");
    run.check(i32::from(is_slower), says);
}

/// No image, no cache mount and no file of a proof is left.
pub(crate) fn is_clean(on: &OnEngine) {
    let folder = on.sandbox.path("home/data/careen/prove");
    // The last proof is kept as a file for the report.
    let is_folder = |entry: &std::io::Result<fs::DirEntry>| entry.as_ref().unwrap().path().is_dir();
    let left = fs::read_dir(&folder).map_or(0, |entries| entries.filter(is_folder).count());
    assert_eq!(left, 0, "{} holds no copies", folder.display());
    let dockerfile = fs::canonicalize(on.sandbox.project().join("Dockerfile")).unwrap();
    let name = careen_run::short_name(dockerfile.as_os_str().as_encoded_bytes());
    let mine = |tag: &String| tag.contains(&name);
    let images = on.connection.images().unwrap();
    let left: Vec<_> = images.iter().filter(|image| image.tags.iter().any(mine)).collect();
    assert!(left.is_empty(), "{left:?}");
    let records = on.connection.cache_records().unwrap();
    let left: Vec<_> = records.iter().filter(|one| one.description.contains(&name)).collect();
    assert!(left.is_empty(), "{left:?}");
}
