//! A variable is used before anything in the file sets it.

use careen_model::{Category, Edit, Findings, Fix, Severity};
use careen_syntax::dockerfile::{Base, nearest_name};

use super::misspelt;
use crate::buildkit::{Expanding, change, expanding, on_first_line};
use crate::steps::{Placed, Reading};
use crate::{Check, Facts, Fixable, Rule, Status, Topic};

pub(crate) const RULE: Rule = Rule {
    id: "undefined-variable",
    title: "variables are set before they are used",
    category: Category::Dockerfile,
    topic: Topic::Correctness,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Sometimes,
    since: "0.1",
    aliases: &["UndefinedVar"],
    page: include_str!("undefined_variable.md"),
    check: Check::Dockerfile(check),
};

/// Arguments that are known to BuildKit alone.
const KNOWN: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

fn check(rule: &Rule, reading: &Reading<'_>, facts: &Facts, found: &mut Findings) {
    let is_windows = facts.lint.given.platform.starts_with("windows");
    for step in reading.steps.iter().filter(|step| step.stage.is_some()) {
        for part in expanding(step.instruction, &facts.lint.given) {
            let unmatched = reading.meaning.expand(step.item, &part.text).unmatched;
            for name in unmatched {
                // Every image has a search path, except on Windows.
                let is_path = name == "PATH" && !is_windows;
                let is_set = is_path || KNOWN.contains(&name.as_str());
                let is_declared = reading.meaning.is_declared(step.item, &name);
                if !is_set && !is_declared && !part.declared.contains(&name) {
                    report(rule, reading, step, &part, &name, found);
                }
            }
        }
    }
}

fn report(
    rule: &Rule,
    reading: &Reading<'_>,
    step: &Placed<'_>,
    part: &Expanding<'_>,
    name: &str,
    found: &mut Findings,
) {
    let file = reading.file;
    let known = std::iter::once("PATH").chain(reading.meaning.visible(step.item));
    let meant = nearest_name(name, known.chain(part.declared.iter().map(String::as_str)));
    let ending = meant.map_or_else(String::new, |meant| format!(" (did you mean ${meant}?)"));
    let message = format!("Usage of undefined variable '${name}'{ending}");
    // What the base image sets is not known here, so the name may be right.
    let may_be_set = image_may_set(reading, step);
    let fix = meant.and_then(|meant| {
        let title = format!("Use `${meant}`");
        if may_be_set {
            return Some(Fix::by_hand(format!("{title}, unless the base image sets `${name}`")));
        }
        let spans = misspelt(file, part.span, name)?;
        let edits = spans.into_iter().map(|span| Edit::replace(span, meant)).collect();
        change(file, Fix::risky, title, edits)
    });
    let place = on_first_line(file, step.instruction, part.span);
    let mut finding = rule
        .at(file, place, message)
        .because("variable", name, file.path.display().to_string())
        .maybe_fix(fix);
    if may_be_set {
        finding.severity = Severity::Hint;
    }
    found.push(finding);
}

/// The stage begins with an image, and what that sets is not known here.
fn image_may_set(reading: &Reading<'_>, step: &Placed<'_>) -> bool {
    let mut stage = step.stage;
    while let Some(index) = stage {
        match reading.meaning.stages[index].base {
            Base::Scratch => return false,
            Base::Image(_) => return true,
            Base::Stage(base) => stage = Some(base),
        }
    }
    false
}
