//! One self-contained HTML page of a build: no network, no library, works without JavaScript.
//!
//! Pictures are SVG laid out here; each has its numbers in a table beside or below it.
//! Invariant: text enters the page through [`escape::shown`] only.

mod context;
mod escape;
mod gantt;
mod layers;
mod lists;
mod past;
mod phases;
mod proof;
mod squarify;
mod waterfall;

use std::io;

use careen_model::{BuildRecord, Change, Comparison, ContextFacts, Diagnosis, Listed, units};

use crate::{ImageTests, LayerShown, ProofShown, words};
use escape::{put, shown};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// SHA-256 of [`SCRIPT`] in base 64: the page runs this script and no other.
const SCRIPT_HASH: &str = "H8271Irzb86SkC/z2UefpjDNbOAsJOtxn5oCHB/TUQ0=";

/// What the page shows. Absent parts leave no trace in it.
#[derive(Debug, Clone, Copy)]
pub struct HtmlInput<'a> {
    /// Version of careen.
    pub version: &'a str,
    /// Name of the project, the page's headline.
    pub project: &'a str,
    /// The engine that built, in a few words.
    pub engine: &'a str,
    /// The build to compare with.
    pub before: Option<&'a BuildRecord>,
    /// The build that the page is about.
    pub after: &'a BuildRecord,
    /// Tables of phases with their titles; when empty, `before` and `after` make the only one.
    pub comparisons: &'a [(String, Comparison)],
    /// The context of each build; with both, the treemap tells what is no longer sent.
    pub context_before: Option<&'a ContextFacts>,
    pub context_after: Option<&'a ContextFacts>,
    /// Findings of each state; with both, the page tells which are gone.
    pub diagnosis_before: Option<&'a Diagnosis>,
    pub diagnosis_after: Option<&'a Diagnosis>,
    pub tests: Option<&'a ImageTests<'a>>,
    /// The last proof of the project.
    pub proof: Option<&'a ProofShown<'a>>,
    /// Layers of the image that was built, the oldest first; none when nobody knows them.
    pub layers: &'a [LayerShown],
    /// Builds of the project, the oldest first.
    pub history: &'a [Listed],
}

/// The page stays below this, so that it can be mailed and attached anywhere.
const MOST_BYTES: usize = 200_000;

/// How much of long lists the page shows. What is left out is said.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Rows of a picture of steps.
    rows: usize,
    /// Rectangles of single files in the treemap.
    files: usize,
    /// Findings, tests, rows of a table of files.
    list: usize,
    /// Characters of a step's name or of a path.
    name: usize,
}

/// From generous to frugal; the first that fits is taken.
const LIMITS: [Limits; 4] = [
    Limits { rows: 60, files: 600, list: 60, name: 96 },
    Limits { rows: 50, files: 320, list: 40, name: 84 },
    Limits { rows: 40, files: 160, list: 30, name: 60 },
    Limits { rows: 25, files: 60, list: 15, name: 32 },
];

/// Writes the page: at most 200 kB, also for 150 steps and thousands of files.
pub fn html(out: &mut dyn io::Write, input: &HtmlInput<'_>) -> io::Result<()> {
    let mut page = String::new();
    for limits in LIMITS {
        page = render(input, limits);
        if page.len() <= MOST_BYTES {
            break;
        }
    }
    out.write_all(page.as_bytes())
}

fn render(input: &HtmlInput<'_>, limits: Limits) -> String {
    let mut page = String::with_capacity(64 << 10);
    head(&mut page, input);
    header(&mut page, input);
    phases::section(&mut page, input);
    waterfall::section(&mut page, (input.before, input.after));
    proof::section(&mut page, input.proof, limits);
    gantt::section(&mut page, (input.after, input.before), limits);
    lists::slowest(&mut page, (input.after, input.before), limits);
    context::section(&mut page, (input.context_before, input.context_after), limits);
    layers::section(&mut page, input.layers, limits);
    past::section(&mut page, (input.history, &input.after.label), limits);
    lists::findings(&mut page, (input.diagnosis_before, input.diagnosis_after), limits);
    lists::tests(&mut page, input.tests, limits);
    footer(&mut page, input);
    page
}

fn head(page: &mut String, input: &HtmlInput<'_>) {
    put!(
        page,
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'sha256-{SCRIPT_HASH}'; base-uri 'none'; \
         form-action 'none'\">\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n\
         <meta name=color-scheme content=\"light dark\">\n\
         <meta name=generator content=\"careen {}\">\n\
         <title>{} · build {} · careen</title>\n<style>\n{STYLE}</style>\n<main>\n",
        shown(input.version),
        shown(input.project),
        shown(&input.after.label),
    );
}

fn header(page: &mut String, input: &HtmlInput<'_>) {
    let after = input.after;
    put!(page, "<header>\n<p class=kicker>careen <span>build report</span></p>\n");
    put!(page, "<h1>{}</h1>\n<p class=meta>", shown(input.project));
    if !after.label.is_empty() {
        put!(page, "build {} · ", shown(&after.label));
    }
    put!(page, "{} UTC · {}</p>\n", words::date(after.started_at), shown(input.engine));
    put!(page, "<dl class=figures>\n");
    for (name, value, note) in figures(input) {
        put!(
            page,
            "<div><dt>{name}</dt><dd>{}</dd><dd class=note>{}</dd></div>\n",
            shown(&value),
            shown(&note)
        );
    }
    put!(page, "</dl>\n</header>\n");
}

/// The few numbers that a reader looks for first: name, number, remark.
fn figures(input: &HtmlInput<'_>) -> Vec<(&'static str, String, String)> {
    let after = input.after;
    let mut figures = Vec::new();
    let was = match input.before {
        Some(before) => format!("was {}", units::time(before.total)),
        None => "wall time".to_owned(),
    };
    let state = match after.outcome {
        Some(careen_model::Outcome::Built) => "Build time",
        _ => "Failed after",
    };
    figures.push((state, units::time(after.total), was));
    if let Some(before) = input.before {
        let compared = Comparison::of(before, after);
        if let Some(row) = compared.rows.last() {
            let (value, word) = match row.change() {
                Change::Faster(ratio) => (units::ratio(ratio), "faster than"),
                Change::Slower(ratio) => (units::ratio(ratio), "slower than"),
                _ => (words::change(row), "against"),
            };
            figures.push(("Change", value, format!("{word} build {}", before.label)));
        }
    }
    if let Some(sent) = after.context() {
        let was = input.before.and_then(BuildRecord::context);
        let was =
            was.map_or("by this build".to_owned(), |was| format!("was {}", units::size(was.bytes)));
        figures.push(("Context sent", units::size(sent.bytes), was));
    }
    let (run, cached) = after.run_and_cached();
    let of = format!("of {}, {cached} from the cache", words::many(run + cached, "step"));
    figures.push(("Steps run", run.to_string(), of));
    if let Some(tests) = input.tests {
        let tally = tests.tally();
        let note = match tally.failed + tally.broken {
            0 => "none failed".to_owned(),
            n => format!("{n} failed or could not be run"),
        };
        figures.push(("Tests passed", tally.passed.to_string(), note));
    }
    figures
}

fn footer(page: &mut String, input: &HtmlInput<'_>) {
    put!(
        page,
        "<footer>Written by careen {}. This file loads nothing from anywhere.</footer>\n</main>\n\
         <div id=tip role=status hidden></div>\n<script>{SCRIPT}</script>\n",
        shown(input.version)
    );
}
