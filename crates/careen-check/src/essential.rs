//! The names that hardly any image needs, and whether an ignore file covers them.

use std::path::Path;

use careen_model::context::Amount;
use careen_model::{Basis, ContextFacts, Edit, Finding, Fix, Safety, Saving, Span, Step};
use careen_syntax::ignore::{Matcher, read};

use crate::generate::ignore_file::{KEPT, Proposal, Request, propose, propose_safe};
use crate::words::counted;
use crate::{Facts, price};

/// One name that belongs into every ignore file.
#[derive(Debug)]
pub(crate) struct Essential {
    /// As it is documented and reported.
    pub(crate) name: &'static str,
    /// Paths that must not be sent for the name to be covered.
    probes: &'static [&'static str],
}

pub(crate) const ALL: [Essential; 9] = [
    Essential { name: ".git", probes: &[".git/config"] },
    Essential { name: "__pycache__", probes: &["__pycache__/a.nbi", "src/__pycache__/a.nbi"] },
    Essential { name: "*.pyc", probes: &["a.pyc", "src/a.pyc"] },
    Essential { name: ".venv", probes: &[".venv/bin/python"] },
    Essential { name: "node_modules", probes: &["node_modules/a/index.js"] },
    Essential { name: "videos", probes: &["videos/a.mp4"] },
    Essential { name: "data", probes: &["data/a.csv"] },
    Essential { name: "models", probes: &["models/a.pt"] },
    Essential { name: "weights", probes: &["weights/a.pt"] },
];

/// The essential names that this text does not cover. A text that BuildKit refuses covers nothing.
pub(crate) fn missing(text: &str) -> Vec<&'static Essential> {
    let matcher = Matcher::new(&read(text.as_bytes()).patterns).ok();
    let covered = |essential: &Essential| {
        let matcher = matcher.as_ref()?;
        let ignored = |path: &&str| matcher.is_match(path.as_bytes()).unwrap_or(false);
        Some(essential.probes.iter().all(ignored))
    };
    ALL.iter().filter(|essential| covered(essential) != Some(true)).collect()
}

/// What the categories of the ignore file writer would take out of the context, at most.
///
/// Categories overlap (a video in `videos` is a large file too), so the sum may exceed what there is.
pub(crate) fn removable(context: &ContextFacts) -> Amount {
    let mut sum = Amount::default();
    for category in &context.categories {
        sum.entries += category.amount.entries;
        sum.files += category.amount.files;
        sum.bytes += category.amount.bytes;
    }
    let kept = context.kept;
    Amount {
        entries: sum.entries.min(kept.entries),
        files: sum.files.min(kept.files),
        bytes: sum.bytes.min(kept.bytes),
    }
}

/// Enough to be worth a warning: it costs a noticeable time or many bytes.
pub(crate) fn is_worth_a_word(removable: Amount) -> bool {
    removable.bytes >= 1_000_000 || removable.entries >= 100
}

/// Seconds of the next first build that sending this amount costs.
pub(crate) fn priced(finding: Finding, removable: Amount) -> Finding {
    finding.costs(Saving::Seconds(price::first_send_seconds(removable)), Basis::Modelled)
}

/// Completes the ignore file in force, or writes one, by category; empty when there is nothing
/// that it would add.
///
/// What the build copies by name is never hidden. First the whole, which is risky when it hides
/// more than what tools make: data may be what a `COPY . .` is there for. Then the safe part of it.
pub(crate) fn fixes(facts: &Facts, context: &ContextFacts) -> Vec<Fix> {
    let Ok(project) = facts.project() else { return vec![] };
    let existing = context.ignore.text.as_deref().filter(|_| context.ignore.exists);
    let target = project.target.as_deref();
    let sources = facts.dockerfile.as_ref().map(|file| file.file.context_sources(target));
    let needed: Vec<String> =
        sources.unwrap_or_default().into_iter().map(|source| source.path).collect();
    let amounts = &context.categories;
    let request = Request { existing, project, amounts, needed: &needed, keep: &KEPT };
    let offer = |proposal: &Proposal| {
        let added = proposal.text.strip_prefix(existing.unwrap_or(""))?;
        if proposal.added.is_empty() {
            return None;
        }
        let groups = counted(proposal.added.len(), "group", "groups");
        let title = format!("Ignore what no image needs ({groups} of patterns)");
        let safety = if proposal.is_safe() { Safety::Safe } else { Safety::Risky };
        Some(Fix { safety, ..append(context, &title, added) })
    };
    let whole = propose(&request);
    let mut fixes: Vec<Fix> = offer(&whole).into_iter().collect();
    if !whole.is_safe() {
        fixes.extend(offer(&propose_safe(&request)));
    }
    fixes
}

/// Hides single paths. Risky: the image may need them.
pub(crate) fn hide<'a>(context: &ContextFacts, paths: impl Iterator<Item = &'a Path>) -> Fix {
    let lines: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    let text = context.ignore.text.as_deref().filter(|_| context.ignore.exists).unwrap_or("");
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut added = lines.join(end) + end;
    if !text.is_empty() && !text.ends_with('\n') {
        added.insert_str(0, end);
    }
    let title = "Ignore these files; give the build what it needs as a secret mount";
    append(context, title, &added)
}

/// New lines at the end: later lines win, and nobody's comments move.
fn append(context: &ContextFacts, title: &str, added: &str) -> Fix {
    let path = context.ignore.path.clone();
    let text = context.ignore.text.as_deref().filter(|_| context.ignore.exists);
    let Some(text) = text else {
        let step = Step::Write { path, text: added.to_owned(), executable: false };
        return Fix::risky(title, step);
    };
    let at = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let edit = Edit::replace(Span { start: at, end: at }, added);
    Fix::risky(title, Step::Edit { path, edits: vec![edit] })
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
