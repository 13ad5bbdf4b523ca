//! There is no ignore file, so everything below the context is looked at.

use careen_model::{Category, Findings, Fix, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, essential};

pub(super) const RULE: Rule = Rule {
    id: "missing-ignore-file",
    title: "ignore file exists",
    category: Category::Ignore,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("missing_ignore_file.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let context = facts.context()?;
    if context.ignore.exists {
        return Ok(());
    }
    let mut finding = rule.on_context("there is no .dockerignore").because(
        "looked for",
        context.ignore.path.display().to_string(),
        "rules of BuildKit",
    );
    let removable = essential::removable(context);
    if removable.entries > 0 {
        finding = essential::priced(finding, removable);
        let bytes = units::size(removable.bytes);
        finding.message = format!("there is no .dockerignore, and {bytes} need not be sent");
    }
    finding.fixes = essential::fixes(facts, context);
    if finding.fixes.is_empty() {
        finding.fixes = vec![Fix::by_hand("Write one").show("careen fix --dockerignore")];
    }
    found.push(finding);
    Ok(())
}
