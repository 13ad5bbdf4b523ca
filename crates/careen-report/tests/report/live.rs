//! The build while it runs: frames of every size, and plain lines.

use std::time::Duration;

use careen_model::{BuildEvent, BuildRecord, Stream, What};
use careen_report::terminal::{self, Output, Plain, Style, Window};
use expect_test::expect;

use crate::{framed, sample, text};

const PLAIN: Style = Style::PLAIN;

/// The record of `full` as it was at `now`.
fn at(full: &BuildRecord, now: u64) -> BuildRecord {
    let now = Duration::from_secs(now);
    let mut record = full.clone();
    record.outcome = None;
    for step in &mut record.steps {
        step.started = step.started.filter(|t| *t <= now);
        step.ended = step.ended.filter(|t| *t <= now);
        step.tasks.retain(|task| task.started <= now);
    }
    record
}

#[test]
fn a_frame_shows_what_runs_and_what_is_left() {
    let (before, after) = (sample::before(), sample::after());
    let window = Window { elapsed: Duration::from_mins(1), height: 24, width: PLAIN.width };
    let now = terminal::frame(&at(&after, 60), Some(&before), window, PLAIN).join("\n");
    expect![[r#"
        ──
         ██████████████░░░░░░░░░░░░░░░░░░░░  5/12   60.0 s, about 21 m 04 s left
        ▸  6 [base 4/9] RUN uv sync --group torch                      2.1 GB     59.8 s"#]]
    .assert_eq(&framed(&now));
    let sick = terminal::frame(&at(&before, 60), Some(&before), window, PLAIN).join("\n");
    expect![[r#"
        ──
         ██░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  1/12   60.0 s, about 30 m 12 s left
        ▸  2 [internal] load build context                                        59.6 s
           3 [base 1/9] FROM docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04       59.6 s"#]]
    .assert_eq(&framed(&sick));
}

#[test]
fn a_frame_fits_any_window() {
    let mut record = at(&sample::before(), 60);
    for i in 0..40 {
        let mut step = record.steps[1].clone();
        step.id = format!("x{i}");
        step.name = format!("[{i}] RUN {}", "very long 漢字 ".repeat(9));
        record.steps.push(step);
    }
    for (width, height) in [(1, 1), (10, 2), (40, 3), (80, 24), (200, 60)] {
        for unicode in [true, false] {
            let style = Style { color: false, unicode, width };
            let window = Window { elapsed: Duration::from_mins(1), height, width: style.width };
            let frame = terminal::frame(&record, None, window, style);
            assert!(frame.len() <= height, "{width}x{height}: {frame:?}");
            for line in frame {
                let columns = unicode_width::UnicodeWidthStr::width(line.as_str());
                assert!(columns <= width, "{width}x{height}: {line:?}");
            }
        }
    }
}

#[test]
fn without_a_terminal_there_is_a_line_per_step() {
    let step = |id: &str| id.to_owned();
    let log =
        |bytes: &[u8]| What::Log { step: step("a"), stream: Stream::Err, bytes: bytes.to_vec() };
    let planned = |id: &str, name: &str| What::StepPlanned {
        step: step(id),
        name: name.into(),
        inputs: vec![],
    };
    let script = [
        (0, planned("a", "[2/3] RUN uv sync")),
        (0, planned("b", "[1/3] FROM scratch")),
        (0, What::StepCached { step: step("b") }),
        (0, What::StepEnded { step: step("b"), error: None }),
        (1, What::StepStarted { step: step("a") }),
        (1, What::StepStarted { step: step("a") }),
        (2, log(b"resolving\n\x1b[31mno sol")),
        (3, log(b"ution\x1b[0m\n")),
        (4, What::Warned { message: "old \x1b[2Jsyntax".into() }),
        (9, What::StepEnded { step: step("a"), error: Some("exit code: 1".into()) }),
        // A local source ends at once and begins again.
        (9, planned("c", "[internal] load build context")),
        (9, What::StepStarted { step: step("c") }),
        (9, What::StepEnded { step: step("c"), error: None }),
        (9, What::StepStarted { step: step("c") }),
        (11, What::StepEnded { step: step("c"), error: None }),
    ];
    let (mut record, mut plain) = (BuildRecord::default(), Plain::default());
    let shown = text(|out| {
        for (second, what) in script {
            let event = BuildEvent { at: Duration::from_secs(second), what };
            record.apply(&event);
            plain.event(out, PLAIN, (&record, &event))?;
        }
        Ok(())
    });
    expect![[r#"
        #1 [1/3] FROM scratch  cached
        #2 [2/3] RUN uv sync  …
        warning: old syntax
        #2 [2/3] RUN uv sync  failed after 8.0 s
           | resolving
           | no solution
           exit code: 1
        #3 [internal] load build context  …
        #3 [internal] load build context  2.0 s
    "#]]
    .assert_eq(&shown);
}

#[test]
fn every_line_of_output_is_shown_when_asked_for_with_its_step_and_seconds() {
    let log = |text: &str| What::Log {
        step: "a".into(),
        stream: Stream::Out,
        bytes: text.as_bytes().to_vec(),
    };
    let script = [
        (
            1,
            What::StepPlanned {
                step: "a".into(),
                name: "[1/1] RUN uv sync".into(),
                inputs: vec![],
            },
        ),
        (2, What::StepStarted { step: "a".into() }),
        (2, log("resolving\n\n10%\r20%\r\n")),
        (5, log("\u{1b}[31mno solution\u{1b}[0m\n")),
        (6, What::StepEnded { step: "a".into(), error: Some("exit code: 1".into()) }),
    ];
    let (mut record, mut plain) = (BuildRecord::default(), Plain::new(Output::All));
    let shown = text(|out| {
        for (second, what) in script {
            let event = BuildEvent { at: Duration::from_secs(second), what };
            record.apply(&event);
            plain.event(out, PLAIN, (&record, &event))?;
        }
        Ok(())
    });
    expect![[r#"
        #1 [1/1] RUN uv sync  …
        #1 0.0 resolving
        #1 0.0 20%
        #1 3.0 no solution
        #1 [1/1] RUN uv sync  failed after 4.0 s
           exit code: 1
    "#]]
    .assert_eq(&shown);
}
