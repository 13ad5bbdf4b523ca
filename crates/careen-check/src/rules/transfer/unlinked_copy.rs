//! COPY from another stage is done again whenever the base changes, though it needs nothing of it.

use careen_model::{Category, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Base, Keyword};

use crate::buildkit::change;
use crate::price::step_seconds;
use crate::rules::format::missing_syntax_line::frontend;
use crate::steps::Reading;
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "unlinked-copy",
    title: "copies from stages do not depend on the base",
    category: Category::Dockerfile,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Style,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &[],
    page: include_str!("unlinked_copy.md"),
    check: Check::Dockerfile(check),
};

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    // Without a frontend of its own the file is also for engines that refuse the flag.
    if frontend(reading.file).is_none_or(|version| version < (1, 4)) {
        return;
    }
    for step in reading.all(Keyword::Copy).filter(|step| !step.is_trigger) {
        let Some(transfer) = step.instruction.transfer() else { continue };
        let Some(stage) = step.stage.filter(|stage| reading.is_shipped(*stage)) else { continue };
        let has_base = matches!(reading.meaning.stages[stage].base, Base::Image(_));
        let Some(from) = transfer.from.filter(|_| has_base && !transfer.link) else { continue };
        let Some(destination) = transfer.destination else { continue };
        let has_name = |flag: &str| flag.bytes().any(|b| !b.is_ascii_digit() && b != b':');
        let is_named = transfer.chown.is_some_and(|flag| has_name(flag.text()));
        if is_named || !is_real(&destination.text) {
            continue;
        }
        let edits = vec![reading.file.file.insert_flag(step.instruction, "--link")];
        let message = "a new base copies these files again: --link would keep their layer";
        let mut finding = rule.at(reading.file, step.instruction.code, message).because(
            "from",
            from.text(),
            reading.file.path.display().to_string(),
        );
        let joined = String::from_utf8_lossy(step.instruction.logical().text());
        if let Some(took) = step_seconds(&facts.history, &joined) {
            finding =
                finding.because("the copy took", format!("{:.1} s", took.seconds), took.source);
        }
        found.push(finding.maybe_fix(change(
            reading.file,
            Fix::risky,
            "Copy with `--link`",
            edits,
        )));
    }
}

/// Distributions have links at these places, which a linked copy would put a folder over.
const LINKS: [&str; 7] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "var"];

/// Absolute, and in no folder that is usually a link.
fn is_real(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let top = rest.split('/').next().unwrap_or("");
    !top.is_empty() && !LINKS.contains(&top) && !path.contains('$')
}
