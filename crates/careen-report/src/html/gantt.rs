//! The steps of a build on a time axis, with the path that its end waited for.
//!
//! Every row is an SVG of its own with places in per cent, so text keeps its size at any width.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use careen_model::{BuildRecord, StepRecord, units};

use super::{
    Limits,
    escape::{middle_cut, put, shown},
};
use crate::words;

struct Chart<'a> {
    record: &'a BuildRecord,
    /// Number by id, from one in the order they began; engines tell of them in any order.
    number: BTreeMap<&'a str, usize>,
    /// In that order; steps that never ran last.
    steps: Vec<&'a StepRecord>,
    critical: Vec<&'a StepRecord>,
    /// Right end of the axis.
    span: Duration,
    tick: Duration,
    limits: Limits,
}

/// A line of the critical path: from the row that was waited for to the one that waited.
struct Link {
    from: usize,
    to: usize,
    /// Where on the axis, per cent.
    at: f64,
}

pub(super) fn section(
    page: &mut String,
    (record, before): (&BuildRecord, Option<&BuildRecord>),
    limits: Limits,
) {
    let ran = |record: &&BuildRecord| record.steps.iter().any(|step| step.started.is_some());
    if !ran(&record) {
        return;
    }
    let chart = Chart::of(record, limits);
    put!(page, "<section aria-labelledby=steps>\n<h2 id=steps>What ran when</h2>\n");
    put!(page, "<p class=lead>{}</p>\n", shown(&chart.says()));
    put!(
        page,
        "<p class=key><span><i class=crit></i> critical path</span> <span><i class=run></i> other step</span> \
         <span><i class=hit></i> cached</span> <span><i class=wait></i> waited</span></p>\n"
    );
    chart.picture(page);
    chart.table(page);
    if let Some(before) = before.filter(ran) {
        put!(page, "<details><summary>The same for the build before</summary>\n");
        let chart = Chart::of(before, limits);
        put!(page, "<p class=lead>{}</p>\n", shown(&chart.says()));
        chart.picture(page);
        put!(page, "</details>\n");
    }
    put!(page, "</section>\n");
}

impl<'a> Chart<'a> {
    fn of(record: &'a BuildRecord, limits: Limits) -> Chart<'a> {
        let ends = record.steps.iter().filter_map(|step| step.ended);
        let span = ends.max().unwrap_or_default().max(record.total);
        let span = span.max(Duration::from_millis(1));
        let mut steps: Vec<&StepRecord> = record.steps.iter().collect();
        steps.sort_by_key(|step| (step.started.is_none(), step.started));
        let numbered = steps.iter().enumerate().map(|(i, step)| (step.id.as_str(), i + 1));
        Chart {
            record,
            number: numbered.collect(),
            steps,
            critical: record.critical_path(),
            span,
            tick: tick(span),
            limits,
        }
    }

    fn picture(&self, page: &mut String) {
        let (rows, left_out) = self.rows();
        let links = self.links(&rows);
        put!(page, "<div class=gantt style=\"--tick:{:.3}%\">\n", self.percent(self.tick));
        self.axis(page);
        put!(page, "<ol aria-label=\"Steps by start\">\n");
        for (n, (i, step)) in rows.iter().enumerate() {
            self.row(page, (n, *i), step, &links);
        }
        put!(page, "</ol></div>\n");
        if left_out > 0 {
            let what = words::many(left_out, "short or cached step");
            put!(page, "<p class=dim>{what} left out of the picture.</p>\n");
        }
    }

    /// Steps in the picture, by start; and how many are not.
    fn rows(&self) -> (Vec<(usize, &'a StepRecord)>, usize) {
        let started = self.steps.iter().copied().enumerate().filter(|(_, s)| s.started.is_some());
        let mut rows: Vec<(usize, &StepRecord)> = started.collect();
        let all = rows.len();
        if all > self.limits.rows {
            rows.sort_by_key(|(_, step)| std::cmp::Reverse((self.is_critical(step), step.took())));
            rows.truncate(self.limits.rows);
        }
        rows.sort_by_key(|(i, _)| *i);
        (rows, all - all.min(self.limits.rows))
    }

    fn is_critical(&self, step: &StepRecord) -> bool {
        self.critical.iter().any(|known| known.id == step.id)
    }

    fn says(&self) -> String {
        let work: Duration = self.record.steps.iter().map(StepRecord::took).sum();
        let path: Duration = self.critical.iter().map(|step| step.took()).sum();
        let nothing = self.record.unaccounted();
        format!(
            "The build ends when its critical path ends: {} in {}. \
             All steps together took {}; for {} no step ran.",
            units::time(path),
            words::many(self.critical.len(), "step"),
            units::time(work),
            units::time(nothing),
        )
    }

    fn percent(&self, at: Duration) -> f64 {
        at.as_secs_f64() / self.span.as_secs_f64() * 100.0
    }

    fn axis(&self, page: &mut String) {
        put!(page, "<div class=axis aria-hidden=true><span></span><svg height=18>");
        let mut at = Duration::ZERO;
        while at < self.span {
            let x = self.percent(at);
            if x < 94.0 {
                put!(page, "<text x={x:.2}% dx=4 y=12>{}</text>", axis_time(at));
            }
            at += self.tick;
        }
        put!(page, "</svg><span></span></div>\n");
    }

    fn row(&self, page: &mut String, (n, i): (usize, usize), step: &StepRecord, links: &[Link]) {
        let started = step.started.unwrap_or_default();
        let ended = step.ended.unwrap_or(self.record.total).max(started);
        let ready = self.ready(step).min(started);
        let (x, width) =
            (self.percent(started), self.percent(ended.saturating_sub(started)).max(0.25));
        let x = x.min(99.75);
        let class = match (step.cached, self.is_critical(step)) {
            _ if step.error.is_some() => "fail",
            (true, _) => "hit",
            (_, true) => "crit",
            _ => "run",
        };
        let name = middle_cut(&words::step(step), self.limits.name);
        let took = if step.cached { "cached".to_owned() } else { units::time(step.took()) };
        put!(
            page,
            "<li tabindex={} title=\"{}\"><span class=name><b>{}</b> {}</span><svg height=24 aria-hidden=true>",
            if n == 0 { "0" } else { "-1" },
            shown(&self.tip(step)),
            i + 1,
            shown(&name),
        );
        let mut drawn = Vec::new();
        for Link { from, to, at } in links {
            // Links that would lie upon each other are one line.
            let (top, bottom) = match n {
                n if n == *from => (12, 24),
                n if n == *to => (0, 12),
                n if *from < n && n < *to => (0, 24),
                _ => continue,
            };
            let line = format!("<line class=link x1={at:.2}% x2={at:.2}% y1={top} y2={bottom} />");
            if drawn.contains(&line) {
                continue;
            }
            page.push_str(&line);
            drawn.push(line);
            if n == *to {
                put!(page, "<line class=link x1={at:.2}% x2={x:.2}% y1=12 y2=12 />");
            }
        }
        if started > ready {
            let (from, width) = (self.percent(ready), self.percent(started.saturating_sub(ready)));
            if width > 0.2 {
                put!(page, "<rect class=wait x={from:.2}% width={width:.2}% y=10 height=4 />");
            }
        }
        put!(page, "<rect class={class} x={x:.2}% width={width:.2}% y=6 height=12 rx=1 />");
        put!(
            page,
            "</svg><span class=\"n {}\">{took}</span>\n",
            if step.cached { "dim" } else { "" }
        );
    }

    /// When the last of its inputs ended: it could have begun then.
    fn ready(&self, step: &StepRecord) -> Duration {
        self.latest_input(step).and_then(|input| input.ended).unwrap_or_else(|| {
            // Without inputs nothing says when it could have begun.
            step.started.unwrap_or_default()
        })
    }

    fn latest_input(&self, step: &StepRecord) -> Option<&'a StepRecord> {
        let inputs = step.inputs.iter().filter_map(|id| self.number.get(id.as_str()));
        inputs.map(|number| self.steps[number - 1]).max_by_key(|input| input.ended)
    }

    /// The step before this one on the critical path.
    fn predecessor(&self, step: &StepRecord) -> Option<&'a StepRecord> {
        let at = self.critical.iter().position(|known| known.id == step.id)?;
        self.critical.get(at.checked_sub(1)?).copied()
    }

    fn links(&self, rows: &[(usize, &StepRecord)]) -> Vec<Link> {
        let row_of = |id: &str| rows.iter().position(|(_, step)| step.id == id);
        let linked = rows.iter().enumerate().filter_map(|(to, (_, step))| {
            let before = self.predecessor(step)?;
            let from = row_of(&before.id)?;
            let at = self.percent(before.ended.unwrap_or_default());
            (from < to).then_some(Link { from, to, at })
        });
        linked.collect()
    }

    fn tip(&self, step: &StepRecord) -> String {
        let mut tip = middle_cut(&words::step(step), self.limits.name * 3 / 2);
        let started = step.started.unwrap_or_default();
        if step.cached {
            tip.push_str(" — from the cache");
        } else {
            put!(tip, " — {}, from {}", units::time(step.took()), axis_time(started));
        }
        if self.is_critical(step) {
            tip.push_str(", on the critical path");
        }
        if let Some(part) = words::longest_task(step) {
            put!(tip, "; of it {part}");
        }
        if let Some(input) = self.latest_input(step).and_then(|s| self.number.get(s.id.as_str())) {
            put!(tip, "; after step {input}");
        }
        tip
    }

    fn table(&self, page: &mut String) {
        let steps = &self.steps;
        put!(
            page,
            "<details><summary>All {} as a table</summary>\n<table class=sort><thead><tr>\
             <th scope=col class=n>#<th scope=col>Step<th scope=col>Phase<th scope=col class=n>Start\
             <th scope=col class=n>Took<th scope=col class=n>Waits for</thead>\n<tbody>\n",
            words::many(steps.len(), "step")
        );
        let critical: BTreeSet<&str> = self.critical.iter().map(|s| s.id.as_str()).collect();
        for (i, step) in steps.iter().enumerate() {
            let started = step.started.map_or("–".to_owned(), axis_time);
            let took = match (step.started, step.cached) {
                (None, _) => "never ran".to_owned(),
                (_, true) => "cached".to_owned(),
                _ => units::time(step.took()),
            };
            let input = self.latest_input(step).and_then(|s| self.number.get(s.id.as_str()));
            put!(
                page,
                "<tr{}><td class=n>{}<td>{}<td>{}<td class=n data-v={:.1}>{started}<td class=n data-v={:.1}>{took}<td class=n>{}\n",
                if critical.contains(step.id.as_str()) { " class=crit" } else { "" },
                i + 1,
                shown(&middle_cut(&words::step(step), self.limits.name)),
                step.phase.name(),
                step.started.unwrap_or_default().as_secs_f64(),
                step.took().as_secs_f64(),
                input.map_or(String::new(), ToString::to_string),
            );
        }
        put!(page, "</tbody></table></details>\n");
    }
}

/// A round time, so that an axis has four to nine marks.
fn tick(span: Duration) -> Duration {
    const ROUND: [u64; 18] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000,
        300_000, 600_000,
    ];
    let wanted = span / 8;
    let round = ROUND.into_iter().map(Duration::from_millis).find(|round| *round >= wanted);
    round.unwrap_or_else(|| {
        let hours = wanted.as_secs().div_ceil(3600).max(1);
        Duration::from_secs(hours * 3600)
    })
}

/// `0`, `1.5 s`, `2:00`, `1:02:00`: short, for an axis.
fn axis_time(at: Duration) -> String {
    let seconds = at.as_secs();
    match seconds {
        _ if at.is_zero() => "0".to_owned(),
        0 => format!("{} ms", at.as_millis()),
        1..60 => format!("{:.1} s", at.as_secs_f64()).replace(".0 s", " s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_marks() {
        for millis in [1, 7, 90, 1500, 59_000, 257_400, 1_872_800, 9_000_000, 900_000_000] {
            let span = Duration::from_millis(millis);
            let marks = span.as_nanos().div_ceil(tick(span).as_nanos());
            assert!((1..=9).contains(&marks), "{span:?}: {marks}");
        }
        let texts = [0, 200, 1500, 30_000, 90_000, 3_720_000]
            .map(|millis| axis_time(Duration::from_millis(millis)));
        assert_eq!(texts, ["0", "200 ms", "1.5 s", "30 s", "1:30", "1:02:00"]);
    }
}
