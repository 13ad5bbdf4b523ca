//! The parts of the page that are lists: slowest steps, findings, image tests.

use std::time::Duration;

use careen_model::{BuildRecord, Diagnosis, Finding, Severity, StepRecord, Verdict, units};

use super::{
    Limits,
    escape::{middle_cut, put, shown},
    phases::share,
};
use crate::{ImageTests, clean_lines, words};

const SLOWEST: usize = 10;
const STDERR_LINES: usize = 12;

pub(super) fn slowest(
    page: &mut String,
    (after, before): (&BuildRecord, Option<&BuildRecord>),
    limits: Limits,
) {
    let ran = after.steps.iter().filter(|step| !step.cached && !step.took().is_zero());
    let mut steps: Vec<&StepRecord> = ran.collect();
    steps.sort_by_key(|step| std::cmp::Reverse(step.took()));
    steps.truncate(SLOWEST);
    let Some(longest) = steps.first().map(|step| step.took()) else { return };

    put!(page, "<section aria-labelledby=slowest>\n<h2 id=slowest>Slowest steps</h2>\n");
    put!(
        page,
        "<table class=\"bars slow\"><thead><tr><th scope=col>Step<th class=pic aria-hidden=true>"
    );
    if before.is_some() {
        put!(page, "<th scope=col class=n>Before");
    }
    put!(page, "<th scope=col class=n>Took</thead>\n<tbody>\n");
    for step in steps {
        let part = words::longest_task(step);
        let part = part.map_or(String::new(), |part| {
            format!("<small>of it {}</small>", shown(&middle_cut(&part, limits.name)))
        });
        put!(
            page,
            "<tr><th scope=row>{} {part}<td class=pic><svg height=16 aria-hidden=true>\
             <rect class=now y=4 height=8 rx=1 width={:.2}% /></svg>",
            shown(&middle_cut(&bare(step), limits.name * 2)),
            share(step.took(), longest),
        );
        if let Some(before) = before {
            let twin = before.steps.iter().find(|twin| bare(twin) == bare(step));
            let was = match twin {
                Some(twin) if twin.cached => "cached".to_owned(),
                Some(twin) => units::time(twin.took()),
                None => "–".to_owned(),
            };
            put!(page, "<td class=\"n dim\">{was}");
        }
        put!(page, "<td class=n>{}\n", units::time(step.took()));
    }
    put!(page, "</tbody></table>\n</section>\n");
}

/// The instruction without its place: `[base 4/9] RUN x` and `[5/8] RUN x` are the same.
fn bare(step: &StepRecord) -> String {
    careen_model::instruction_of(&words::step(step)).to_owned()
}

pub(super) fn findings(
    page: &mut String,
    (before, after): (Option<&Diagnosis>, Option<&Diagnosis>),
    limits: Limits,
) {
    let Some(first) = before.or(after) else { return };
    let same = |a: &Finding, b: &Finding| a.rule == b.rule && a.place == b.place;
    let then = before.and(after);
    let mut rows: Vec<(&Finding, Option<bool>)> = first
        .findings
        .iter()
        .map(|finding| {
            let still = then.map(|then| then.findings.iter().any(|other| same(finding, other)));
            (finding, still)
        })
        .collect();
    if let Some(then) = then {
        let is_new = |finding: &&Finding| !first.findings.iter().any(|other| same(finding, other));
        rows.extend(then.findings.iter().filter(is_new).map(|finding| (finding, Some(true))));
    }
    put!(
        page,
        "<section aria-labelledby=findings>\n<h2 id=findings>Findings and their price</h2>\n"
    );
    if rows.is_empty() {
        put!(
            page,
            "<p class=lead>{} made, nothing found.</p>\n</section>\n",
            words::many(first.checks.len(), "check")
        );
        return;
    }
    if then.is_some() {
        let gone = rows.iter().filter(|(_, still)| *still == Some(false)).count();
        put!(page, "<p class=lead>{gone} of {} gone.</p>\n", words::many(rows.len(), "finding"));
    }
    put!(page, "<ul class=findings>\n");
    for (finding, still) in rows.iter().take(limits.list) {
        finding_row(page, finding, (*still, limits));
    }
    put!(page, "</ul>\n");
    if rows.len() > limits.list {
        put!(page, "<p class=dim>and {} more</p>\n", rows.len() - limits.list);
    }
    put!(page, "</section>\n");
}

fn finding_row(page: &mut String, finding: &Finding, (still, limits): (Option<bool>, Limits)) {
    let class = match (still, finding.severity) {
        (Some(false), _) => "gone",
        (_, Severity::Error) => "bad",
        (_, Severity::Warning) => "beware",
        (_, Severity::Hint | Severity::Style) => "dim",
    };
    let state = match still {
        Some(false) => "gone",
        _ => words::severity(finding.severity),
    };
    put!(
        page,
        "<li class={class}><span class=state>{state}</span><div><p>{}</p>",
        shown(&middle_cut(&finding.message, limits.name * 4))
    );
    put!(page, "<p class=dim><code>{}</code>", finding.rule);
    if let Some(fix) = finding.fixes.first() {
        put!(page, " · {}", shown(&middle_cut(&fix.title, limits.name * 2)));
    }
    put!(page, "</p>");
    if !finding.evidence.is_empty() {
        put!(page, "<details><summary>Evidence</summary><dl>");
        for fact in &finding.evidence {
            put!(
                page,
                "<dt>{}<dd>{} <small>{}</small>",
                shown(fact.what),
                shown(&middle_cut(&fact.value, limits.name * 2)),
                shown(&middle_cut(&fact.source, limits.name))
            );
        }
        put!(page, "</dl></details>");
    }
    put!(page, "</div><span class=n>");
    if let Some(cost) = finding.cost {
        put!(page, "{}<small>{}</small>", words::saving(cost.saving), words::basis(cost.basis));
    }
    put!(page, "</span>\n");
}

pub(super) fn tests(page: &mut String, tests: Option<&ImageTests<'_>>, limits: Limits) {
    let Some(tests) = tests else { return };
    let tally = tests.tally();
    put!(page, "<section aria-labelledby=tests>\n<h2 id=tests>Image tests</h2>\n");
    put!(
        page,
        "<p class=lead>{} · {} · {} passed, {} failed, {} skipped, {} could not be run in {}.</p>\n",
        shown(tests.image),
        shown(tests.conditions),
        tally.passed,
        tally.failed,
        tally.skipped,
        tally.broken,
        units::time(tests.took),
    );
    put!(page, "<ul class=findings>\n");
    // Failures first: a long list of passes must not push them out of the page.
    let mut runs: Vec<_> = tests.runs.iter().collect();
    runs.sort_by_key(|(_, verdict)| match verdict {
        Verdict::Failed { .. } => 0,
        Verdict::Broken { .. } => 1,
        Verdict::Passed { .. } => 2,
        Verdict::Skipped { .. } => 3,
    });
    for (case, verdict) in runs.iter().take(limits.list) {
        let (class, state, text, took) = match verdict {
            Verdict::Passed { shown, took } => ("good", "passed", shown.as_str(), *took),
            Verdict::Failed { reason, took, .. } => ("bad", "failed", reason.as_str(), *took),
            Verdict::Skipped { reason } => ("dim", "skipped", reason.as_str(), Duration::ZERO),
            Verdict::Broken { reason } => ("beware", "not run", reason.as_str(), Duration::ZERO),
        };
        put!(
            page,
            "<li class={class}><span class=state>{state}</span><div><p>{} <span class=dim>{}</span></p>",
            shown(&middle_cut(&case.name, limits.name)),
            shown(&middle_cut(text, limits.name * 2)),
        );
        if let Verdict::Failed { stderr, hint, .. } = verdict {
            let lines = clean_lines(stderr);
            let skip = lines.len().saturating_sub(STDERR_LINES);
            let tail: Vec<String> =
                lines[skip..].iter().map(|line| middle_cut(line, limits.name * 2)).collect();
            if !tail.is_empty() {
                put!(page, "<pre>");
                for line in tail {
                    put!(page, "{}\n", shown(&line));
                }
                put!(page, "</pre>");
            }
            if let Some(hint) = hint {
                put!(page, "<p class=dim>{}</p>", shown(&middle_cut(hint, limits.name * 3)));
            }
        }
        let took = if took.is_zero() { String::new() } else { units::time(took) };
        put!(page, "</div><span class=n>{took}</span>\n");
    }
    put!(page, "</ul>\n");
    if runs.len() > limits.list {
        put!(page, "<p class=dim>and {} more</p>\n", runs.len() - limits.list);
    }
    put!(page, "</section>\n");
}
