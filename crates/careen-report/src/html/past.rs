//! The history strip: the last builds of the project, how they ended, and which were slow.

use careen_model::trend::{self, SlowDown};
use careen_model::{Listed, State, units};

use super::{
    Limits,
    escape::{put, shown},
};
use crate::words;

/// Pixels that a bar and the gap beside it take at most.
const WIDEST: usize = 44;

pub(super) fn section(page: &mut String, (builds, here): (&[Listed], &str), limits: Limits) {
    let finished = |build: &&Listed| build.state != State::Running;
    let builds: Vec<&Listed> = builds.iter().filter(finished).collect();
    let builds = &builds[builds.len().saturating_sub(limits.rows)..];
    let Some(longest) = builds.iter().map(|build| build.total).max() else { return };
    // One or two bars are no history.
    if builds.len() < 3 || longest.is_zero() {
        return;
    }
    let totals: Vec<_> = builds.iter().map(|build| build.counted()).collect();
    let slow = trend::slow_downs(&totals);
    put!(page, "<section aria-labelledby=past>\n<h2 id=past>The last builds</h2>\n");
    put!(page, "<p class=lead>{}</p>\n", says(builds.len(), slow.len(), &totals));
    put!(
        page,
        "<p class=key><span><i class=now></i> built</span> <span><i class=slowed></i> slow</span> \
         <span><i class=fail></i> failed</span> <span><i class=was></i> stopped or read from a log\
         </span> <span><i class=here></i> this report</span></p>\n\
         <svg class=strip style=\"max-width:{}px\" role=img aria-label=\"Times of {}; the table below has the numbers\">\n",
        builds.len() * WIDEST,
        words::many(builds.len(), "build")
    );
    for (place, build) in builds.iter().enumerate() {
        let height = (build.total.as_secs_f64() / longest.as_secs_f64() * 100.0).max(1.5);
        put!(
            page,
            "<rect class=\"{}{}\" x={:.2}% y={:.2}% width={:.2}% height={height:.2}%><title>{}</title></rect>\n",
            class(build, is_slow(&slow, place)),
            if build.label == here { " here" } else { "" },
            percent(place, builds.len()),
            100.0 - height,
            percent(1, builds.len()) * 0.82,
            shown(&format!(
                "{} · {} · {} · {} UTC",
                build.label,
                units::time(build.total),
                word(build, is_slow(&slow, place)),
                words::date(build.started_at)
            )),
        );
    }
    put!(page, "</svg>\n");
    table(page, builds, &slow);
    put!(page, "</section>\n");
}

fn says(n: usize, slow: usize, totals: &[Option<std::time::Duration>]) -> String {
    let mut text = format!("{}, the oldest on the left.", words::many(n, "build"));
    if let Some(trend) = trend::trend(totals) {
        let (before, now) = (units::time(trend.before), units::time(trend.now));
        put!(text, " The older half took {before} in the median, the newer half {now}.");
    }
    if slow > 0 {
        put!(text, " {} took much longer than the builds before.", words::many(slow, "build"));
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a few dozen builds")]
fn percent(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64 * 100.0
}

fn is_slow(slow: &[SlowDown], place: usize) -> bool {
    slow.iter().any(|found| found.slow == place)
}

fn class(build: &Listed, is_slow: bool) -> &'static str {
    match build.state {
        State::Failed => "fail",
        State::Built if is_slow => "slowed",
        State::Built if build.imported.is_none() => "now",
        _ => "was",
    }
}

fn word(build: &Listed, is_slow: bool) -> &'static str {
    match build.state {
        State::Built if is_slow => "slow",
        State::Built if build.imported.is_some() => "built, from a log",
        state => state.name(),
    }
}

fn table(page: &mut String, builds: &[&Listed], slow: &[SlowDown]) {
    put!(
        page,
        "<details><summary>The builds as a table</summary>\n<table class=sort><thead><tr>\
         <th scope=col>Build<th scope=col>Date (UTC)<th scope=col>Outcome\
         <th scope=col class=n>Steps run<th scope=col class=n>Time</thead>\n<tbody>\n"
    );
    for (place, build) in builds.iter().enumerate().rev() {
        let usual = slow.iter().find(|found| found.slow == place);
        let than = usual.map_or(String::new(), |found| {
            let usual = &builds[found.usual].label;
            format!(", {} build {}", units::ratio(found.ratio), shown(usual))
        });
        put!(
            page,
            "<tr><td>{}<td>{}<td>{}{than}<td class=n>{}<td class=n data-v={:.3}>{}\n",
            shown(&build.label),
            words::date(build.started_at),
            word(build, usual.is_some()),
            build.steps_run,
            build.total.as_secs_f64(),
            units::time(build.total),
        );
    }
    put!(page, "</tbody></table></details>\n");
}
