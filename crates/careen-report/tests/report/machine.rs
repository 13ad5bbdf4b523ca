//! The formats that programs read: JSON, `JUnit`, trace; and Markdown.

use std::time::Duration;

use careen_model::{Comparison, Fact, Severity, legacy::Value};
use careen_report::{ImageTests, Subject, json, junit, markdown, terminal, trace};
use expect_test::expect;
use serde_json::Value as Json;

use crate::{histories, sample, text};

fn parsed(document: &str) -> Json {
    serde_json::from_str(document).unwrap()
}

fn doctor() -> String {
    let (project, host, engine) = (sample::project(), sample::host(), sample::engine());
    let context = Fact::Known(sample::context(false, 18));
    let legacy = [
        ("environment", Value::Map(vec![("is_wsl", Value::Bool(true))])),
        (
            "cache",
            Value::Map(vec![("cache_size_gb", Value::Null { why: "no engine answers".into() })]),
        ),
    ];
    let shown = json::Doctor {
        subject: Subject {
            project: Some(&project),
            host: Some(&host),
            engine: Some(&engine),
            context: Some(&context),
            history: None,
        },
        diagnosis: &sample::diagnosis(),
        took: Duration::from_millis(360),
        legacy: &legacy,
        text_of: &sample::text_of,
    };
    text(|out| json::doctor(out, &shown))
}

/// The whole document, so that no member changes unseen.
#[test]
fn the_document_of_the_doctor_is_stable() {
    let document = doctor().replace(env!("CARGO_PKG_VERSION"), "VERSION");
    expect_test::expect_file!["doctor.json"].assert_eq(&document);
}

#[test]
fn a_finding_has_all_a_program_needs() {
    let document = parsed(&doctor());
    let finding = document["findings"].as_array().unwrap();
    let finding = finding.iter().find(|f| f["rule"] == "shared-cache-id").unwrap();
    expect![[r#"
        {
          "category": "dockerfile",
          "cost": {
            "basis": "modelled",
            "bytes": null,
            "kind": "seconds-per-rebuild",
            "seconds": 40.0
          },
          "evidence": [],
          "fixes": [
            {
              "safety": "safe",
              "steps": [
                {
                  "edits": 0,
                  "kind": "edit",
                  "path": ".devcontainer/Dockerfile"
                }
              ],
              "title": "Give the cache mount its own id",
              "undoable": true
            }
          ],
          "message": "two package groups wait for one cache mount",
          "place": {
            "column": 1,
            "end_column": 9,
            "end_line": 3,
            "kind": "file",
            "line": 3,
            "path": ".devcontainer/Dockerfile"
          },
          "rule": "shared-cache-id",
          "severity": "warning"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(finding).unwrap());
}

#[test]
fn the_doctor_says_what_it_could_not_know() {
    let document = parsed(&doctor());
    assert_eq!(document["schema_version"], "1");
    assert_eq!(document["kind"], "doctor");
    assert_eq!(document["environment"]["is_wsl"], true);
    assert_eq!(document["cache"]["cache_size_gb"], Json::Null);
    assert_eq!(document["cache"]["cache_size_gb_unknown"], "no engine answers");
    let host = &document["facts"]["host"];
    assert_eq!(host["context_mount"]["class"], "windows-9p");
    assert_eq!(host["windows_clock_ahead_seconds"], Json::Null);
    assert_eq!(host["windows_clock_ahead_seconds_unknown"], "the Windows clock took too long");
    assert_eq!(document["facts"]["history_unknown"], "not asked for");
    assert_eq!(document["facts"]["context"]["kept"]["files"], 39_580);
    let looked: Vec<&Json> =
        document["checks"].as_array().unwrap().iter().map(|check| &check["looked"]).collect();
    assert_eq!(looked[..4], ["passed", "found", "found", "skipped"]);
}

/// Members keep their order, and the first ones say what the document is.
#[test]
fn documents_begin_with_their_kind() {
    let (before, after) = (sample::before(), sample::after());
    let runs = sample::cases();
    let tables = [("First build".to_owned(), Comparison::of(&before, &after))];
    let plan = sample::plan();
    let applied = terminal::Applied { fixes: &[], journal: Some("7f3a") };
    let documents = [
        ("plan", text(|out| json::plan(out, &plan))),
        ("applied", text(|out| json::applied(out, &applied))),
        ("build", text(|out| json::build(out, &after, Some(&before)))),
        ("comparison", text(|out| json::comparison(out, &tables))),
        (
            "history",
            text(|out| {
                json::history(
                    out,
                    std::slice::from_ref(&before),
                    &histories::history(&histories::rows()),
                )
            }),
        ),
        ("image-tests", text(|out| json::image_tests(out, &tests(&runs)))),
        ("checks", text(|out| json::checks(out, &[]))),
        ("context", text(|out| json::context(out, &sample::context(true, 18)))),
        ("journal", text(|out| json::other(out, "journal", &Value::Map(vec![])))),
    ];
    for (kind, document) in documents {
        let head = format!("{{\n  \"schema_version\": \"1\",\n  \"kind\": \"{kind}\",\n");
        assert!(document.starts_with(&head), "{document}");
        assert_eq!(parsed(&document)["kind"], kind);
    }
}

#[test]
fn a_build_document_has_its_times() {
    let document = parsed(&text(|out| json::build(out, &sample::after(), Some(&sample::before()))));
    expect![[r#"{"after_seconds":0.6,"before_seconds":470.5,"change":"faster","phase":"context","ratio":784.167}"#]].assert_eq(&document["comparison"]["rows"][1].to_string());
    expect![[r#"{"active_seconds":92.2,"cached":false,"cached_from":null,"downloaded_bytes":0,"ended_seconds":92.4,"error":null,"id":"s5","inputs":["s4"],"log_bytes":0,"name":"[base 4/9] RUN uv sync --group torch","on_critical_path":true,"package_group":"PyTorch","phase":"language packages","started_seconds":0.2,"tasks":[{"bytes":2100000000,"ended_seconds":72.0,"name":"download torch","started_seconds":1.0},{"bytes":0,"ended_seconds":86.0,"name":"write","started_seconds":72.0}],"transferred_bytes":2100000000,"waited_for":{"alone_seconds":0.0,"queued_seconds":0.0,"step":"s4"}}"#]].assert_eq(&document["build"]["steps"][5].to_string());
}

#[test]
fn events_stream_as_lines() {
    use careen_model::{BuildEvent, Outcome, Stream, Transfer, What};
    let step = || "sha256:1".to_owned();
    let script = [
        What::StepPlanned {
            step: step(),
            name: "[1/2] RUN x".into(),
            inputs: vec!["sha256:0".into()],
        },
        What::Log { step: step(), stream: Stream::Err, bytes: b"\x1b[1mone\ntwo\xff".to_vec() },
        What::Progress { step: step(), task: "pull".into(), current: 5, total: None, done: false },
        What::StepEnded { step: step(), error: None },
        What::Sent(Transfer {
            name: "context".into(),
            entries: 3,
            files: 1,
            bytes: 9,
            faults: vec![],
        }),
        What::Ended { outcome: Outcome::Built },
    ];
    let lines = text(|out| {
        for what in script {
            json::event(out, &BuildEvent { at: Duration::from_millis(1500), what })?;
        }
        Ok(())
    });
    assert!(lines.lines().all(|line| parsed(line)["at_seconds"] == 1.5));
    expect![[r#"
        {"at_seconds":1.5,"event":"step-planned","step":"sha256:1","name":"[1/2] RUN x","inputs":["sha256:0"]}
        {"at_seconds":1.5,"event":"log","step":"sha256:1","stream":"err","text":"\u001b[1mone\ntwo�"}
        {"at_seconds":1.5,"event":"progress","step":"sha256:1","task":"pull","current":5,"total":null,"done":false}
        {"at_seconds":1.5,"event":"step-ended","step":"sha256:1","error":null}
        {"at_seconds":1.5,"event":"sent","name":"context","entries":3,"files":1,"bytes":9,"faults":[]}
        {"at_seconds":1.5,"event":"ended","outcome":"built"}
    "#]].assert_eq(&lines);
}

#[test]
fn a_plan_document_has_its_diffs() {
    let document = parsed(&text(|out| json::plan(out, &sample::plan())));
    expect![[r#"
        --- a/.devcontainer/Dockerfile
        +++ b/.devcontainer/Dockerfile
        @@ -1,4 +1,4 @@
         FROM python:3.11
         WORKDIR /app
         COPY . .
        -RUN uv sync
        +RUN --mount=type=cache,id=uv uv sync
    "#]]
    .assert_eq(document["files"][1]["diff"].as_str().unwrap());
    expect![[r#"{"because":"not-asked","fix":{"safety":"risky","steps":[{"cache":"lost","kind":"recreate-builder","name":"fervent_x"}],"title":"Recreate builder fervent_x","undoable":false},"message":"builder fervent_x was last used 112 days ago","reason":"needs a decision","rule":"stale-builder"}"#]].assert_eq(&document["left"][1].to_string());
}

fn tests(runs: &[(careen_model::Case, careen_model::Verdict)]) -> ImageTests<'_> {
    ImageTests {
        image: "hoops:dev",
        digest: None,
        conditions: "network none",
        runs,
        took: Duration::from_millis(6800),
    }
}

#[test]
fn junit_tells_failed_from_not_run() {
    let runs = sample::cases();
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="hoops:dev" tests="5" failures="1" errors="1" skipped="1" time="6.800">
            <testcase name="python" classname="hoops:dev" time="0.210">
              <system-out>3.11.9</system-out>
            </testcase>
            <testcase name="import torch" classname="hoops:dev" time="2.130">
              <system-out>2.5.1+cu124</system-out>
            </testcase>
            <testcase name="import ultralytics" classname="hoops:dev" time="1.900">
              <failure message="exit code 1">Traceback (most recent call last):
          File &quot;&lt;string&gt;&quot;, line 1
        OSError: libGL.so.1: cannot open shared object file

        hint: opencv-python-headless needs no libGL</failure>
            </testcase>
            <testcase name="gpu" classname="hoops:dev" time="0.000">
              <skipped message="no device here"/>
            </testcase>
            <testcase name="uv" classname="hoops:dev" time="0.000">
              <error message="the engine stopped answering"/>
            </testcase>
          </testsuite>
        </testsuites>
    "#]]
    .assert_eq(&text(|out| junit::image_tests(out, &tests(&runs))));
}

#[test]
fn junit_of_the_doctor_has_a_case_per_check() {
    let document = text(|out| junit::doctor(out, &sample::diagnosis(), Severity::Error));
    let heads: Vec<&str> = document.lines().take(16).collect();
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="careen doctor" tests="13" failures="3" errors="0" skipped="4" time="0.000">
            <testcase name="no-buildx" classname="doctor.Client"/>
            <testcase name="clock-differs" classname="doctor.Engine">
              <system-out>hint: the engine's clock is 0.2 s ahead</system-out>
            </testcase>
            <testcase name="stale-builder" classname="doctor.Builder">
              <system-out>warning: builder fervent_x was last used 112 days ago
          fix: Recreate builder fervent_x (risky)</system-out>
            </testcase>
            <testcase name="cache-eviction" classname="doctor.Cache">
              <skipped message="this engine does not support its rules of collection"/>
            </testcase>
            <testcase name="cache-size" classname="doctor.Cache">
              <skipped message="this engine does not support its rules of collection"/>"#]].assert_eq(&heads.join("\n"));
    assert_eq!(document.matches("<testcase ").count(), 13);
    assert_eq!(document.matches("<failure ").count(), 3);
}

#[test]
fn a_comment_for_a_pull_request_is_short() {
    let (before, after) = (sample::before(), sample::after());
    let doctor = text(|out| markdown::doctor(out, &sample::diagnosis(), &sample::text_of));
    expect![[r#"
        ### careen doctor: 3 errors, 2 warnings, 1 hint

        | | finding | where | costs |
        |---|---|---|---:|
        | error | engine disk has 11.0 GB free, the last build needed 23.0 GB `disk-short` | engine | may fail (measured) |
        | error | context lies on a Windows drive (9p), every lookup takes 1.3 ms `slow-context-mount`<br>fix: Move the project to a Linux path | context | 6 m 50 s (measured) |
        | warning | builder fervent\_x was last used 112 days ago `stale-builder`<br>fix: Recreate builder fervent\_x | engine | 19.4 GB (rule) |
        | error | 1.9 GB would be sent, 1.8 GB of it never reaches a COPY that needs it `unused-context`<br>fix: Write the .dockerignore that is missing | context | 70.0 s (measured) |
        | warning | two package groups wait for one cache mount `shared-cache-id`<br>fix: Give the cache mount its own id | .devcontainer/Dockerfile:3 | 40.0 s per rebuild (modelled) |
        | hint | the engine's clock is 0.2 s ahead `clock-differs` | engine |  |

        13 checks, 3 skipped, 1 ignored
    "#]].assert_eq(&doctor);
    expect![[r#"
        ### careen build: built in 4 m 17 s, 7.3× faster

        | phase | before 0003 | after 0007 | change |
        |---|---:|---:|---:|
        | prepare | 0.3 s | 0.1 s | 3.0× |
        | context | 7 m 51 s | 0.6 s | 784× |
        | base image | 3 m 23 s | 0 s | cached |
        | system packages | 2 m 07 s | 0 s | cached |
        | language packages | 17 m 09 s | 3 m 30 s | 4.9× |
        | ↳ PyTorch | 6 m 55 s | 92.2 s | 4.5× |
        | ↳ JAX | 3 m 32 s | 57.7 s | 3.7× |
        | ↳ computer vision | 4 m 48 s | 55.3 s | 5.2× |
        | ↳ Jupyter | 36.3 s | 4.4 s | 8.2× |
        | ↳ dependencies | 76.9 s | 0 s | cached |
        | files | 41.4 s | 0.5 s | 82.8× |
        | other steps | 5.6 s | 4.9 s | 1.1× |
        | export | 5 m 25 s | 41.3 s | 7.9× |
        | between steps | 1.1 s | 0.9 s | 1.2× |
        | **total** | **31 m 13 s** | **4 m 17 s** | **7.3×** |

        8 steps: 6 run, 2 cached, context 24.6 MB in 208 files

        <details><summary>Slowest steps</summary>

        | step | time |
        |---|---:|
        | \[base 4/9\] RUN uv sync --group torch | 92.2 s |
        | \[base 5/9\] RUN uv sync --group jax | 57.7 s |
        | \[base 6/9\] RUN uv sync --group vision | 55.3 s |
        | exporting to image | 41.3 s |
        | \[base 9/9\] RUN python -c 'import torch, jax, cv2' | 4.9 s |

        </details>
    "#]]
    .assert_eq(&text(|out| markdown::build(out, &after, Some(&before))));
    expect![[r####"
        ### careen build: failed after 2 m 30 s

        > process "/bin/sh -c uv sync --group jax" did not complete successfully

        | phase | time |
        |---|---:|
        | prepare | 0.1 s |
        | context | 0.1 s |
        | base image | 0 s |
        | system packages | 0 s |
        | language packages | 2 m 30 s |
        | ↳ PyTorch | 92.2 s |
        | ↳ JAX | 57.7 s |
        | ↳ dependencies | 0 s |
        | between steps | 0.1 s |
        | **total** | **2 m 30 s** |

        4 steps: 2 run, 2 cached, context 24.6 MB in 208 files

        <details><summary>Slowest steps</summary>

        | step | time |
        |---|---:|
        | \[base 4/9\] RUN uv sync --group torch | 92.2 s |
        | \[base 5/9\] RUN uv sync --group jax | 57.7 s |
        | \[internal\] load build context | 0.6 s |
        | \[internal\] load build definition from Dockerfile | 0.1 s |

        </details>
    "####]]
    .assert_eq(&text(|out| markdown::build(out, &sample::failed(), None)));
    let tables = [("Rebuild after a change".to_owned(), Comparison::of(&before, &after))];
    expect![[r#"
        ### Rebuild after a change: 7.3× faster

        | phase | before 0003 | after 0007 | change |
        |---|---:|---:|---:|
        | prepare | 0.3 s | 0.1 s | 3.0× |
        | context | 7 m 51 s | 0.6 s | 784× |
        | base image | 3 m 23 s | 0 s | cached |
        | system packages | 2 m 07 s | 0 s | cached |
        | language packages | 17 m 09 s | 3 m 30 s | 4.9× |
        | ↳ PyTorch | 6 m 55 s | 92.2 s | 4.5× |
        | ↳ JAX | 3 m 32 s | 57.7 s | 3.7× |
        | ↳ computer vision | 4 m 48 s | 55.3 s | 5.2× |
        | ↳ Jupyter | 36.3 s | 4.4 s | 8.2× |
        | ↳ dependencies | 76.9 s | 0 s | cached |
        | files | 41.4 s | 0.5 s | 82.8× |
        | other steps | 5.6 s | 4.9 s | 1.1× |
        | export | 5 m 25 s | 41.3 s | 7.9× |
        | between steps | 1.1 s | 0.9 s | 1.2× |
        | **total** | **31 m 13 s** | **4 m 17 s** | **7.3×** |
    "#]]
    .assert_eq(&text(|out| markdown::comparison(out, &tables)));
}

#[test]
fn hostile_text_is_data_everywhere() {
    let hostile = format!("{}::error::|@all\u{1b}", sample::HOSTILE);
    let mut diagnosis = sample::diagnosis();
    diagnosis.findings.iter_mut().for_each(|finding| finding.message.clone_from(&hostile));
    let mut record = sample::failed();
    record.steps.iter_mut().for_each(|step| step.name.clone_from(&hostile));
    record.error = Some(hostile.clone());
    record.warnings.push(hostile.clone());
    let mut runs = sample::cases();
    for (case, verdict) in &mut runs {
        case.name.clone_from(&hostile);
        if let careen_model::Verdict::Failed { stderr, .. } = verdict {
            stderr.clone_from(&hostile);
        }
    }
    let builds = text(|out| json::build(out, &record, None));
    assert_eq!(parsed(&builds)["build"]["steps"][0]["name"], hostile, "JSON tells the truth");
    let texts = [
        text(|out| junit::image_tests(out, &tests(&runs))),
        text(|out| junit::doctor(out, &diagnosis, Severity::Hint)),
        text(|out| markdown::doctor(out, &diagnosis, &sample::text_of)),
        text(|out| markdown::build(out, &record, None)),
        text(|out| trace::trace(out, &record)),
    ];
    for document in texts.iter().chain([&builds]) {
        let bad = document.chars().find(|&c| (c.is_control() && c != '\n') || c == '\u{202e}');
        assert_eq!(bad, None, "{document}");
    }
    for document in &texts[..4] {
        assert!(!document.contains("<script>"), "{document}");
    }
    for markdown in &texts[2..4] {
        assert!(!markdown.contains("::error") && !markdown.contains("@all"), "{markdown}");
    }
}

#[test]
fn a_trace_has_an_event_per_step() {
    let document = parsed(&text(|out| trace::trace(out, &sample::before())));
    let all = document["traceEvents"].as_array().unwrap();
    let (names, events): (Vec<_>, Vec<_>) = all.iter().partition(|event| event["ph"] == "M");
    let names: Vec<_> = names.iter().map(|name| name["args"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["build 0003", "row 1", "row 2"]);
    assert_eq!(events.len(), 12);
    expect![[r#"{"args":{"cached":false,"critical":false,"phase":"base image","step":3},"cat":"step","dur":203200000,"name":"[base 1/9] FROM docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04","ph":"X","pid":1,"tid":2,"ts":400000}"#]].assert_eq(&events[2].to_string());
    let rows: Vec<u64> = events.iter().map(|event| event["tid"].as_u64().unwrap()).collect();
    assert_eq!(rows, [1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
}

/// The rules of the trace event format that Perfetto and Chrome go by.
#[test]
fn a_trace_is_valid() {
    for record in
        [sample::before(), sample::after(), sample::failed(), careen_model::BuildRecord::default()]
    {
        let document = parsed(&text(|out| trace::trace(out, &record)));
        assert_eq!(document["displayTimeUnit"], "ms");
        let mut ends = std::collections::BTreeMap::new();
        let mut last = 0;
        for event in document["traceEvents"].as_array().unwrap() {
            let number = |key: &str| {
                event[key].as_u64().unwrap_or_else(|| panic!("{key} is no whole number: {event}"))
            };
            if event["ph"] == "M" {
                assert!(event["args"]["name"].is_string(), "{event}");
                continue;
            }
            assert_eq!(event["ph"], "X", "a complete event has its duration with it");
            assert!(event["name"].is_string() && event["cat"].is_string(), "{event}");
            assert!(event["args"].is_object() && number("pid") > 0, "{event}");
            let (start, row) = (number("ts"), number("tid"));
            assert!(start >= last, "events come in order");
            last = start;
            let end = start + number("dur");
            // Events of one row must not overlap, or viewers nest them.
            let before = ends.insert(row, end).unwrap_or(0);
            assert!(start >= before, "{event} overlaps in row {row}");
            assert!(u128::from(end) <= record.total.as_micros() + 1, "{event}");
        }
    }
}
