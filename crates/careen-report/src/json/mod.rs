//! One JSON document per command, for programs.
//!
//! Every document has `schema_version` and `kind`. Within one version, members are only added.
//! Times are seconds, sizes bytes. What is not known is `null`; where there is a reason, the
//! member `<name>_unknown` beside it tells it.

mod builds;
mod context;
mod facts;
mod findings;
mod proof;
mod ran_again;
mod value;

use std::io;
use std::time::Duration;

pub use context::{context_answer, context_busters, context_path, context_patterns, context_tried};
pub(crate) use findings::{Evidence, Price};
pub(crate) use value::seconds;

use careen_model::{
    BuildEvent, BuildRecord, Comparison, ContextFacts, Diagnosis, Plan,
    legacy::{self, Value},
};
use serde::Serialize;

use crate::{
    HistoryShown, ImageTests, ProofShown, PruneShown, Subject, TextOf,
    clean::misleads,
    terminal::{Applied, Listed},
};

/// Changes when a member changes its meaning or goes away.
pub const SCHEMA_VERSION: &str = "1";

/// What the doctor's document holds.
#[derive(Clone, Copy)]
pub struct Doctor<'a> {
    pub subject: Subject<'a>,
    pub diagnosis: &'a Diagnosis,
    /// Wall time of all checks.
    pub took: Duration,
    /// Groups of facts under the names of the older tool, written beside the other members.
    pub legacy: &'a [legacy::Group],
    pub text_of: &'a TextOf<'a>,
}

impl std::fmt::Debug for Doctor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doctor").field("took", &self.took).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema_version: &'static str,
    kind: &'static str,
    careen: &'a str,
    #[serde(flatten)]
    body: T,
}

/// `kind: "doctor"`: findings, checks, facts, and the older tool's groups.
pub fn doctor(out: &mut dyn io::Write, shown: &Doctor<'_>) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        took_seconds: f64,
        findings: Vec<findings::Finding<'a>>,
        checks: Vec<findings::Check<'a>>,
        facts: value::Shown<'a>,
        #[serde(flatten)]
        legacy: value::Shown<'a>,
    }
    let diagnosis = shown.diagnosis;
    let all = facts::all(&shown.subject);
    let legacy = Value::Map(shown.legacy.to_vec());
    let findings = diagnosis.findings.iter();
    write(
        out,
        "doctor",
        Body {
            took_seconds: value::seconds(shown.took),
            findings: findings
                .map(|f| findings::Finding::of(f, diagnosis, shown.text_of))
                .collect(),
            checks: diagnosis.checks.iter().map(findings::Check::from).collect(),
            facts: value::Shown(&all),
            legacy: value::Shown(&legacy),
        },
    )
}

/// `kind: "checks"`: the catalogue.
pub fn checks(out: &mut dyn io::Write, listed: &[Listed<'_>]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        checks: Vec<findings::Listed<'a>>,
    }
    write(out, "checks", Body { checks: listed.iter().map(findings::Listed::from).collect() })
}

/// `kind: "plan"`: what would be done, with the diff of each file.
pub fn plan(out: &mut dyn io::Write, plan: &Plan) -> io::Result<()> {
    write(out, "plan", findings::Plan::from(plan))
}

/// `kind: "applied"`: what was done, and the numbers that were measured again.
pub fn applied(out: &mut dyn io::Write, applied: &Applied<'_>) -> io::Result<()> {
    write(out, "applied", findings::Applied::from(applied))
}

/// `kind: "context"`: one walk of the context.
pub fn context(out: &mut dyn io::Write, context: &ContextFacts) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        context: value::Shown<'a>,
    }
    write(out, "context", Body { context: value::Shown(&facts::context(context)) })
}

/// `kind: "build"`: one record, and the comparison with the build before it.
pub fn build(
    out: &mut dyn io::Write,
    record: &BuildRecord,
    last: Option<&BuildRecord>,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        build: builds::Build<'a>,
        comparison: Option<builds::Table<'a>>,
    }
    let compared = last.map(|last| Comparison::of(last, record));
    let comparison = compared.as_ref().map(builds::Table::from);
    write(out, "build", Body { build: builds::Build::from(record), comparison })
}

/// `kind: "build"` with the last proof of the project, as `careen report` tells it.
pub fn report(
    out: &mut dyn io::Write,
    record: &BuildRecord,
    before: Option<&BuildRecord>,
    proof: Option<&ProofShown<'_>>,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        build: builds::Build<'a>,
        comparison: Option<builds::Table<'a>>,
        /// The members of a document of `careen prove`, and when it was made.
        proof: Option<proof::Kept<'a>>,
    }
    let compared = before.map(|before| Comparison::of(before, record));
    let comparison = compared.as_ref().map(builds::Table::from);
    let proof = proof.map(proof::Kept::from);
    write(out, "build", Body { build: builds::Build::from(record), comparison, proof })
}

/// One event of a build on a line of its own, without an envelope: a stream of JSON lines.
///
/// Output of steps must come redacted; bytes that are not UTF-8 become U+FFFD.
pub fn event(out: &mut dyn io::Write, event: &BuildEvent) -> io::Result<()> {
    write_line(out, &builds::Event::from(event))
}

/// `kind: "comparison"`: tables of phases with their titles.
pub fn comparison(out: &mut dyn io::Write, tables: &[(String, Comparison)]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        comparisons: Vec<builds::Table<'a>>,
    }
    write(
        out,
        "comparison",
        Body { comparisons: tables.iter().map(builds::Table::titled).collect() },
    )
}

/// `kind: "history"`: records as they are given, and what the list says of them.
pub fn history(
    out: &mut dyn io::Write,
    builds: &[BuildRecord],
    shown: &HistoryShown<'_>,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        builds: Vec<builds::Build<'a>>,
        slow: Vec<builds::Slow<'a>>,
        trend: Option<builds::Trend>,
    }
    let body = Body {
        builds: builds.iter().map(builds::Build::from).collect(),
        slow: shown.slow.iter().map(builds::Slow::from).collect(),
        trend: shown.trend.map(builds::Trend::from),
    };
    write(out, "history", body)
}

/// `kind: "history-prune"`: the builds that go, or are gone.
pub fn pruned(out: &mut dyn io::Write, shown: &PruneShown<'_>) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        removed: bool,
        builds: Vec<&'a str>,
        log_bytes: u64,
    }
    let builds = shown.builds.iter().map(|build| build.label.as_str()).collect();
    let body = Body { removed: shown.done, builds, log_bytes: shown.log_bytes };
    write(out, "history-prune", body)
}

/// `kind: "proof"`: two states, built in turns.
pub fn proof(out: &mut dyn io::Write, proof: &careen_model::Proof) -> io::Result<()> {
    write(out, "proof", proof::Body::from(proof))
}

/// `kind: "image-tests"`: every case with its verdict.
pub fn image_tests(out: &mut dyn io::Write, tests: &ImageTests<'_>) -> io::Result<()> {
    write(out, "image-tests", builds::Tests::from(tests))
}

/// Any other document in the same envelope, for what has no model of its own.
pub fn other(out: &mut dyn io::Write, kind: &'static str, body: &Value) -> io::Result<()> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        body: value::Shown<'a>,
    }
    write(out, kind, Body { body: value::Shown(body) })
}

pub(crate) fn write(
    out: &mut dyn io::Write,
    kind: &'static str,
    body: impl Serialize,
) -> io::Result<()> {
    let careen = env!("CARGO_PKG_VERSION");
    let document = Document { schema_version: SCHEMA_VERSION, kind, careen, body };
    let text = serde_json::to_string_pretty(&document).map_err(io::Error::other)?;
    writeln!(out, "{}", escape(&text))
}

/// A document of another schema, without our envelope.
pub(crate) fn write_bare(out: &mut dyn io::Write, document: &Value) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&value::Shown(document)).map_err(io::Error::other)?;
    writeln!(out, "{}", escape(&text))
}

pub(crate) fn write_line(out: &mut dyn io::Write, object: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(object).map_err(io::Error::other)?;
    writeln!(out, "{}", escape(&line))
}

/// Escapes what JSON allows and a terminal obeys: the second set of controls, direction marks.
/// They can only be within strings, where an escape means the same.
fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n') || misleads(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("a string takes all text");
            }
        } else {
            out.push(c);
        }
    }
    out
}
