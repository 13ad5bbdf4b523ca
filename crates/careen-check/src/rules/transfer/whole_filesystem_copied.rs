//! COPY lays all files of another stage over an image that has its own.

use careen_model::{Category, Findings, Severity};
use careen_syntax::dockerfile::{Base, Keyword, Word};

use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "whole-filesystem-copied",
    title: "no whole file system is copied over another",
    category: Category::Dockerfile,
    topic: Topic::Size,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Never,
    since: "0.1",
    aliases: &["DL3067"],
    page: include_str!("whole_filesystem_copied.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, _: &Facts, found: &mut Findings) {
    for step in reading.all(Keyword::Copy) {
        let (Some(stage), Some(transfer)) = (step.stage, step.instruction.transfer()) else {
            continue;
        };
        let Some(from) = transfer.from else { continue };
        let is_root = |word: &Word| word.text.trim_matches(['"', '\'']) == "/";
        let is_whole = transfer.sources.iter().any(|word| is_root(word));
        // On an empty stage it is how an image is made of one layer.
        let is_empty = reading.meaning.stages[stage].base == Base::Scratch;
        if !is_whole || is_empty || !transfer.destination.is_some_and(is_root) {
            continue;
        }
        let message =
            format!("all files of `{}` are stored again over those of the base", from.text());
        found.push(rule.at(reading.file, step.instruction.code, message).because(
            "source",
            "/",
            format!("COPY in {}", reading.file.path.display()),
        ));
    }
}
