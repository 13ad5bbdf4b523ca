//! The names that hardly any image needs, and whether an ignore file covers them.

use std::path::Path;

use careen_model::context::Amount;
use careen_model::{Basis, ContextFacts, Edit, Finding, Fix, Safety, Saving, Span, Step};
use careen_syntax::dockerfile::{Instruction, Keyword};
use careen_syntax::ignore::{Matcher, read};

use crate::{Facts, price};

/// One name that belongs into every ignore file.
#[derive(Debug)]
pub(crate) struct Essential {
    /// As it is documented and reported.
    pub(crate) name: &'static str,
    /// As we write it.
    pattern: &'static str,
    /// Paths that must not be sent for the name to be covered.
    probes: &'static [&'static str],
    /// Made by tools and made again by them; ignoring it changes nothing that a program reads.
    is_derived: bool,
}

const fn row(
    name: &'static str,
    pattern: &'static str,
    probes: &'static [&'static str],
    is_derived: bool,
) -> Essential {
    Essential { name, pattern, probes, is_derived }
}

pub(crate) const ALL: [Essential; 9] = [
    row(".git", ".git", &[".git/config"], true),
    row("__pycache__", "**/__pycache__", &["__pycache__/a.nbi", "src/__pycache__/a.nbi"], true),
    row("*.pyc", "**/*.pyc", &["a.pyc", "src/a.pyc"], true),
    row(".venv", ".venv", &[".venv/bin/python"], true),
    row("node_modules", "node_modules", &["node_modules/a/index.js"], true),
    row("videos", "videos", &["videos/a.mp4"], false),
    row("data", "data", &["data/a.csv"], false),
    row("models", "models", &["models/a.pt"], false),
    row("weights", "weights", &["weights/a.pt"], false),
];

/// The essential names that this text does not cover. A text that BuildKit refuses covers nothing.
pub(crate) fn missing(text: &str) -> Vec<&'static Essential> {
    let matcher = Matcher::new(&read(text.as_bytes()).patterns).ok();
    let covered = |essential: &Essential| {
        let matcher = matcher.as_ref()?;
        let ignored = |path: &&str| matcher.is_match(path.as_bytes()).unwrap_or(false);
        Some(essential.probes.iter().all(|path| ignored(&path)))
    };
    ALL.iter().filter(|essential| covered(essential) != Some(true)).collect()
}

/// What the categories of the ignore file writer would take out of the context.
pub(crate) fn removable(context: &ContextFacts) -> Amount {
    let mut sum = Amount::default();
    for category in &context.categories {
        sum.entries += category.amount.entries;
        sum.files += category.amount.files;
        sum.bytes += category.amount.bytes;
    }
    sum
}

/// Seconds of the next first build that sending this amount costs.
pub(crate) fn priced(finding: Finding, removable: Amount) -> Finding {
    finding.costs(Saving::Seconds(price::first_send_seconds(removable)), Basis::Modelled)
}

/// Adds patterns to the ignore file in force, or writes one.
///
/// A name that a COPY asks for is left out. Safe only when all patterns are of derived files.
pub(crate) fn fix(facts: &Facts, context: &ContextFacts, missing: &[&Essential]) -> Fix {
    let wanted = |essential: &&&Essential| !is_copied(facts, essential.name);
    let chosen: Vec<&&Essential> = missing.iter().filter(wanted).collect();
    if chosen.is_empty() {
        return Fix::by_hand("Add patterns for the largest folders that the image does not need")
            .show("careen context");
    }
    let lines: Vec<String> = chosen.iter().map(|essential| essential.pattern.to_owned()).collect();
    let safety = match chosen.iter().all(|essential| essential.is_derived) {
        true => Safety::Safe,
        false => Safety::Risky,
    };
    Fix { safety, ..append(context, "Ignore what no image needs", &lines) }
}

/// Hides single paths. Risky: the image may need them.
pub(crate) fn hide<'a>(context: &ContextFacts, paths: impl Iterator<Item = &'a Path>) -> Fix {
    let lines: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    append(context, "Ignore these files; give the build what it needs as a secret mount", &lines)
}

/// New lines at the end: later lines win, and nobody's comments move.
fn append(context: &ContextFacts, title: &str, lines: &[String]) -> Fix {
    let path = context.ignore.path.clone();
    let text = context.ignore.text.as_deref().filter(|_| context.ignore.exists);
    let Some(text) = text else {
        let text = lines.iter().map(|line| format!("{line}\n")).collect();
        return Fix::risky(title, Step::Write { path, text, executable: false });
    };
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut added: String = lines.iter().map(|line| format!("{line}{end}")).collect();
    if !text.is_empty() && !text.ends_with('\n') {
        added.insert_str(0, end);
    }
    let at = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let edit = Edit::replace(Span { start: at, end: at }, added);
    Fix::risky(title, Step::Edit { path, edits: vec![edit] })
}

/// A COPY or ADD names this folder, or something in it.
fn is_copied(facts: &Facts, name: &str) -> bool {
    let Ok(file) = facts.dockerfile() else { return false };
    let asks = |instruction: &Instruction| {
        let Some(transfer) = instruction.transfer() else { return false };
        let first = |word: &str| {
            let bare = word.trim_matches(['"', '\'']).trim_start_matches("./");
            bare.trim_start_matches('/').split('/').next().unwrap_or("").to_owned()
        };
        transfer.from.is_none() && transfer.sources.iter().any(|word| first(&word.text) == name)
    };
    let mut instructions = file.file.instructions();
    instructions.any(|i| matches!(i.keyword, Keyword::Copy | Keyword::Add) && asks(i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covered_by_meaning_and_not_by_text() {
        let check = |text: &str| missing(text).iter().map(|e| e.name).collect::<Vec<_>>();
        assert_eq!(check("").len(), 9);
        assert_eq!(check("*\n!src"), ["__pycache__", "*.pyc"]);
        assert_eq!(check("*").len(), 0);
        assert_eq!(
            check("**/.git\n**/*.py[co]\n**/__pycache__\n.venv/\n/node_modules"),
            ["videos", "data", "models", "weights"]
        );
        assert_eq!(check("*.pyc\n").len(), 9);
        assert_eq!(check("[\n.git").len(), 9);
    }
}
