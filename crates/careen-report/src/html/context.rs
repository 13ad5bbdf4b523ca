//! A treemap of the context: what is sent, and what the ignore file now keeps back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use careen_model::{ContextFacts, Fact, context::Sized, units};

use super::{
    Limits,
    escape::{middle_cut, put, shown},
    squarify::{Rect, squarify},
};
use crate::words;

/// Folders with a rectangle of their own.
const MOST_FOLDERS: usize = 40;

/// The picture's own units; it is stretched to the width of the page.
const FRAME: Rect = Rect { x: 0.0, y: 0.0, width: 1000.0, height: 420.0 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sent,
    /// Kept, and no instruction takes it.
    Unused,
    KeptBack,
}

impl State {
    fn class(self) -> &'static str {
        match self {
            State::Sent => "k",
            State::Unused => "u",
            State::KeptBack => "g",
        }
    }

    fn word(self) -> &'static str {
        match self {
            State::Sent => "sent",
            State::Unused => "never used",
            State::KeptBack => "no longer sent",
        }
    }
}

struct Group {
    name: String,
    bytes: u64,
    /// Name, bytes, state; sorted by size, what is too small to draw already together.
    parts: Vec<(String, u64, State)>,
}

pub(super) fn section(
    page: &mut String,
    (before, after): (Option<&ContextFacts>, Option<&ContextFacts>),
    limits: Limits,
) {
    let Some(whole) = before.or(after).filter(|facts| facts.kept.bytes > 0) else { return };
    let then = before.and(after);
    put!(page, "<section aria-labelledby=context>\n<h2 id=context>What is in the context</h2>\n");
    put!(page, "<p class=lead>{}</p>\n", says(whole, then));
    classes(page, then.unwrap_or(whole));
    if then.is_some() {
        put!(
            page,
            "<p class=key><span><i class=k></i> sent</span> <span><i class=g></i> no longer sent</span></p>\n"
        );
    }
    let groups = groups(whole, then, limits);
    picture(page, &groups, limits);
    table(page, (whole, then), limits);
    put!(page, "</section>\n");
}

fn says(whole: &ContextFacts, then: Option<&ContextFacts>) -> String {
    let amount = |facts: &ContextFacts| {
        format!("{} in {} files", units::size(facts.kept.bytes), units::count(facts.kept.files))
    };
    let mut text = match then {
        Some(then) => format!("Before: {}. After: {}.", amount(whole), amount(then)),
        None => format!("{} remain after the ignore file.", amount(whole)),
    };
    if let (None, Fact::Known(all)) = (then, &whole.everything) {
        put!(text, " The folder holds {}.", units::size(all.bytes));
    }
    text.push_str(" Areas are bytes.");
    text
}

/// What is left of a list of the largest things when something is not in it.
struct After<'a> {
    facts: &'a ContextFacts,
    files: BTreeSet<&'a Path>,
}

impl<'a> After<'a> {
    fn of(facts: &'a ContextFacts) -> After<'a> {
        After { facts, files: facts.top_files.iter().map(|file| file.path.as_path()).collect() }
    }

    /// Whether a file is sent. One that is large enough for the list and not in it is not.
    fn state(&self, file: &Sized) -> State {
        let list = &self.facts.top_files;
        let is_whole = list.len() as u64 >= self.facts.kept.files;
        let smallest = list.last().map_or(0, |last| last.amount.bytes);
        let would_be_listed = is_whole || file.amount.bytes > smallest;
        let is_sent = self.files.contains(file.path.as_path()) || !would_be_listed;
        if is_sent { State::Sent } else { State::KeptBack }
    }

    /// Bytes of a folder that are still sent; `None` when the list is too short to tell.
    fn folder(&self, path: &Path, was: u64) -> Option<u64> {
        // Files in the root itself are in no list of folders.
        if path == Path::new(".") {
            return None;
        }
        // A folder may be listed by the one folder that has all of its bytes.
        let told = folder_bytes(self.facts, path);
        if told > 0 {
            return Some(told);
        }
        let smallest = self.facts.top_folders.iter().map(|f| f.amount.bytes).min().unwrap_or(0);
        (was > smallest).then_some(0)
    }
}

fn groups(whole: &ContextFacts, then: Option<&ContextFacts>, limits: Limits) -> Vec<Group> {
    let after = then.map(After::of);
    let state = |file: &Sized| match &after {
        Some(after) => after.state(file),
        None if whole.unused_files.contains(&file.path) => State::Unused,
        None => State::Sent,
    };
    let mut by_folder: BTreeMap<String, Vec<&Sized>> = BTreeMap::new();
    for file in whole.top_files.iter().filter(|file| file.amount.bytes > 0) {
        by_folder.entry(first(&file.path)).or_default().push(file);
    }
    for folder in &whole.top_folders {
        by_folder.entry(first(&folder.path.join("x"))).or_default();
    }
    let mut sizes: Vec<u64> = whole.top_files.iter().map(|file| file.amount.bytes).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let drawn = sizes.get(limits.files).copied().unwrap_or(0);

    let mut groups = Vec::new();
    for (name, files) in by_folder {
        let known: u64 = files.iter().map(|file| file.amount.bytes).sum();
        let bytes = folder_bytes(whole, Path::new(&name)).max(known);
        if bytes == 0 {
            continue;
        }
        let mut parts: Vec<(String, u64, State)> = files
            .iter()
            .filter(|file| file.amount.bytes > drawn)
            .map(|file| (words::shown(&file.path), file.amount.bytes, state(file)))
            .collect();
        let shown: u64 = parts.iter().map(|part| part.1).sum();
        let of = |state| parts.iter().filter(|p| p.2 == state).map(|p| p.1).sum::<u64>();
        let (sent, told) = (of(State::Sent), of(State::Unused));
        let small = bytes - shown;
        let still = after.as_ref().and_then(|after| after.folder(Path::new(&name), bytes));
        let still = still.map_or(small, |still| still.saturating_sub(sent).min(small));
        let unused = if then.is_none() { unused(whole, &name).saturating_sub(told) } else { 0 };
        let unused = unused.min(still);
        let small = [
            (still - unused, State::Sent),
            (unused, State::Unused),
            (small - still, State::KeptBack),
        ];
        for (bytes, state) in small {
            if bytes > 0 {
                parts.push((format!("smaller files in {name}"), bytes, state));
            }
        }
        parts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        groups.push(Group { name, bytes, parts });
    }
    rest(&mut groups, whole, then);
    groups
}

/// Bytes of a folder in the root that no instruction takes.
fn unused(facts: &ContextFacts, name: &str) -> u64 {
    let folder = facts.unused.iter().find(|folder| folder.path == Path::new(name));
    folder.map_or(0, |folder| folder.amount.bytes)
}

/// Bytes below a folder, from whichever rows of the list tell most.
fn folder_bytes(facts: &ContextFacts, path: &Path) -> u64 {
    let is_it = |folder: &&Sized| folder.path == path;
    let itself = facts.top_folders.iter().find(is_it).map_or(0, |folder| folder.amount.bytes);
    let below = facts.top_folders.iter().filter(|folder| folder.path.parent() == Some(path));
    itself.max(below.map(|folder| folder.amount.bytes).sum())
}

/// The first component of a path: the folder in the root of the context that a file lies in.
fn first(path: &Path) -> String {
    let mut parts = path.components();
    let head = parts.next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    match (head, parts.next()) {
        (Some(head), Some(_)) => head,
        _ => ".".to_owned(),
    }
}

/// Keeps the largest folders and adds one group for everything that no list tells of.
fn rest(groups: &mut Vec<Group>, whole: &ContextFacts, then: Option<&ContextFacts>) {
    groups.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    groups.truncate(MOST_FOLDERS);
    let told: u64 = groups.iter().map(|group| group.bytes).sum();
    let Some(bytes) = whole.kept.bytes.checked_sub(told).filter(|rest| *rest > 0) else { return };
    let all = |facts: &ContextFacts| facts.kept.bytes;
    let sent = groups.iter().flat_map(|group| &group.parts).filter(|part| part.2 == State::Sent);
    let sent: u64 = sent.map(|part| part.1).sum();
    let still = then.map_or(bytes, |then| all(then).saturating_sub(sent).min(bytes));
    let name = "everything else".to_owned();
    let told = groups.iter().flat_map(|group| &group.parts).filter(|p| p.2 == State::Unused);
    let told: u64 = told.map(|part| part.1).sum();
    let all_unused: u64 = whole.unused.iter().map(|folder| folder.amount.bytes).sum();
    let unused = if then.is_none() { all_unused.saturating_sub(told).min(still) } else { 0 };
    let parts =
        [(still - unused, State::Sent), (unused, State::Unused), (bytes - still, State::KeptBack)];
    let parts = parts.into_iter().filter(|part| part.0 > 0);
    let mut parts: Vec<_> = parts.map(|(n, state)| (name.clone(), n, state)).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.1));
    groups.push(Group { name, bytes, parts });
    groups.sort_by_key(|group| std::cmp::Reverse(group.bytes));
}

#[expect(clippy::cast_precision_loss, reason = "areas on a screen")]
fn picture(page: &mut String, groups: &[Group], limits: Limits) {
    let total = groups.iter().map(|group| group.bytes).sum();
    let sizes = |bytes: &mut dyn Iterator<Item = u64>| bytes.map(|n| n as f64).collect::<Vec<_>>();
    let areas = squarify(&sizes(&mut groups.iter().map(|group| group.bytes)), FRAME);
    put!(
        page,
        "<div class=map tabindex=0 role=img aria-label=\"Treemap of {}; the table below has the numbers\">\n\
         <svg viewBox=\"0 0 1000 420\" preserveAspectRatio=none aria-hidden=true>\n",
        units::size(total)
    );
    for (group, area) in groups.iter().zip(&areas) {
        let parts = squarify(&sizes(&mut group.parts.iter().map(|part| part.1)), *area);
        for ((name, bytes, state), rect) in group.parts.iter().zip(parts) {
            if rect.width < 0.05 || rect.height < 0.05 {
                continue;
            }
            put!(page, "<rect class={} {}>", state.class(), rect.attributes());
            put!(
                page,
                "<title>{} · {} · {}</title></rect>\n",
                shown(&middle_cut(name, limits.name)),
                units::size(*bytes),
                state.word()
            );
        }
    }
    for area in &areas {
        put!(page, "<rect class=edge {} />", area.attributes());
    }
    put!(page, "</svg>\n");
    for (group, area) in groups.iter().zip(&areas).take(14) {
        if area.width < 60.0 || area.height < 36.0 {
            continue;
        }
        put!(
            page,
            "{}<b>{}</b> {}</span>",
            area.label(FRAME),
            shown(&middle_cut(&group.name, 28)),
            units::size(group.bytes),
        );
    }
    put!(page, "</div>\n");
}

/// Where all bytes of the folder go: sent, kept although nothing takes them, ignored.
#[expect(clippy::cast_precision_loss, reason = "lengths on a screen")]
fn classes(page: &mut String, facts: &ContextFacts) {
    let (sent, kept) = (facts.sent.bytes, facts.kept.bytes);
    let all = facts.everything.known().map(|all| all.bytes.max(kept));
    let rows = [
        ("k", "sent", "a COPY, ADD or mount takes it", Some(sent)),
        ("u", "never used", "kept, and no instruction takes it", Some(kept.saturating_sub(sent))),
        ("g", "ignored", "the ignore file keeps it back", all.map(|all| all - kept)),
    ];
    let total = all.unwrap_or(kept).max(1) as f64;
    // One class alone is no picture.
    if rows.iter().filter(|row| row.3.is_some_and(|bytes| bytes > 0)).count() < 2 {
        return;
    }
    put!(
        page,
        "<svg class=stack height=22 role=img aria-label=\"Classes of the context; the table below has the numbers\">"
    );
    let mut at = 0.0;
    for (class, name, _, bytes) in rows {
        let width = bytes.unwrap_or(0) as f64 / total * 100.0;
        if width > 0.0 {
            put!(
                page,
                "<rect class={class} x={at:.2}% height=22 width={:.2}%><title>{name} · {}</title></rect>",
                width.max(0.15),
                units::size(bytes.unwrap_or(0))
            );
        }
        at += width;
    }
    put!(
        page,
        "</svg>\n<table class=plain><caption>{}</caption><thead><tr><th scope=col>Class\
         <th scope=col>What it is<th scope=col class=n>Size<tbody>\n",
        "All bytes of the folder now"
    );
    for (class, name, what, bytes) in rows {
        put!(
            page,
            "<tr><th scope=row class=key><span><i class={class}></i> {name}</span><td class=dim>{what}\
             <td class=n>{}\n",
            bytes.map_or("not surveyed".to_owned(), units::size)
        );
    }
    put!(page, "</table>\n");
}

fn table(page: &mut String, (whole, then): (&ContextFacts, Option<&ContextFacts>), limits: Limits) {
    let after = then.map(After::of);
    put!(
        page,
        "<details><summary>The largest folders and files as a table</summary>\n<table class=sort>\
         <thead><tr><th scope=col>Path<th scope=col class=n>Files<th scope=col class=n>Size"
    );
    if then.is_some() {
        put!(page, "<th scope=col class=n>Still sent");
    }
    put!(page, "</thead>\n<tbody>\n");
    let mut row = |path: &str, amount: careen_model::context::Amount, still: Option<u64>| {
        put!(
            page,
            "<tr><td>{}<td class=n data-v={}>{}<td class=n data-v={}>{}",
            shown(&middle_cut(path, limits.name)),
            amount.files,
            units::count(amount.files),
            amount.bytes,
            units::size(amount.bytes)
        );
        if then.is_some() {
            let text = still.map_or("not known".to_owned(), units::size);
            put!(page, "<td class=n data-v={}>{text}", still.unwrap_or(0));
        }
        put!(page, "\n");
    };
    for folder in whole.top_folders.iter().take(limits.list / 2) {
        let bytes = folder.amount.bytes;
        let still = after.as_ref().and_then(|after| after.folder(&folder.path, bytes));
        row(&format!("{}/", words::shown(&folder.path)), folder.amount, still);
    }
    for file in whole.top_files.iter().take(limits.list / 2) {
        let still = after.as_ref().map(|after| match after.state(file) {
            State::Sent | State::Unused => file.amount.bytes,
            State::KeptBack => 0,
        });
        row(&words::shown(&file.path), file.amount, still);
    }
    put!(page, "</tbody></table></details>\n");
}
