//! Logs as people paste them, and what is read in them.

use std::fmt::Write as _;

use careen_model::{BuildRecord, What};
use expect_test::{Expect, expect};

use super::*;

pub(super) fn fold(log: &[u8], size: usize) -> (BuildRecord, LogSummary, Vec<u8>) {
    let mut record = BuildRecord::default();
    let mut output = Vec::new();
    let mut reader = LogReader::new();
    let mut each = |event: &BuildEvent| {
        record.apply(event);
        if let What::Log { step, bytes, .. } = &event.what {
            output.extend_from_slice(step.as_bytes());
            output.push(b'|');
            output.extend_from_slice(bytes);
        }
    };
    for piece in log.chunks(size.max(1)) {
        reader.read(piece, &mut each);
    }
    let summary = reader.finish(&mut each);
    (record, summary, output)
}

/// The record in a few lines, and the output after it.
#[track_caller]
fn check(log: &str, expected: &Expect) {
    let (record, summary, output) = fold(log.as_bytes(), log.len());
    let format = summary.format.map_or("nothing", LogFormat::name);
    let mut text = format!(
        "{format} by {}, {:?} after {:.1} s\n",
        summary.clock.name(),
        record.outcome,
        record.total.as_secs_f64()
    );
    for step in &record.steps {
        let second = |at: Option<std::time::Duration>| at.map_or(f64::NAN, |at| at.as_secs_f64());
        let (start, end) = (second(step.started), second(step.ended));
        write!(text, "{start:>6.2} {end:>6.2} {} {}", step.id, step.name).unwrap();
        if !step.inputs.is_empty() {
            write!(text, " <{}>", step.inputs.join(" ")).unwrap();
        }
        if step.cached {
            text.push_str(" cached");
        }
        if let Some(error) = &step.error {
            write!(text, " !{error}").unwrap();
        }
        text.push('\n');
        for task in &step.tasks {
            let took = task.ended.map(|end| end.saturating_sub(task.started).as_secs_f64());
            writeln!(text, "              {} {} {took:?}", task.name, task.bytes).unwrap();
        }
    }
    for warning in &record.warnings {
        writeln!(text, "warning: {warning}").unwrap();
    }
    if let Some(error) = &record.error {
        writeln!(text, "error: {error} ({:?})", record.exit_code).unwrap();
    }
    text.push_str(&String::from_utf8_lossy(&output).replace('\r', "\\r"));
    expected.assert_eq(&text);
    // It does not matter in what pieces a log comes.
    for size in [1, 7] {
        let (again, ..) = fold(log.as_bytes(), size);
        assert_eq!(again, record, "in pieces of {size}");
    }
}

const PLAIN: &str = "\
#0 building with \"default\" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 461B done
#1 DONE 0.0s

#2 [internal] load metadata for docker.io/library/python:3.11
#2 DONE 0.8s

#3 [base 1/2] FROM docker.io/library/python:3.11
#3 sha256:11bd814e 10.49MB / 29.15MB 0.6s
#3 ...

#4 [internal] load build context
#4 transferring context: 300.06MB 3.1s done
#4 DONE 3.2s

#3 [base 1/2] FROM docker.io/library/python:3.11
#3 sha256:11bd814e 29.15MB / 29.15MB 1.6s done
#3 extracting sha256:11bd814e 1.1s done
#3 DONE 2.8s

#5 [base 2/2] RUN echo one; make
#5 0.256 one
#5 1.2 two  \r100%
#5 DONE 1.5s

#6 [final 1/3] COPY . /app
#6 DONE 1.0s

#7 [final 2/3] COPY --from=base /a /a
#7 CACHED

#8 exporting to image
#8 exporting layers 0.6s done
#8 writing image sha256:626f done
#8 DONE 0.7s

 1 warning found (use docker --debug to expand):
 - LegacyKeyValueFormat: \"ENV key=value\" should be used instead (line 4)
";

#[test]
fn a_plain_log_becomes_a_record() {
    check(
        PLAIN,
        &expect![[r#"
            plain by durations, Some(Built) after 6.8 s
              0.00   0.00 #1 [internal] load build definition from Dockerfile
                          transferring dockerfile 461 Some(0.0)
              0.00   0.80 #2 [internal] load metadata for docker.io/library/python:3.11
              0.80   3.60 #3 [base 1/2] FROM docker.io/library/python:3.11
                          sha256:11bd814e 29150000 Some(1.6)
                          extracting sha256:11bd814e 0 Some(1.1)
              0.80   4.00 #4 [internal] load build context
                          transferring context 300060000 Some(3.1)
              3.60   5.10 #5 [base 2/2] RUN echo one; make <#3>
              5.10   6.10 #6 [final 1/3] COPY . /app <#4>
              6.10   6.10 #7 [final 2/3] COPY --from=base /a /a <#5 #6> cached
              6.10   6.80 #8 exporting to image
                          exporting layers 0 Some(0.6)
                          writing image sha256:626f 0 Some(0.0)
            warning: LegacyKeyValueFormat: "ENV key=value" should be used instead (line 4)
            #5|one
            #5|two  \r100%
        "#]],
    );
}

#[test]
fn services_write_times_before_lines() {
    check(
        "\u{feff}2024-05-01T10:00:00.0000000Z ##[group]Run docker build\n\
         2024-05-01T10:00:01.0000000Z #1 [internal] load build definition from Dockerfile\n\
         2024-05-01T10:00:01.1000000Z #1 DONE 0.1s\n\
         2024-05-01T10:00:01.1000000Z \n\
         2024-05-01T10:00:01.2000000Z #2 [a 1/2] RUN one\n\
         2024-05-01T10:00:04.0000000Z #2 2.7 text\n\
         2024-05-01T10:00:11.2000000Z #3 [b 1/2] RUN two\n\
         2024-05-01T10:00:11.2000000Z #3 DONE 9.9s\n\
         2024-05-01T10:00:21.3000000Z #2 DONE 20.0s\n\
         2024-05-01T10:00:22.0000000Z ##[endgroup]\n",
        &expect![[r"
            plain by lines, Some(Built) after 20.3 s
              0.00   0.10 #1 [internal] load build definition from Dockerfile
              0.30  20.30 #2 [a 1/2] RUN one
              0.30  10.20 #3 [b 1/2] RUN two
            #2|text
        "]],
    );
    check(
        "build\tBuild\t2024-05-01T10:00:01.0Z #1 [1/1] RUN one\n\
         build\tBuild\t2024-05-01T10:00:03.0Z #1 DONE 2.0s\n",
        &expect![[r"
            plain by lines, Some(Built) after 2.0 s
              0.00   2.00 #1 [1/1] RUN one
        "]],
    );
    check(
        "[2024-05-01T23:59:59.000Z] #1 [1/2] RUN one\n[2024-05-02T00:00:01.500Z] #1 DONE 2.5s\n",
        &expect![[r"
            plain by lines, Some(Built) after 2.5 s
              0.00   2.50 #1 [1/2] RUN one
        "]],
    );
    check(
        "23:59:59 #1 [1/2] RUN one\n00:00:01 #1 DONE 2.0s\n",
        &expect![[r"
        plain by lines, Some(Built) after 2.0 s
          0.00   2.00 #1 [1/2] RUN one
    "]],
    );
    check(
        "2024-05-01T10:00:00.000000Z 00O \x1b[0Ksection_start:1:step\n\
         2024-05-01T10:00:01.000000Z 01E #1 [1/1] RUN one\n\
         2024-05-01T10:00:02.000000Z 01E #1 0.5 \x1b[32mgreen\x1b[0m\n\
         2024-05-01T10:00:03.000000Z 01E #1 DONE 2.0s\n",
        &expect![[r"
            plain by lines, Some(Built) after 2.5 s
              0.50   2.50 #1 [1/1] RUN one
            #1|[32mgreen[0m
        "]],
    );
}

#[test]
fn old_plain_logs_tell_digests() {
    let digest = "sha256:8c074969e11f5fea939907dd6347160e060000a474205306dd933d80af7cc02c";
    check(
        &format!(
            "#4 [1/2] FROM docker.io/library/python:3.11\n#4 {digest}\n#4 CACHED\n\n\
             #5 [2/2] RUN echo two; exit 3\n#5 {digest}\n#5 0.288 two\n\
             #5 ERROR: executor failed running [/bin/sh -c echo two; exit 3]: exit code: 3\n\
             ------\n > [2/2] RUN echo two; exit 3:\n#5 0.288 two\n------\n\
             executor failed running [/bin/sh -c echo two; exit 3]: exit code: 3\n"
        ),
        &expect![[r"
            plain by durations, Some(Failed) after 0.3 s
              0.00   0.00 #4 [1/2] FROM docker.io/library/python:3.11 cached
              0.00   0.29 #5 [2/2] RUN echo two; exit 3 <#4> !executor failed running [/bin/sh -c echo two; exit 3]: exit code: 3
            error: executor failed running [/bin/sh -c echo two; exit 3]: exit code: 3 (Some(3))
            #5|two
        "]],
    );
    check(
        "#2 [internal] load .dockerignore\n#2       digest: sha256:3cc2\n\
         #2         name: \"[internal] load .dockerignore\"\n\
         #2      started: 2018-11-06 15:14:44.1 +0000 UTC\n\
         #2    completed: 2018-11-06 15:14:44.2 +0000 UTC\n#2     duration: 47.178ms\n",
        &expect![[r"
            plain by durations, Some(Built) after 0.0 s
              0.00   0.05 #2 [internal] load .dockerignore
        "]],
    );
}

#[test]
fn a_failed_build_tells_its_step() {
    check(
        "#1 [1/2] RUN sleep 9\n#1 ...\n\n#2 [x 1/2] RUN echo two; exit 3\n#2 0.152 two\n\
         #2 ERROR: process \"/bin/sh -c echo two; exit 3\" did not complete successfully: exit code: 3\n\
         \n#1 [1/2] RUN sleep 9\n#1 CANCELED\n\
         ------\n > [x 1/2] RUN echo two; exit 3:\n0.152 two\n------\nDockerfile:4\n\
         --------------------\n   4 | >>> RUN echo two; exit 3\n--------------------\n\
         ERROR: failed to build: failed to solve: process \"/bin/sh -c echo two; exit 3\" did not complete successfully: exit code: 3\n",
        &expect![[r#"
            plain by durations, Some(Failed) after 0.2 s
              0.00   0.15 #1 [1/2] RUN sleep 9 !context canceled
              0.00   0.15 #2 [x 1/2] RUN echo two; exit 3 !process "/bin/sh -c echo two; exit 3" did not complete successfully: exit code: 3
            error: process "/bin/sh -c echo two; exit 3" did not complete successfully: exit code: 3 (Some(3))
            #2|two
        "#]],
    );
    check(
        "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\
         ERROR: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory\n",
        &expect![[r"
            plain by durations, Some(Failed) after 0.0 s
              0.00   0.00 #1 [internal] load build definition from Dockerfile
            error: failed to read dockerfile: open Dockerfile: no such file or directory (None)
        "]],
    );
}

#[test]
fn wrapped_lines_are_joined() {
    check(
        "#5 [2/3] RUN apt-get update && apt-get install --yes --no-install-recommends bu\r\n\
         ild-essential\r\n\
         #5 0.321 Get:1 http://deb.debian.example/debian bookworm InRelease [151 kB] and so o\r\n\
         n\r\n\
         #5 DONE 4.0s\r\n\r\nThis is what I get.\r\n",
        &expect![[r"
            plain by durations, Some(Built) after 4.0 s
              0.00   4.00 #5 [2/3] RUN apt-get update && apt-get install --yes --no-install-recommends build-essential
            #5|Get:1 http://deb.debian.example/debian bookworm InRelease [151 kB] and so o
            #5|n
        "]],
    );
}

#[test]
fn two_builds_in_one_log_follow_each_other() {
    check(
        "#1 [internal] load build definition from Dockerfile\n#1 DONE 1.0s\n\
         #2 [1/1] RUN a\n#2 DONE 2.0s\n#3 exporting to image\n#3 DONE 1.0s\n\
         + docker build other\n\
         #1 [internal] load build definition from Dockerfile\n#1 DONE 1.0s\n\
         #2 [1/1] RUN b\n#2 DONE 4.0s\n",
        &expect![[r"
            plain by durations, Some(Built) after 9.0 s
              0.00   1.00 #1 [internal] load build definition from Dockerfile
              1.00   3.00 #2 [1/1] RUN a
              3.00   4.00 #3 exporting to image
              4.00   5.00 2#1 [internal] load build definition from Dockerfile
              5.00   9.00 2#2 [1/1] RUN b
        "]],
    );
}

#[test]
fn a_cut_log_has_no_outcome() {
    check(
        "#7 1.5 no beginning\n#7 DONE 2.0s\n#8 [2/2] RUN x\n#8 0.5 and no e",
        &expect![[r"
            plain by durations, None after 2.5 s
              0.00   2.00 #7 #7
              2.00    NaN #8 [2/2] RUN x
            #7|no beginning
            #8|and no e
        "]],
    );
    check(
        "hello\nworld #1\n",
        &expect![[r"
        nothing by nothing, None after 0.0 s
    "]],
    );
}

#[test]
fn terminal_frames_are_read() {
    check(
        "\x1b[1A\x1b[0G\x1b[?25l[+] Building 0.5s (1/3)\r\n\x1b[34m => [internal] load build definition from Dockerfile  0.1s\r\n\
         \x1b[0m => [1/2] RUN make  0.3s\r\n => => # compiling\r\n\
         \x1b[1A[+] Building 5.3s (3/3) FINISHED            docker:default\r\n\
         \x1b[34m => [internal] load build definition from Dockerfile  0.1s\r\n\
         \x1b[34m => => transferring dockerfile: 461B              0.0s\r\n\
         \x1b[0m\x1b[34m => [1/2] RUN make                   4.0s\r\n\
         \x1b[0m\x1b[34m => CACHED [2/2] COPY a b            0.0s\r\n\
         \x1b[0m\x1b[34m => exporting to image               1.1s\r\n",
        &expect![[r"
            tty by durations, Some(Built) after 5.3 s
              0.00   0.10 1 [internal] load build definition from Dockerfile
                          transferring dockerfile 461 Some(0.0)
              0.10   4.10 2 [1/2] RUN make
              4.10   4.10 3 [2/2] COPY a b <2> cached
              4.10   5.20 4 exporting to image
        "]],
    );
    check(
        "[+] Building 2.0s (2/3)\n => [1/2] RUN a   0.5s\n => ERROR [2/2] RUN false   1.2s\n------\n > [2/2] RUN false:\n------\n\
         failed to solve: executor failed running [/bin/sh -c false]: exit code: 1\n",
        &expect![[r"
            tty by durations, Some(Failed) after 2.0 s
              0.00   0.50 1 [1/2] RUN a
              0.50   1.70 2 [2/2] RUN false <1> !executor failed running [/bin/sh -c false]: exit code: 1
            error: executor failed running [/bin/sh -c false]: exit code: 1 (Some(1))
        "]],
    );
}

#[test]
fn classic_logs_are_read() {
    check(
        "Sending build context to Docker daemon  1.024kB\rSending build context to Docker daemon    300MB\r\r\n\
         Step 1/3 : FROM python:3.11\n ---> f48578bc74f9\n\
         Step 2/3 : RUN echo one\n ---> Using cache\n ---> 57676507153f\n\
         Step 3/3 : RUN echo two; exit 3\n ---> Running in 6f2ca78802c4\ntwo\n\
         The command '/bin/sh -c echo two; exit 3' returned a non-zero code: 3\n",
        &expect![[r"
            classic by nothing, Some(Failed) after 0.0 s
              0.00   0.00 1 [internal] load build context
                          transferring context 300000000 Some(0.0)
              0.00   0.00 2 [1/3] FROM python:3.11 <1>
              0.00   0.00 3 [2/3] RUN echo one <2> cached
              0.00   0.00 4 [3/3] RUN echo two; exit 3 <3> !The command '/bin/sh -c echo two; exit 3' returned a non-zero code: 3
            error: The command '/bin/sh -c echo two; exit 3' returned a non-zero code: 3 (Some(3))
            4|two
        "]],
    );
    check(
        "10:00:00 Step 1/2 : FROM scratch\n10:00:00  ---> \n10:00:01 Step 2/2 : COPY a b\n\
         10:00:05  ---> 12\n10:00:06 Successfully built 12\n10:00:06 Successfully tagged x:1\n",
        &expect![[r"
            classic by lines, Some(Built) after 6.0 s
              0.00   1.00 1 [1/2] FROM scratch
              1.00   6.00 2 [2/2] COPY a b <1>
        "]],
    );
    check(
        "STEP 1/2: FROM alpine\nSTEP 2/2: RUN make\nmake: nothing to do\nCOMMIT x\n--> 4a5b\n",
        &expect![[r"
            classic by nothing, Some(Built) after 0.0 s
              0.00   0.00 1 [1/2] FROM alpine
              0.00   0.00 2 [2/2] RUN make <1>
            2|make: nothing to do
        "]],
    );
    check(
        "Step 1/1 : FROM nowhere\npull access denied for nowhere, repository does not exist\n",
        &expect![[r"
            classic by nothing, Some(Failed) after 0.0 s
              0.00   0.00 1 [1/1] FROM nowhere !pull access denied for nowhere, repository does not exist
            error: pull access denied for nowhere, repository does not exist (None)
            1|pull access denied for nowhere, repository does not exist
        "]],
    );
}

#[test]
fn raw_json_is_read_as_the_engine_is() {
    check(
        "{\"vertexes\":[{\"digest\":\"sha256:b\",\"inputs\":[\"sha256:a\"],\"name\":\"[2/2] RUN x\"}]}\n\
         {\"vertexes\":[{\"digest\":\"sha256:a\",\"name\":\"[1/2] FROM y\",\"started\":\"2026-11-23T19:08:55.5Z\",\"completed\":\"2026-11-23T19:08:56.5Z\"}]}\n\
         {\"vertexes\":[{\"digest\":\"sha256:b\",\"inputs\":[\"sha256:a\"],\"name\":\"[2/2] RUN x\",\"started\":\"2026-11-23T19:08:56.6Z\"}]}\n\
         {\"statuses\":[{\"id\":\"transferring:\",\"vertex\":\"sha256:a\",\"current\":5,\"timestamp\":\"2026-11-23T19:08:56.0Z\",\"started\":\"2026-11-23T19:08:55.6Z\"}]}\n\
         {\"logs\":[{\"vertex\":\"sha256:b\",\"stream\":2,\"data\":\"aGVsbG8K\",\"timestamp\":\"2026-11-23T19:08:57.123456789Z\"}]}\n\
         {\"warnings\":[{\"vertex\":\"sha256:a\",\"level\":1,\"short\":\"b2xkIEVOVg==\",\"range\":[{\"start\":{\"line\":3},\"end\":{\"line\":3}}]}]}\n\
         {\"vertexes\":[{\"digest\":\"sha256:b\",\"inputs\":[\"sha256:a\"],\"name\":\"[2/2] RUN x\",\"started\":\"2026-11-23T19:08:56.6Z\",\"completed\":\"2026-11-23T19:08:58.6Z\",\"error\":\"exit code: 4\"}]}\n\
         ERROR: failed to build: failed to solve: exit code: 4\n{\"vertexes\":[{\"dig",
        &expect![[r"
            rawjson by engine, Some(Failed) after 3.1 s
              1.10   3.10 sha256:b [2/2] RUN x <sha256:a> !exit code: 4
              0.00   1.00 sha256:a [1/2] FROM y
                          transferring 5 None
            warning: old ENV (line 3)
            error: exit code: 4 (Some(4))
            sha256:b|hello
        "]],
    );
}
