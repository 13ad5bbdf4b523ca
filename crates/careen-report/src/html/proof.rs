//! A proof: both states by scenario, with the spread of their builds, and whether they are the same.

use std::time::Duration;

use careen_model::{Content, Gain, Measured, Proof, ProofVerdict, units};

use super::{
    Limits,
    escape::{middle_cut, put, shown},
    phases::{self, share},
    waterfall::{self, Fall, KEY},
};
use crate::{ProofShown, words};

/// Differences of content that are listed; the JSON of the proof has more.
const DIFFERENCES: usize = 12;

pub(super) fn section(page: &mut String, shown_proof: Option<&ProofShown<'_>>, limits: Limits) {
    let Some(ProofShown { proof, at }) = shown_proof else { return };
    put!(
        page,
        "<section aria-labelledby=proof>\n<h2 id=proof>The proof</h2>\n<p class=lead>{}. \
         <b>{}</b> against <b>{}</b>, built in turns on {} UTC. Bars are medians, lines go from the fastest \
         build to the slowest.</p>\n",
        verdict(proof.verdict()),
        shown(&proof.before),
        shown(&proof.after),
        words::date(*at),
    );
    put!(
        page,
        "<p class=key><span><i class=was></i> before</span> <span><i class=now></i> after</span></p>\n\
         <table class=\"bars proof\">\n<thead><tr><th scope=col>Scenario<th class=pic aria-hidden=true>\
         <th scope=col class=n>Before<th scope=col class=n>After<th scope=col class=n>Faster\
         </thead>\n<tbody>\n"
    );
    let times = proof.scenarios.iter().flat_map(|one| &one.pairs);
    let longest = times.map(|pair| pair.0.max(pair.1)).max().unwrap_or_default();
    for one in &proof.scenarios {
        scenario(page, one, (longest, proof.content.is_same()), limits);
    }
    put!(page, "</tbody></table>\n");
    let compared = proof.scenarios.iter().filter_map(|one| Some((one, one.comparison.as_ref()?)));
    for (place, (one, compared)) in compared.enumerate() {
        let name = one.scenario.name();
        let open = if place == 0 { " open" } else { "" };
        put!(page, "<details{}><summary>Phases of {name}</summary>\n", open);
        let title = format!("{name}: the median builds, and the spread of {}", builds(one));
        phases::table(page, &title, compared, Some(one));
        put!(page, "</details>\n");
    }
    fixes(page, proof, limits);
    content(page, &proof.content, limits);
    if !proof.held_equal.is_empty() {
        put!(page, "<details><summary>What was held equal</summary><ul>\n");
        for text in &proof.held_equal {
            put!(page, "<li>{}\n", shown(text));
        }
        put!(page, "</ul></details>\n");
    }
    put!(page, "</section>\n");
}

/// What each fix removed, from the builds of the states between.
fn fixes(page: &mut String, proof: &Proof, limits: Limits) {
    for (place, one) in proof.scenarios.iter().filter(|one| !one.between.is_empty()).enumerate() {
        let gains = one.gains();
        let Some((before, after)) = one.medians() else { continue };
        let fall = |(name, gain): (&String, &Gain)| Fall {
            name: shown(&middle_cut(name, limits.name * 2)).to_string().into(),
            removed: gain.removed(),
            is_sure: gain.is_sure(),
        };
        let falls: Vec<Fall> = proof.fixes.iter().zip(&gains).map(fall).collect();
        let name = one.scenario.name();
        let open = if place == 0 { " open" } else { "" };
        put!(page, "<details{open}><summary>What each fix removed: {name}</summary>\n{KEY}");
        let caption = format!("{name}: medians of {}; grey may be chance", builds(one));
        waterfall::table(page, (&caption, "Fix"), &falls, (before, after));
        put!(page, "</details>\n");
    }
}

fn builds(one: &Measured) -> String {
    words::many(one.pairs.len(), "pair")
}

fn scenario(
    page: &mut String,
    one: &Measured,
    (longest, is_same): (Duration, bool),
    limits: Limits,
) {
    let note = match one.note.as_str() {
        "" => String::new(),
        note => format!(" <small>{}</small>", shown(&middle_cut(note, limits.name * 2))),
    };
    let name = one.scenario.name();
    let (Some((before, after)), Some((was, now))) = (one.medians(), Spread::of(&one.pairs)) else {
        put!(
            page,
            "<tr><th scope=row>{name}{note}<td class=pic><td class=n><td class=n>\
             <td class=\"n dim\">skipped\n"
        );
        return;
    };
    let (class, faster) = faster(one, is_same);
    put!(
        page,
        "<tr><th scope=row>{name}{note}<td class=pic>{}<td class=n>{}{}<td class=n>{}{}\
         <td class=\"n {class}\">{faster}\n",
        bars((before, after), Some((was, now)), longest),
        units::time(before),
        was.text(),
        units::time(after),
        now.text(),
    );
}

/// How many times, and the interval: only an interval that is beyond one, of the same content, has
/// a colour.
fn faster(one: &Measured, is_same: bool) -> (&'static str, String) {
    let Some(ratio) = one.ratio() else { return ("dim", "–".to_owned()) };
    let class = match ratio.interval {
        Some((low, _)) if is_same && low > 1.0 => "good",
        Some((_, high)) if is_same && high < 1.0 => "bad",
        _ => "dim",
    };
    let interval = ratio.interval.map_or("one pair".to_owned(), |(low, high)| {
        format!("{}–{}", units::ratio(low).trim_end_matches('×'), units::ratio(high))
    });
    (class, format!("{}<small>{interval}</small>", units::ratio(ratio.median)))
}

/// The fastest and the slowest of some builds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    least: Duration,
    most: Duration,
}

impl Spread {
    /// Before and after; `None` without a pair.
    pub(super) fn of(pairs: &[(Duration, Duration)]) -> Option<(Spread, Spread)> {
        let of = |pick: fn(&(Duration, Duration)) -> Duration| {
            let times = pairs.iter().map(pick);
            Some(Spread { least: times.clone().min()?, most: times.max()? })
        };
        Some((of(|pair| pair.0)?, of(|pair| pair.1)?))
    }

    /// The two ends under the number; nothing where they are the same.
    pub(super) fn text(self) -> String {
        // A line may end between the two times, not within one.
        let time = |time| units::time(time).replace(' ', "\u{a0}");
        let (least, most) = (time(self.least), time(self.most));
        if least == most { String::new() } else { format!("<small>{least} – {most}</small>") }
    }
}

/// Two bars, each with its whisker.
pub(super) fn bars(
    (before, after): (Duration, Duration),
    spread: Option<(Spread, Spread)>,
    longest: Duration,
) -> String {
    let mut svg = String::from("<svg height=24 aria-hidden=true>");
    for (class, y, time) in [("was", 3, before), ("now", 13, after)] {
        let width = share(time, longest);
        put!(svg, "<rect class={class} y={y} height=8 rx=1 width={width:.2}% />");
    }
    let whiskers = spread.map(|(was, now)| [(7, was), (17, now)]);
    for (y, Spread { least, most }) in whiskers.into_iter().flatten() {
        if least == most {
            continue;
        }
        let (from, to) = (share(least, longest), share(most, longest));
        for (x1, x2, y1, y2) in
            [(from, to, y, y), (from, from, y - 3, y + 3), (to, to, y - 3, y + 3)]
        {
            put!(svg, "<line class=whisker x1={x1:.2}% x2={x2:.2}% y1={y1} y2={y2} />");
        }
    }
    svg.push_str("</svg>");
    svg
}

fn content(page: &mut String, content: &Content, limits: Limits) {
    if let Some(why) = &content.unknown {
        put!(page, "<p class=beware>The content was not compared: {}</p>\n", shown(why));
        return;
    }
    let counted = |n: usize| units::count(n as u64);
    if content.is_same() {
        let (before, after) = content.entries;
        put!(
            page,
            "<p class=good>Both images have the same content: {} entries before, {} after.</p>\n",
            counted(before),
            counted(after)
        );
    } else {
        let cut = |text: &str| middle_cut(text, limits.name);
        let n = content.different + content.settings.len();
        put!(page, "<p class=bad>Not the same content: {}.</p>\n", words::many(n, "difference"));
        if !content.packages.is_empty() {
            let named = content.packages.iter().take(DIFFERENCES);
            let named: Vec<String> =
                named.map(|(name, n)| format!("{} ({})", cut(name), counted(*n))).collect();
            put!(page, "<p>Packages with paths that differ: {}</p>\n", shown(&named.join(", ")));
        }
        put!(
            page,
            "<table><thead><tr><th scope=col>Package<th scope=col>Path<th scope=col>How</thead>\n<tbody>\n"
        );
        let row = |page: &mut String, cells: [&str; 3]| {
            let [package, path, how] = cells.map(cut);
            put!(page, "<tr><td>{}<td>{}<td>{}\n", shown(&package), shown(&path), shown(&how));
        };
        for one in content.differences.iter().take(DIFFERENCES) {
            row(page, [&one.package, &one.path, one.how.name()]);
        }
        for (name, before, after) in content.settings.iter().take(DIFFERENCES) {
            row(page, ["image setting", name, &format!("{before} → {after}")]);
        }
        put!(page, "</tbody></table>\n");
        let listed = content.differences.len().min(DIFFERENCES);
        if content.different > listed {
            put!(
                page,
                "<p class=note>and {} more paths</p>\n",
                counted(content.different - listed)
            );
        }
    }
    for (why, n) in &content.volatile {
        put!(
            page,
            "<p class=note>{} not counted: {}</p>\n",
            words::many(*n, "difference"),
            shown(why)
        );
    }
}

fn verdict(verdict: ProofVerdict) -> &'static str {
    match verdict {
        ProofVerdict::Faster => "Proven, the same image and faster",
        ProofVerdict::NoDifference => "The same image, and no scenario differs beyond doubt",
        ProofVerdict::Slower => "The same image, and a scenario is slower",
        ProofVerdict::NotTheSame => {
            "No proof, the two states do not build the same, so their times say nothing"
        }
        ProofVerdict::Unknown => "No proof, the content could not be compared",
    }
}
