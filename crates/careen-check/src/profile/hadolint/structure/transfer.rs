//! COPY and ADD.

use std::collections::{BTreeMap, BTreeSet};

use careen_model::{Findings, Span};
use careen_syntax::dockerfile::{Keyword, Transfer, Word};

use super::images::start;
use super::{report, unquoted};
use crate::profile::hadolint::bash::Call;
use crate::steps::{Placed, Reading};
use crate::{Facts, Rule};

/// Endings that hadolint takes for archives, in this very case.
const ARCHIVES: [&str; 15] = [
    ".tar", ".Z", ".bz2", ".gz", ".lz", ".lzma", ".tZ", ".tb2", ".tbz", ".tbz2", ".tgz", ".tlz",
    ".tpz", ".txz", ".xz",
];

fn is_archive(path: &str) -> bool {
    ARCHIVES.iter().any(|ending| unquoted(path).ends_with(ending))
}

/// The instructions of one keyword that are no triggers, with sources and destination.
fn each<'r, 'a>(
    reading: &'r Reading<'a>,
    keyword: Keyword,
) -> impl Iterator<Item = (&'r Placed<'a>, Transfer<'a>)> {
    let own = reading.all(keyword).filter(|step| !step.is_trigger);
    own.filter_map(|step| Some((step, step.instruction.transfer()?)))
}

fn last_name(path: &str) -> &str {
    unquoted(path).rsplit(['/', '\\']).next().unwrap_or("")
}

pub(super) fn unpacked(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut archives: Vec<(usize, Span, &str)> = vec![];
    let mut reported: BTreeSet<u32> = BTreeSet::new();
    for (step, transfer) in each(reading, Keyword::Copy) {
        let is_own = transfer.from.is_none();
        let target = transfer.destination.filter(|target| is_archive(&target.text));
        let names: Vec<&Word> = match target {
            Some(target) => vec![target],
            None => transfer.sources.into_iter().filter(|word| is_archive(&word.text)).collect(),
        };
        let kept = names.into_iter().filter(|_| is_own);
        archives.extend(kept.map(|word| (step.item, step.instruction.code, last_name(&word.text))));
    }
    for (item, span, name) in archives {
        let stage = stage_of(reading, item);
        let mut later = reading.bodies().iter().filter(|body| {
            !body.step.is_trigger && body.step.item > item && body.step.stage == stage
        });
        if later.any(|body| body.commands.iter().any(|call| unpacks(call, name)))
            && reported.insert(span.start)
        {
            report(rule, reading, span, "an archive is copied and then unpacked", found);
        }
    }
}

fn stage_of(reading: &Reading<'_>, item: usize) -> Option<usize> {
    reading.meaning.stage_of(item).map(|stage| stage.index)
}

fn unpacks(call: &Call, archive: &str) -> bool {
    let extracts = |argument: &String| {
        matches!(argument.as_str(), "--extract" | "--get")
            || argument.starts_with('-') && argument.contains('x')
    };
    let is_it = match call.name.as_str() {
        "tar" => call.arguments.iter().any(extracts),
        "unzip" | "gunzip" | "bunzip2" | "unlzma" | "unxz" | "zgz" | "uncompress" | "zcat"
        | "gzcat" => true,
        _ => false,
    };
    is_it && call.operands().any(|operand| last_name(operand) == archive)
}

pub(super) fn added(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for (step, transfer) in each(reading, Keyword::Add) {
        let is_fetched = |path: &str| {
            let path = unquoted(path);
            path.starts_with("http://") || path.starts_with("https://")
        };
        let needs_add = |word: &&Word| is_archive(&word.text) || is_fetched(&word.text);
        if !transfer.sources.iter().all(needs_add) {
            report(rule, reading, step.instruction.code, "ADD takes files and folders", found);
        }
    }
}

pub(super) fn many_to_one(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for (step, transfer) in each(reading, Keyword::Copy) {
        let Some(target) = transfer.destination else { continue };
        if transfer.sources.len() > 1 && !unquoted(&target.text).ends_with('/') {
            let message = "several files are copied to no folder";
            report(rule, reading, step.instruction.code, message, found);
        }
    }
}

pub(super) fn unknown_source(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let (mut count, mut aliases) = (0, BTreeSet::new());
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        if let Some(start) = start(step) {
            count += 1;
            aliases.extend(start.alias);
        }
        let is_copy = step.instruction.keyword == Keyword::Copy;
        let Some(flag) = step.instruction.flag("from").filter(|_| is_copy) else { continue };
        let from = flag.text();
        let digits = from.bytes().take_while(u8::is_ascii_digit).count();
        let is_number = from[..digits].parse::<usize>().is_ok_and(|number| number < count);
        if !from.contains(':') && !aliases.contains(from) && !is_number {
            let message = "COPY takes from no stage before it";
            report(rule, reading, step.instruction.code, message, found);
        }
    }
}

pub(super) fn from_itself(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    let mut alias = None;
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        if let Some(start) = start(step) {
            alias = start.alias;
        }
        let is_copy = step.instruction.keyword == Keyword::Copy;
        let from = step.instruction.flag("from").filter(|_| is_copy);
        if from.is_some_and(|from| Some(from.text()) == alias) {
            let message = "COPY takes from its own stage";
            report(rule, reading, step.instruction.code, message, found);
        }
    }
}

pub(super) fn relative(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    // `None` stands for what comes before the first FROM.
    let mut current: Option<&str> = None;
    let mut placed: BTreeMap<Option<&str>, bool> = BTreeMap::new();
    for step in reading.steps.iter().filter(|step| !step.is_trigger) {
        if let Some(start) = start(step) {
            let base = placed.get(&Some(start.image.name)).copied().unwrap_or(false);
            current = Some(start.alias.unwrap_or(start.image.name));
            placed.insert(current, base);
        }
        if step.instruction.keyword == Keyword::Workdir {
            placed.insert(current, true);
        }
        let is_copy = step.instruction.keyword == Keyword::Copy;
        let Some(transfer) = step.instruction.transfer().filter(|_| is_copy) else { continue };
        let Some(target) = transfer.destination.map(|target| unquoted(&target.text)) else {
            continue;
        };
        let mut start = target.chars();
        let is_drive = start.next().is_some_and(char::is_alphabetic) && start.next() == Some(':');
        let is_placed = placed.get(&current) == Some(&true);
        if !is_placed && !is_drive && !target.starts_with(['/', '$']) {
            let message = "COPY goes to a relative path without WORKDIR";
            report(rule, reading, step.instruction.code, message, found);
        }
    }
}

pub(super) fn whole(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for (step, transfer) in each(reading, Keyword::Copy) {
        let is_root = |word: &Word| unquoted(&word.text) == "/";
        let is_whole = transfer.sources.iter().any(|word| is_root(word));
        if transfer.from.is_some() && is_whole && transfer.destination.is_some_and(is_root) {
            report(rule, reading, step.instruction.code, "COPY takes a whole file system", found);
        }
    }
}
