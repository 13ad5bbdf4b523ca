//! Waterfalls from one time to another: what each part of a build, or each fix, removed or added.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use careen_model::{BuildRecord, Outcome, Part, Phase, units};

use super::{escape::put, phases::share};

/// Less than this is not worth a row; such parts make one row together.
const SMALL: f64 = 0.005;

/// One row of a waterfall, in seconds.
pub(super) struct Fall {
    /// Fit for a page.
    pub(super) name: Cow<'static, str>,
    /// Positive: the later build takes so much less.
    pub(super) removed: f64,
    /// Nothing is coloured that may be chance.
    pub(super) is_sure: bool,
}

pub(super) const KEY: &str = "<p class=key><span><i class=fell></i> removed</span> \
     <span><i class=rose></i> added</span></p>\n";

pub(super) fn section(page: &mut String, (before, after): (Option<&BuildRecord>, &BuildRecord)) {
    let Some(before) = before else { return };
    // A build that ended early did not do the same work.
    if [before, after].iter().any(|record| record.outcome != Some(Outcome::Built)) {
        return;
    }
    let falls = falls(before, after);
    if falls.is_empty() {
        return;
    }
    put!(
        page,
        "<section aria-labelledby=waterfall>\n<h2 id=waterfall>What the changes removed</h2>\n\
         <p class=lead>From the time of build {} to that of build {}. Each moment of a build \
         belongs to the part it waited for, so the rows add up.</p>\n{KEY}",
        super::escape::shown(&before.label),
        super::escape::shown(&after.label),
    );
    table(page, ("", "Part"), &falls, (before.total, after.total));
    put!(page, "</section>\n");
}

/// A table from the one time to the other; the rows must lead there.
pub(super) fn table(
    page: &mut String,
    (caption, title): (&str, &str),
    falls: &[Fall],
    (before, after): (Duration, Duration),
) {
    let states = falls.iter().scan(before.as_secs_f64(), |left, fall| {
        *left -= fall.removed;
        Some(Duration::from_secs_f64(left.max(0.0)))
    });
    let longest = states.chain([before, after]).max().unwrap_or_default();
    put!(page, "<table class=\"bars slow\">");
    if !caption.is_empty() {
        put!(page, "<caption>{caption}</caption>\n");
    }
    put!(
        page,
        "<thead><tr><th scope=col>{title}\
         <th class=pic aria-hidden=true><th scope=col class=n>Change<th scope=col class=n>Left\
         </thead>\n<tbody>\n",
    );
    end(page, "before", before, longest, "was");
    let mut left = before.as_secs_f64();
    for Fall { name, removed, is_sure } in falls {
        let then = left - removed;
        let span = |seconds: f64| Duration::from_secs_f64(seconds.max(0.0));
        let (class, sign, tone) =
            if *removed > 0.0 { ("fell", "−", "good") } else { ("rose", "+", "bad") };
        let tone = if *is_sure { tone } else { "dim" };
        put!(
            page,
            "<tr><th scope=row>{name}<td class=pic><svg height=16 aria-hidden=true>\
             <rect class={class} x={:.2}% y=4 height=8 rx=1 width={:.2}% /></svg>\
             <td class=\"n {tone}\">{sign}{}<td class=\"n dim\">{}\n",
            left.min(then).max(0.0) / longest.as_secs_f64().max(f64::MIN_POSITIVE) * 100.0,
            share(span(removed.abs()), longest),
            units::time(span(removed.abs())),
            units::time(span(then)),
        );
        left = then;
    }
    end(page, "after", after, longest, "now");
    put!(page, "</tbody></table>\n");
}

fn end(page: &mut String, name: &str, total: Duration, longest: Duration, class: &str) {
    put!(
        page,
        "<tr class=total><th scope=row>{name}<td class=pic><svg height=16 aria-hidden=true>\
         <rect class={class} y=4 height=8 rx=1 width={:.2}% /></svg><td class=n><td class=n>{}\n",
        share(total, longest),
        units::time(total)
    );
}

/// The largest removal first, what was added last; their sum is the difference of the totals.
fn falls(before: &BuildRecord, after: &BuildRecord) -> Vec<Fall> {
    let mut parts: BTreeMap<Part, f64> = BTreeMap::new();
    // Groups of packages say more than their phase.
    let is_finer = before.tells_packages() || after.tells_packages();
    for (record, sign) in [(before, 1.0), (after, -1.0)] {
        let mut shares = record.shares();
        if is_finer {
            shares.retain(|share| share.part != Part::Phase(Phase::Packages));
            shares.extend(record.package_shares());
        }
        for share in shares {
            *parts.entry(share.part).or_default() += sign * share.wall.as_secs_f64();
        }
    }
    let worth = before.total.max(after.total).as_secs_f64() * SMALL;
    let mut rest = 0.0;
    let mut falls = Vec::new();
    for (part, removed) in parts {
        if removed.abs() < worth {
            rest += removed;
        } else {
            falls.push(Fall { name: part.name(), removed, is_sure: true });
        }
    }
    falls.sort_by(|a, b| b.removed.total_cmp(&a.removed));
    if !falls.is_empty() && rest.abs() >= 0.05 {
        falls.push(Fall { name: "the rest".into(), removed: rest, is_sure: true });
    }
    falls
}
