//! What the apt rules share: mounts that keep apt's files, and what becomes pointless with them.

use careen_model::{Edit, Fix, Safety, Span};

use crate::ParsedDockerfile;
use crate::packages::{apt_action, is_apt_install};
use crate::steps::{self, Run, flag_lines, insert};

pub(super) const ARCHIVES: &str = "/var/cache/apt";
pub(super) const LISTS: &str = "/var/lib/apt/lists";

/// Keeps packages where the `docker-clean` hook of Debian and Ubuntu images does not delete them.
///
/// The hook removes `/var/cache/apt/archives/*.deb`; this folder lies beside it, inside the mount,
/// and apt makes it on its own. The image keeps its hook, so nothing in the image changes.
const KEEP: &str = "-o Dir::Cache::archives=kept";

pub(super) fn is_apt(run: &Run<'_>) -> bool {
    run.commands().any(|command| apt_action(command).is_some())
}

pub(super) fn installs(run: &Run<'_>) -> bool {
    run.commands().any(is_apt_install)
}

pub(super) fn updates(run: &Run<'_>) -> bool {
    run.commands().any(|command| apt_action(command) == Some("update"))
}

/// The flag of a cache mount for apt, which allows one writer at a time.
pub(super) fn mount_flag(target: &str) -> String {
    format!("--mount=type=cache,target={target},sharing=locked")
}

/// Adds the mounts that are not there, keeps what is downloaded, drops what cleans up after it.
///
/// `None`: the text cannot be edited with certainty.
pub(super) fn with_mounts(file: &ParsedDockerfile, run: &Run<'_>, title: &str) -> Option<Fix> {
    let cuts = pointless(file, run, &[ARCHIVES, LISTS])?;
    // Words can be added to any script, commands be taken out of plain ones only.
    let can = if cuts.is_empty() { run.takes_words(file) } else { run.is_editable_anywhere(file) };
    if !can {
        return None;
    }
    let missing = [ARCHIVES, LISTS].into_iter().filter(|target| !run.keeps(target));
    let flags: Vec<String> = missing.map(mount_flag).collect();
    let mut fix = Fix::by_hand(title);
    let mut edits = Vec::new();
    if !flags.is_empty() {
        let at = run.flags_end();
        edits.push(insert(at, flag_lines(file, &flags)));
        fix = fix.adds(&flags.join(" "));
    }
    let hook_is_gone = run.joined().contains("docker-clean");
    for command in run.commands().filter(|command| is_apt_install(command) && !hook_is_gone) {
        let (at, _) = command.start()?;
        let place = command.words[at].span.end;
        let text = if command.program() == "apt" {
            format!("{KEEP} -o APT::Keep-Downloaded-Packages=true")
        } else {
            KEEP.to_owned()
        };
        fix = fix.adds(&text);
        edits.push(insert(place, format!(" {text}")));
    }
    for (span, words) in cuts {
        fix = fix.removes(&words);
        edits.push(Edit::replace(span, ""));
    }
    // A step that leaves its lists in the image may be what a container installs from later.
    fix.safety = if removes_lists(run) { Safety::Safe } else { Safety::Risky };
    fix.steps = vec![steps::edits(file, edits)];
    Some(fix)
}

fn removes_lists(run: &Run<'_>) -> bool {
    let emptied = run.commands().filter_map(|c| super::mounted_cache_cleaned::empties(c, run));
    emptied.flatten().any(|folder| folder == LISTS) || run.keeps(LISTS)
}

/// Commands that only empty folders which a mount keeps: what to cut, and the words that go.
///
/// `None`: there is such a command, and it cannot be cut with certainty.
pub(super) fn pointless(
    file: &ParsedDockerfile,
    run: &Run<'_>,
    mounted: &[&str],
) -> Option<Vec<(Span, String)>> {
    let mut cuts = Vec::new();
    for (n, command) in run.script.commands.iter().enumerate() {
        let empties = super::mounted_cache_cleaned::empties(command, run);
        let Some(folders) = empties else { continue };
        if !folders.iter().all(|folder| mounted.iter().any(|mount| is_below(folder, mount))) {
            continue;
        }
        let span = run.cut(file, n)?;
        let words = words_of(file, span);
        cuts.push((span, words));
    }
    // Two cuts that touch would need the operator between them twice.
    let first_is_cut = cuts.iter().any(|(span, _)| span.start == run.flags_end());
    (!(first_is_cut && cuts.len() > 1)).then_some(cuts)
}

fn is_below(folder: &str, mount: &str) -> bool {
    folder == mount || folder.starts_with(&format!("{mount}/"))
}

/// The words of a span, without line continuations.
pub(super) fn words_of(file: &ParsedDockerfile, span: Span) -> String {
    let lines = steps::text(file, span).lines().map(|line| {
        let line = line.trim_end();
        line.strip_suffix(file.file.escape).unwrap_or(line)
    });
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}
