//! A page with all that it can show, and one with far more of it than people meet.

use std::path::PathBuf;
use std::time::Duration;

use careen_model::{
    BuildRecord, Case, Comparison, Content, ContextFacts, Diagnosis, Difference, Fact, How, Listed,
    Measured, Proof, Scenario, State, Verdict,
    context::{Amount, Sized},
};
use careen_report::{
    ImageTests, LayerShown, ProofShown,
    html::{self, HtmlInput},
};

use crate::sample;

pub(crate) struct Given {
    /// Nothing to compare with: what is before is not shown.
    pub(crate) alone: bool,
    pub(crate) before: BuildRecord,
    pub(crate) after: BuildRecord,
    pub(crate) context: [ContextFacts; 2],
    pub(crate) diagnosis: [Diagnosis; 2],
    pub(crate) runs: Vec<(Case, Verdict)>,
    pub(crate) comparisons: Vec<(String, Comparison)>,
    pub(crate) proof: Proof,
    pub(crate) layers: Vec<LayerShown>,
    pub(crate) history: Vec<Listed>,
}

/// All that a page can show; `files` are those that the context tells of.
pub(crate) fn given(files: usize) -> Given {
    let mut healed = sample::diagnosis();
    healed
        .findings
        .retain(|finding| !["unused-context", "shared-cache-id"].contains(&finding.rule));
    let (before, after) = (sample::before(), sample::after());
    Given {
        alone: false,
        comparisons: vec![("First build".into(), Comparison::of(&before, &after))],
        before,
        after,
        context: [sample::context(false, files), sample::context(true, files)],
        diagnosis: [sample::diagnosis(), healed],
        runs: sample::cases(),
        proof: proof(),
        layers: layers(),
        history: history(),
    }
}

pub(crate) fn page(given: &Given) -> String {
    let tests = ImageTests {
        image: "hoops:dev",
        digest: None,
        conditions: "network none, read-only",
        runs: &given.runs,
        took: Duration::from_millis(6800),
    };
    let is_two = !given.alone;
    let input = HtmlInput {
        version: "0.1.0",
        project: "hoops",
        engine: "Docker Desktop 29.6.1",
        before: is_two.then_some(&given.before),
        after: &given.after,
        comparisons: &given.comparisons,
        context_before: is_two.then_some(&given.context[0]),
        context_after: Some(&given.context[1]),
        diagnosis_before: is_two.then_some(&given.diagnosis[0]),
        diagnosis_after: Some(&given.diagnosis[1]),
        tests: Some(&tests),
        proof: Some(&ProofShown { proof: &given.proof, at: 1_795_470_000 }),
        layers: &given.layers,
        history: &given.history,
    };
    let mut page = Vec::new();
    html::html(&mut page, &input).unwrap();
    String::from_utf8(page).unwrap()
}

/// Two scenarios that were measured and one that was not; the images have the same files.
pub(crate) fn proof() -> Proof {
    let (before, after) = (sample::before(), sample::after());
    let compared = Comparison::of(&before, &after);
    let around = |whole: Duration, share: f64| whole.mul_f64(share);
    let pairs = |before: Duration, after: Duration| {
        let shares = [(0.94, 1.0), (1.0, 1.06), (1.09, 0.97)];
        shares.map(|(was, now)| (around(before, was), around(after, now))).to_vec()
    };
    let parts =
        compared.rows.iter().filter_map(|row| Some((row.part?, pairs(row.before, row.after))));
    let measured = |scenario, note: &str, before: f64, after: f64| Measured {
        scenario,
        note: note.into(),
        pairs: pairs(sample::seconds(before), sample::seconds(after)),
        between: vec![],
        parts: vec![],
        comparison: None,
    };
    // The context was what took the time; the lists of packages are within the noise.
    let rounds = |seconds: f64| pairs(sample::seconds(seconds), Duration::ZERO);
    let state = |seconds: f64| rounds(seconds).into_iter().map(|(was, _)| was).collect();
    Proof {
        before: "before fix 0003".into(),
        after: "now".into(),
        engine: Some("Docker Desktop 29.6.1".into()),
        fixes: vec![
            "ignore-missing".into(),
            "apt-lists, no-install-recommends".into(),
            "shared-cache-id".into(),
        ],
        scenarios: vec![
            Measured {
                between: vec![state(1402.1), state(1409.0)],
                parts: parts.collect(),
                comparison: Some(compared.clone()),
                ..measured(Scenario::Cold, "", 1872.8, 257.4)
            },
            measured(Scenario::SourceChanged, "src/hoops/cli.py: a comment", 1412.0, 9.8),
            measured(Scenario::NothingChanged, "", 8.1, 8.0),
            Measured {
                scenario: Scenario::LockChanged,
                note: "the project has no lock file".into(),
                pairs: vec![],
                between: vec![],
                parts: vec![],
                comparison: None,
            },
        ],
        content: Content {
            entries: (48_211, 48_213),
            volatile: vec![("logs hold times", 2)],
            ..Content::default()
        },
        held_equal: vec!["the engine and the base images in its store".into()],
        cleaned: careen_model::Cleaned::default(),
    }
}

/// Content that is not the same: a package is gone.
pub(crate) fn broken(proof: Proof) -> Proof {
    let gone = |path: &str| Difference {
        package: "libgomp1 12.2.0-14 (Debian)".into(),
        path: path.into(),
        how: How::OnlyBefore,
    };
    let differences =
        vec![gone("usr/lib/x86_64-linux-gnu/libgomp.so.1"), gone("usr/share/doc/libgomp1")];
    let settings = vec![("User".to_owned(), "root".to_owned(), "hoops".to_owned())];
    let packages = vec![("libgomp1 12.2.0-14 (Debian)".to_owned(), 40)];
    Proof {
        content: Content { differences, packages, different: 40, settings, ..proof.content },
        ..proof
    }
}

fn layers() -> Vec<LayerShown> {
    let rows = [
        ("/bin/sh -c #(nop) ADD file:3a1b in / ", 74_800_000),
        ("/bin/sh -c #(nop)  CMD [\"bash\"]", 0),
        (
            "RUN /bin/sh -c apt-get update && apt-get install -y build-essential git ffmpeg libgl1 # buildkit",
            612_000_000,
        ),
        ("RUN /bin/sh -c uv sync --group core # buildkit", 181_000_000),
        ("RUN /bin/sh -c uv sync --group torch # buildkit", 3_900_000_000),
        ("RUN /bin/sh -c uv sync --group jax # buildkit", 1_240_000_000),
        ("RUN /bin/sh -c uv sync --group vision # buildkit", 390_000_000),
        ("COPY . . # buildkit", 24_600_000),
    ];
    rows.map(|(made_by, bytes)| LayerShown { made_by: made_by.into(), bytes }).to_vec()
}

/// Builds of some days: the usual time, a failure, one from a log, a slow one.
fn history() -> Vec<Listed> {
    let times = [96.0, 88.0, 91.0, 40.2, 93.0, 90.0, 87.5, 210.0, 94.0, 89.0, 12.0, 92.0];
    let row = |(i, &time): (usize, &f64)| Listed {
        label: format!("{:04}", i + 1),
        started_at: 1_795_400_000 + i64::try_from(i).unwrap() * 5000,
        state: match i {
            3 => State::Failed,
            10 => State::Interrupted,
            _ => State::Built,
        },
        total: sample::seconds(time),
        steps_run: 9,
        steps_cached: 3,
        context_bytes: None,
        image: None,
        imported: (i == 1).then_some(careen_model::LogFormat::Plain),
    };
    times.iter().enumerate().map(row).collect()
}

/// A first build alone, in a context with much that nothing takes.
pub(crate) fn first(files: usize) -> Given {
    let mut given = given(files);
    given.alone = true;
    given.comparisons.clear();
    let mut context = sample::context(false, files);
    let unused = |path: &PathBuf| path.starts_with("data") || path.starts_with(".git");
    let files = context.top_files.iter().map(|file| file.path.clone());
    context.unused_files = files.filter(unused).collect();
    let folders = context.top_folders.iter().filter(|folder| unused(&folder.path));
    context.unused = folders
        .map(|folder| Sized { path: folder.path.iter().next().unwrap().into(), ..folder.clone() })
        .collect();
    let bytes: u64 = context.unused.iter().map(|folder| folder.amount.bytes).sum();
    context.sent.bytes = context.kept.bytes - bytes;
    let all = context.kept.bytes + 700_000_000;
    context.everything = Fact::Known(Amount { bytes: all, ..context.kept });
    given.context[1] = context;
    given
}

/// 150 steps with long commands, 5 000 files, 60 findings, 100 tests.
pub(crate) fn large() -> Given {
    let mut given = given(5000);
    for record in [&mut given.before, &mut given.after] {
        let pattern = record.steps.clone();
        while record.steps.len() < 150 {
            let n = record.steps.len();
            let mut step = pattern[n % pattern.len()].clone();
            step.id = format!("s{n}");
            step.inputs = vec![format!("s{}", n - 1)];
            step.name = format!(
                "[stage-{} {n}/150] RUN {}",
                n % 7,
                "apt-get install -y package && ".repeat(9)
            );
            record.steps.push(step);
        }
    }
    while given.diagnosis[0].findings.len() < 60 {
        given.diagnosis[0].findings.extend(sample::diagnosis().findings);
    }
    while given.runs.len() < 100 {
        given.runs.extend(sample::cases());
    }
    for layer in 0..127 {
        let made_by =
            format!("RUN /bin/sh -c {layer} {}", "apt-get install -y package && ".repeat(9));
        given.layers.push(LayerShown { made_by, bytes: 1_000_000 * (layer + 1) });
    }
    while given.history.len() < 200 {
        given.history.extend(history());
    }
    let pairs = given.proof.scenarios[0].pairs.repeat(6);
    given.proof.scenarios[0].pairs = pairs;
    given
}
