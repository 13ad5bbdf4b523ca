//! COPY or ADD of a file that the ignore file keeps out of the context.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{TransferKind, clean_path, quote};
use careen_syntax::ignore::{Matcher, read};

use crate::buildkit::on_first_line;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "ignored-copy-source",
    title: "copied files are not ignored",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &["CopyIgnoredFile"],
    page: include_str!("ignored_copy_source.md"),
    check: Check::Dockerfile(check),
};

/// Patterns that leave nothing of the root.
const ALL: [&str; 3] = ["*", "**", "**/*"];

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let Ok(ignore) = facts.ignore() else { return };
    let Some(text) = &ignore.text else { return };
    let patterns = read(text.as_bytes()).patterns;
    let Ok(matcher) = Matcher::new(&patterns) else { return };
    // What an exception lets through again is not decided by a path alone.
    if patterns.is_empty() || matcher.has_exceptions() {
        return;
    }
    let file = reading.file;
    for step in &reading.steps {
        let Some(transfer) = step.instruction.transfer() else { continue };
        if transfer.from.is_some_and(|from| !from.text().is_empty()) || step.stage.is_none() {
            continue;
        }
        let verb = match transfer.kind {
            TransferKind::Copy => "Copy",
            TransferKind::Add => "Add",
        };
        for word in transfer.sources {
            let expanded = reading.meaning.expand(step.item, &word.text).text;
            if transfer.kind == TransferKind::Add && is_remote(&expanded) {
                continue;
            }
            let path = clean_path(&expanded);
            let is_root = matches!(path.as_str(), "." | "/");
            let empties = || matcher.patterns().iter().any(|p| ALL.contains(&p.text.as_str()));
            if (is_root && !empties()) || matcher.is_match(path.as_bytes()) != Ok(true) {
                continue;
            }
            let quoted = quote(path.as_bytes());
            let message =
                format!("Attempting to {verb} file {quoted} that is excluded by .dockerignore");
            let title = format!("Let `{path}` through, or do not copy it");
            found.push(
                rule.at(file, on_first_line(file, step.instruction, word.span), message)
                    .because("ignored", &path, ignore.path.display().to_string())
                    .fix(Fix::by_hand(title)),
            );
        }
    }
}

/// What ADD fetches.
fn is_remote(source: &str) -> bool {
    let starts = ["http://", "https://", "git://", "ssh://", "git@", "github.com/"];
    starts.iter().any(|start| source.starts_with(start))
}
