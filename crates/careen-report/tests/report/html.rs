//! The page: complete, small, closed to the world, and proof against what it shows.

use std::time::Duration;

use careen_model::{BuildRecord, Comparison, Diagnosis};
use careen_report::{
    ImageTests,
    html::{self, HtmlInput},
};

use crate::{sample, text};

struct Given {
    before: BuildRecord,
    after: BuildRecord,
    context: [careen_model::ContextFacts; 2],
    diagnosis: [Diagnosis; 2],
    runs: Vec<(careen_model::Case, careen_model::Verdict)>,
    comparisons: Vec<(String, Comparison)>,
}

fn given(files: usize) -> Given {
    let mut healed = sample::diagnosis();
    healed
        .findings
        .retain(|finding| !["unused-context", "shared-cache-id"].contains(&finding.rule));
    let (before, after) = (sample::before(), sample::after());
    Given {
        comparisons: vec![("First build".into(), Comparison::of(&before, &after))],
        before,
        after,
        context: [sample::context(false, files), sample::context(true, files)],
        diagnosis: [sample::diagnosis(), healed],
        runs: sample::cases(),
    }
}

fn page(given: &Given) -> String {
    let tests = ImageTests {
        image: "hoops:dev",
        digest: None,
        conditions: "network none, read-only",
        runs: &given.runs,
        took: Duration::from_millis(6800),
    };
    let input = HtmlInput {
        version: "0.1.0",
        project: "hoops",
        engine: "Docker Desktop 29.6.1",
        before: Some(&given.before),
        after: &given.after,
        comparisons: &given.comparisons,
        context_before: Some(&given.context[0]),
        context_after: Some(&given.context[1]),
        diagnosis_before: Some(&given.diagnosis[0]),
        diagnosis_after: Some(&given.diagnosis[1]),
        tests: Some(&tests),
    };
    text(|out| html::html(out, &input))
}

/// Leaves the page where a person or a browser can look at it.
fn keep(name: &str, page: &str) {
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), page).unwrap();
}

#[test]
fn the_page_shows_both_builds_and_every_part() {
    let page = page(&given(900));
    keep("report.html", &page);
    for wanted in [
        "Before and after",
        "What ran when",
        "Slowest steps",
        "What is in the context",
        "Findings and their price",
        "Image tests",
        "784×",
        "31 m 13 s",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
}
