//! One screen about a build context, and the answers to questions about it.

use std::io;
use std::path::Path;

use careen_model::context::{Amount, HazardKind, IgnoreFile, IgnoreProblem};
use careen_model::context_answer::{
    Calibration, Change, ContextAnswer, Found, IgnoreStep, LineState, LineWorth, PathAnswer,
    SourceUse, Tried,
};
use careen_model::{ContextFacts, units};

use super::{Line, Style, Tone, line::wrap, write_lines};
use crate::words;

/// Sources and hazards that are named before the rest is counted.
const NAMED: usize = 4;

/// The whole screen.
pub fn context(out: &mut dyn io::Write, style: Style, answer: &ContextAnswer) -> io::Result<()> {
    let mut lines = verdict(style, answer);
    lines.push(Line::new(style));
    lines.extend(largest(style, answer));
    lines.extend(savings(style, answer));
    lines.extend(hazards(style, &answer.facts));
    lines.push(Line::new(style));
    lines.extend(next_steps(style, answer));
    write_lines(out, style, &lines)
}

fn amount(amount: Amount) -> String {
    format!("{} in {}", units::size(amount.bytes), entries(amount.entries))
}

fn entries(n: u64) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{} entries", units::count(n)) }
}

fn row(style: Style, title: &str, text: &str) -> Vec<Line> {
    let wrapped = wrap(style, text, style.width.saturating_sub(9));
    let titled = |(i, text): (usize, &String)| {
        let title = if i == 0 { title } else { "" };
        Line::new(style).add(Tone::Dim, title).to(9).text(text)
    };
    wrapped.iter().enumerate().map(titled).collect()
}

fn verdict(style: Style, answer: &ContextAnswer) -> Vec<Line> {
    let facts = &answer.facts;
    let mut lines = vec![
        Line::new(style)
            .add(Tone::Strong, format!("{} sent", amount(facts.sent)))
            .text(format!(", of {} kept", amount(facts.kept))),
    ];
    let kind = if answer.slow_lookup.is_some() { ", on a slow file system" } else { "" };
    let times = format!(
        "first {}, again {} ({}{kind})",
        words::seconds_of(answer.first.seconds()),
        words::seconds_of(answer.repeated.seconds()),
        basis(answer.calibration.as_ref())
    );
    lines.extend(row(style, "transfer", &times));
    lines.extend(row(style, "because", &because(answer)));
    lines.extend(row(style, "ignored", &in_force(&facts.ignore)));
    lines.extend(problems(style, 9, &facts.ignore.problems));
    lines
}

/// What is wrong with an ignore file, each indented by `indent` columns.
fn problems(style: Style, indent: usize, problems: &[IgnoreProblem]) -> Vec<Line> {
    let mut lines = Vec::new();
    for problem in problems {
        let place = problem.line.map_or(String::new(), |line| format!("line {line}: "));
        let effect = if problem.fatal { " (every build fails)" } else { "" };
        let tone = if problem.fatal { Tone::Bad } else { Tone::Beware };
        let mut mark = if problem.fatal { "✗ " } else { "! " };
        let text = format!("{place}{}{effect}", problem.message);
        for text in wrap(style, &text, style.width.saturating_sub(indent + 2)) {
            lines.push(Line::new(style).text(" ".repeat(indent)).add(tone, mark).text(text));
            mark = "  ";
        }
    }
    lines
}

/// How the times are known.
fn basis(calibration: Option<&Calibration>) -> String {
    let Some(found) = calibration else { return "modelled, never measured here".to_owned() };
    let transfers = match found.transfers {
        1 => "1 transfer".to_owned(),
        n => format!("{} transfers", units::count(n as u64)),
    };
    let part = match (found.first, found.repeated) {
        (Some(_), Some(_)) => "",
        (Some(_), None) => ", the second by the model",
        (None, Some(_)) => ", the first by the model",
        (None, None) => ", all of them small: else by the model",
    };
    format!("from {transfers} to this engine{part}")
}

fn because(answer: &ContextAnswer) -> String {
    if answer.sends_all {
        return "the classic builder takes all that is kept, as one archive".to_owned();
    }
    let target = answer.target.as_ref().map_or(String::new(), |name| format!(" for stage {name}"));
    let Some(sources) = &answer.sources else {
        return "no Dockerfile is known, so all that is kept counts as sent".to_owned();
    };
    if sources.is_empty() {
        return format!("no COPY, ADD or bind mount{target} takes anything from the context");
    }
    let file =
        answer.facts.dockerfile.file_name().map_or("Dockerfile".into(), |n| n.to_string_lossy());
    if let Some(whole) = sources.iter().find(|source| source.path == ".") {
        return format!("{file}:{} {} takes all of it{target}", whole.line, whole.instruction);
    }
    let told = sources.iter().take(NAMED).map(|s| format!("{} (line {})", s.path, s.line));
    let told = told.collect::<Vec<_>>().join(", ");
    let more = match sources.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("{file} takes{target}: {told}{more}")
}

fn in_force(file: &IgnoreFile) -> String {
    let path = place(&file.path);
    match (file.exists, file.dedicated) {
        (true, true) => format!("by {path}, which stands beside the Dockerfile and counts alone"),
        (true, false) => format!("by {path}, in the context root"),
        (false, _) => format!("nothing: there is no {path}"),
    }
}

/// A path without `./` in front.
fn place(path: &Path) -> String {
    words::shown(path.strip_prefix(".").unwrap_or(path))
}

fn largest(style: Style, answer: &ContextAnswer) -> Vec<Line> {
    if answer.tree.is_empty() && answer.largest.is_empty() {
        return vec![];
    }
    let end = style.table();
    let head = Line::new(style).add(Tone::Dim, " sent").right(end - 12, Tone::Dim, "bytes");
    let mut lines = vec![head.right(end, Tone::Dim, "entries")];
    for branch in &answer.tree {
        let indent = " ".repeat(1 + 2 * branch.depth);
        let room = (end - 24).saturating_sub(indent.len());
        let name = format!("{}/", words::shown(&branch.path));
        lines.push(sized(
            Line::new(style).text(indent).cut(room, Tone::Plain, name),
            branch.amount,
            end,
        ));
    }
    for file in &answer.largest {
        let line = Line::new(style).text(" ").cut(end - 25, Tone::Plain, place(&file.path));
        lines.push(sized(line, file.amount, end));
    }
    lines
}

fn sized(line: Line, amount: Amount, end: usize) -> Line {
    let line = line.right(end - 12, Tone::Plain, units::size(amount.bytes));
    line.right(end, Tone::Plain, units::count(amount.entries))
}

fn savings(style: Style, answer: &ContextAnswer) -> Vec<Line> {
    let mut found: Vec<_> =
        answer.facts.categories.iter().filter(|category| category.amount.entries > 0).collect();
    if found.is_empty() {
        return vec![];
    }
    found.sort_by_key(|category| {
        std::cmp::Reverse((category.amount.bytes, category.amount.entries))
    });
    let end = style.table();
    let mut lines =
        vec![Line::new(style), Line::new(style).add(Tone::Dim, " kept, and hardly ever needed")];
    for category in found.iter().take(NAMED) {
        lines.push(sized(Line::new(style).text(" ").text(category.category), category.amount, end));
    }
    if found.len() > NAMED {
        let rest = format!(" and {} more kinds", found.len() - NAMED);
        lines.push(Line::new(style).add(Tone::Dim, rest));
    }
    lines
}

fn hazards(style: Style, facts: &ContextFacts) -> Vec<Line> {
    let kinds = [
        (
            HazardKind::ZeroByte,
            Tone::Bad,
            "arrives empty: an earlier ignore line reopens it, a later one closes it",
        ),
        (
            HazardKind::Mistaken,
            Tone::Bad,
            "arrives as another file: one on another file system has its inode number",
        ),
        (HazardKind::Unreadable, Tone::Bad, "arrives empty: this user may not read it"),
        (HazardKind::NotUtf8, Tone::Bad, "has a name that is not UTF-8: the transfer fails"),
        (
            HazardKind::LinkUsedTwice,
            Tone::Bad,
            "is not sent: another source went through its link before",
        ),
        (HazardKind::WideWildcard, Tone::Beware, "matches a link, so all that it matches is sent"),
        (
            HazardKind::Vanished,
            Tone::Beware,
            "vanished while it was listed: the builder may drop files beside it",
        ),
        (HazardKind::Special, Tone::Beware, "is no file: a socket arrives as an empty file"),
        (HazardKind::UnreadableFolder, Tone::Bad, "cannot be read: the build fails"),
        (
            HazardKind::SameSizeAndTime,
            Tone::Bad,
            "changed, but not in size and time: the old content stays in the image",
        ),
        (HazardKind::Hot, Tone::Beware, "is being written to: it may arrive torn"),
        (HazardKind::Sparse, Tone::Beware, "has holes, which are sent as zeros"),
        (HazardKind::ExcludedStillSent, Tone::Beware, "of COPY --exclude is sent all the same"),
        (HazardKind::ReadsIgnored, Tone::Beware, "makes the client look into every ignored folder"),
    ];
    let mut lines = vec![];
    for (kind, tone, text) in kinds {
        let paths: Vec<&Path> =
            facts.hazards.iter().filter(|h| h.kind == kind).map(|h| h.path.as_path()).collect();
        lines.extend(named(style, tone, &paths, text));
    }
    let secrets: Vec<&Path> = facts.secrets.iter().map(|secret| secret.path.as_path()).collect();
    lines.extend(named(style, Tone::Bad, &secrets, "looks like a secret and is sent"));
    if !lines.is_empty() {
        lines.insert(0, Line::new(style));
    }
    lines
}

fn named(style: Style, tone: Tone, paths: &[&Path], text: &str) -> Vec<Line> {
    let Some(first) = paths.first() else { return vec![] };
    let more = match paths.len() - 1 {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    let mark = if tone == Tone::Bad { "✗" } else { "!" };
    let text = format!("{}{more} {text}", words::shown(first));
    let wrapped = wrap(style, &text, style.width.saturating_sub(3));
    let line = |(i, text): (usize, &String)| {
        let mark = if i == 0 { mark } else { " " };
        Line::new(style).text(" ").add(tone, mark).text(" ").text(text)
    };
    wrapped.iter().enumerate().map(line).collect()
}

fn next_steps(style: Style, answer: &ContextAnswer) -> Vec<Line> {
    let row = |command: &str, does: String| {
        Line::new(style).text(" ").add(Tone::Hint, command).to(32).text(does)
    };
    let mut lines = vec![];
    if let Some(proposal) = &answer.proposal {
        let sent = proposal.sent;
        let does = format!("would send {} less", less(sent));
        let worth =
            if sent.before == sent.after { "completes the ignore file".to_owned() } else { does };
        lines.push(row("careen fix --dockerignore", worth));
    }
    if !answer.largest.is_empty() {
        let does = "every line that decides about a path".to_owned();
        lines.push(row("careen context --explain PATH", does));
    }
    if answer.facts.ignore.exists {
        lines.push(row("careen context --patterns", "what each line is worth".to_owned()));
    }
    lines.push(row("careen context --list", "every entry, in the builder's order".to_owned()));
    lines
}

/// `1.3 kB in 1 entry`: by how much.
fn less(change: Change) -> String {
    let Change { before, after } = change;
    amount(Amount {
        entries: before.entries.saturating_sub(after.entries),
        files: before.files.saturating_sub(after.files),
        bytes: before.bytes.saturating_sub(after.bytes),
    })
}

/// Why a path is sent or not.
pub fn context_path(out: &mut dyn io::Write, style: Style, answer: &PathAnswer) -> io::Result<()> {
    let what = match answer.found {
        Found::Nothing => "nothing is there now".to_owned(),
        Found::Folder => "folder".to_owned(),
        Found::Link => "link".to_owned(),
        Found::File(bytes) => units::size(bytes),
        Found::Special => "no file, folder or link".to_owned(),
        Found::Denied => "this user may not look".to_owned(),
    };
    let (tone, mark, verdict) =
        match (answer.is_kept(), answer.has_sources, answer.taken.is_empty()) {
            (false, ..) => (Tone::Dim, "–", "is ignored"),
            (true, true, true) => {
                (Tone::Dim, "–", "is kept, and no COPY, ADD or bind mount takes it")
            }
            (true, true, false) if answer.closed.is_some() => (Tone::Bad, "✗", "is to be sent"),
            (true, true, false) => (Tone::Good, "✓", "is sent"),
            (true, false, _) => (Tone::Good, "✓", "is kept; no Dockerfile is known"),
        };
    let head = Line::new(style).add(tone, mark).text(" ").add(Tone::Strong, &answer.path);
    let mut lines = vec![head.text(format!(" {verdict} ({what})"))];
    if answer.is_emptied() {
        let text = "✗ and arrives with 0 bytes: opening it is refused";
        lines.push(Line::new(style).text("  ").add(Tone::Bad, text));
    }
    if let Some(error) = answer.closed.as_ref().filter(|_| answer.is_kept()) {
        let effect = match answer.found {
            Found::Folder => "the build fails where it is walked",
            _ => "it arrives with 0 bytes",
        };
        let text = format!("✗ this user cannot read it, and {effect}: {error}");
        for text in wrap(style, &text, style.width.saturating_sub(2)) {
            lines.push(Line::new(style).text("  ").add(Tone::Bad, text));
        }
    }
    lines.extend(problems(style, 2, &answer.problems));
    let file = match &answer.ignore {
        Some(path) => place(path),
        None => "no ignore file".to_owned(),
    };
    lines.push(Line::new(style).add(Tone::Dim, format!("  {file}, the walk")));
    lines.extend(steps(style, &answer.walk));
    if answer.open != answer.walk {
        lines.push(Line::new(style).add(Tone::Dim, "  opening the file"));
        lines.extend(steps(style, &answer.open));
    }
    for source in answer.taken.iter().filter(|_| answer.is_kept()) {
        lines.push(Line::new(style).text(format!("  taken by {}", of(source))));
    }
    let classic = match &answer.classic {
        Ok(is_out) if *is_out != answer.is_kept() => None,
        Ok(true) => Some("ignores it".to_owned()),
        Ok(false) => Some("keeps it".to_owned()),
        Err(why) => Some(format!("fails: {why}")),
    };
    if let Some(classic) = classic {
        let text = format!("  the classic builder (DOCKER_BUILDKIT=0) {classic}");
        lines.push(Line::new(style).add(Tone::Beware, text));
    }
    write_lines(out, style, &lines)
}

fn of(source: &SourceUse) -> String {
    format!("line {}: {} {}", source.line, source.instruction, source.path)
}

fn steps(style: Style, steps: &[IgnoreStep]) -> Vec<Line> {
    if steps.is_empty() {
        return vec![Line::new(style).text("    no line matches, so it is in")];
    }
    let mut lines = vec![];
    for step in steps {
        let state = if step.excluded { "out" } else { "in" };
        let line = Line::new(style).right(8, Tone::Dim, step.line.to_string()).text("  ");
        let line = line.add(Tone::Strong, &step.pattern).text(" matches ").text(&step.matched);
        lines.push(line.text(": ").text(state));
        for reading in &step.readings {
            lines.push(Line::new(style).text("          ").add(Tone::Dim, *reading));
        }
    }
    lines
}

/// What each line of the ignore file is worth.
pub fn context_patterns(
    out: &mut dyn io::Write,
    style: Style,
    file: &IgnoreFile,
    worth: &[LineWorth],
) -> io::Result<()> {
    let end = style.table();
    let mut lines = vec![Line::new(style).add(Tone::Strong, in_force(file))];
    lines.extend(problems(style, 1, &file.problems));
    if !worth.is_empty() {
        let head =
            Line::new(style).add(Tone::Dim, " line  pattern").right(end - 24, Tone::Dim, "matches");
        lines.push(head.right(end - 12, Tone::Dim, "bytes").right(end, Tone::Dim, "only this"));
    }
    for worth in worth {
        let line = Line::new(style).right(5, Tone::Dim, worth.line.to_string()).text("  ");
        let line = line.cut(end - 42, Tone::Plain, &worth.pattern);
        let line = line.right(end - 24, Tone::Plain, units::count(worth.matched.entries));
        let line = line.right(end - 12, Tone::Plain, units::size(worth.matched.bytes));
        lines.push(line.right(end, Tone::Plain, units::size(worth.exclusive.bytes)));
        let mut note = |tone: Tone, text: String| {
            for text in wrap(style, &text, style.width.saturating_sub(9)) {
                lines.push(Line::new(style).text("       ").add(tone, text));
            }
        };
        match &worth.state {
            LineState::Works => (),
            LineState::Dead => note(Tone::Beware, "! matches nothing that is there".to_owned()),
            LineState::Shadowed => note(Tone::Beware, "! other lines decide the same".to_owned()),
            LineState::Fails(why) => note(Tone::Bad, format!("✗ every build fails: {why}")),
        }
        for reading in &worth.readings {
            note(Tone::Dim, format!("· {reading}"));
        }
        if let Some(faster) = &worth.faster {
            note(
                Tone::Dim,
                format!("· {faster} is cheaper to match, but not for Docker 20.10's client"),
            );
        }
    }
    write_lines(out, style, &lines)
}

/// Amounts before and after patterns that are not written.
pub fn context_tried(out: &mut dyn io::Write, style: Style, tried: &Tried) -> io::Result<()> {
    let with = tried.patterns.join(", ");
    let mut lines =
        vec![Line::new(style).add(Tone::Strong, format!("with {with} (nothing is written)"))];
    for (title, change) in [("sent", tried.sent), ("kept", tried.kept)] {
        lines.push(changed(style, title, change));
    }
    for source in &tried.hidden {
        let text = format!("the build fails: {} would be ignored", of(source));
        lines.push(Line::new(style).text(" ").add(Tone::Bad, "✗").text(" ").text(text));
    }
    write_lines(out, style, &lines)
}

fn changed(style: Style, title: &str, change: Change) -> Line {
    let Change { before, after } = change;
    let line = Line::new(style).text(" ").add(Tone::Dim, title).to(7);
    if before == after {
        return line.text(format!("{}, as before", amount(before)));
    }
    let line = line.text(amount(before)).text(" → ").text(amount(after));
    let tone = if after.bytes <= before.bytes { Tone::Good } else { Tone::Beware };
    let sign = if after.bytes <= before.bytes { "−" } else { "+" };
    line.text("  ").add(tone, format!("{sign}{}", units::size(before.bytes.abs_diff(after.bytes))))
}
