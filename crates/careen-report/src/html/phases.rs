//! Bars of the phases before and after, in the table that holds their numbers.

use std::time::Duration;

use careen_model::{Comparison, Measured, Part, Row, units};

use super::{
    HtmlInput,
    escape::{put, shown},
    proof::{Spread, bars},
};
use crate::words;

pub(super) fn section(page: &mut String, input: &HtmlInput<'_>) {
    let own;
    let comparisons: &[(String, Comparison)] = match (input.comparisons, input.before) {
        ([], Some(before)) => {
            own = [(String::new(), Comparison::of(before, input.after))];
            &own
        }
        ([], None) => return alone(page, input),
        (given, _) => given,
    };
    put!(page, "<section aria-labelledby=phases>\n<h2 id=phases>Before and after</h2>\n");
    put!(
        page,
        "<p class=lead>Wall time in which at least one step of a phase ran. \
         Phases overlap, so they may add up to more than the total.</p>\n\
         <p class=key><span><i class=was></i> before</span> <span><i class=now></i> after</span></p>\n"
    );
    for (title, compared) in comparisons {
        table(page, title, compared, None);
    }
    put!(page, "</section>\n");
}

/// The rows of a comparison; with the builds of a proof, each with its spread.
pub(super) fn table(
    page: &mut String,
    title: &str,
    compared: &Comparison,
    proof: Option<&Measured>,
) {
    let pairs = |row: &Row| proof.map_or(&[][..], |proof| proof.pairs_of(row.part));
    let times = compared.rows.iter().flat_map(|row| {
        let spread = pairs(row).iter().map(|pair| pair.0.max(pair.1));
        spread.chain([row.before.max(row.after)])
    });
    let longest = times.max().unwrap_or_default();
    put!(page, "<table class=bars>\n");
    if !title.is_empty() {
        put!(page, "<caption>{}</caption>\n", shown(title));
    }
    put!(
        page,
        "<thead><tr><th scope=col>Phase<th class=pic aria-hidden=true><th scope=col class=n>Before{}\
         <th scope=col class=n>After{}<th scope=col class=n>Change</thead>\n<tbody>\n",
        label(&compared.before_label),
        label(&compared.after_label),
    );
    for row in &compared.rows {
        put!(
            page,
            "<tr{}><th scope=row>{}<td class=pic>{}<td class=n>{}<td class=n>{}<td class=\"n {}\">{}\n",
            row_class(row.part),
            words::phase(row),
            bars((row.before, row.after), Spread::of(pairs(row)), longest),
            units::time(row.before),
            units::time(row.after),
            class(row),
            shown(&words::change(row)),
        );
    }
    put!(page, "</tbody></table>\n");
}

/// The total is strong, a part of the row above stands further in.
fn row_class(part: Option<Part>) -> &'static str {
    match part {
        None => " class=total",
        Some(Part::Packages(_)) => " class=within",
        Some(Part::Phase(_) | Part::Unaccounted) => "",
    }
}

fn label(label: &str) -> String {
    if label.is_empty() { String::new() } else { format!(" <small>{}</small>", shown(label)) }
}

/// Per cent of the longest, but never so little that a time that is there cannot be seen.
pub(super) fn share(part: Duration, whole: Duration) -> f64 {
    if part.is_zero() || whole.is_zero() {
        return 0.0;
    }
    (part.as_secs_f64() / whole.as_secs_f64() * 100.0).max(0.15)
}

fn class(row: &Row) -> &'static str {
    use careen_model::Change;
    match row.change() {
        Change::Faster(_) | Change::Gone | Change::Cached => "good",
        Change::Slower(_) => "bad",
        Change::Same | Change::New => "dim",
    }
}

/// The phases of a build that has nothing to be compared with.
fn alone(page: &mut String, input: &HtmlInput<'_>) {
    let shares = words::shares(input.after);
    let longest = shares.iter().map(|share| share.wall).max().unwrap_or_default();
    put!(
        page,
        "<section aria-labelledby=phases>\n<h2 id=phases>Where the time went</h2>\n\
         <p class=lead>The share of each phase in the wall time; the rows add up to the total. \
         A moment in which several phases ran belongs to the one the build waited for.</p>\n\
         <table class=bars><thead><tr><th scope=col>Phase<th class=pic aria-hidden=true>\
         <th scope=col class=n>Time</thead>\n<tbody>\n"
    );
    for row in &shares {
        put!(
            page,
            "<tr{}><th scope=row>{}<td class=pic><svg height=16 aria-hidden=true>\
             <rect class=now y=4 height=8 rx=1 width={:.2}% /></svg><td class=n>{}\n",
            row_class(Some(row.part)),
            row.part.name(),
            share(row.wall, longest),
            units::time(row.wall),
        );
    }
    put!(
        page,
        "<tr class=total><th scope=row>total<td class=pic><td class=n>{}\n</tbody></table>\n</section>\n",
        units::time(input.after.total)
    );
}
