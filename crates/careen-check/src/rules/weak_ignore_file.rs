//! The ignore file lets through what no image needs.

use careen_model::{Category, Findings, Severity, Why, units};

use crate::{Check, Facts, Fixable, Rule, Status, Topic, essential};

pub(super) const RULE: Rule = Rule {
    id: "weak-ignore-file",
    title: "essential patterns",
    category: Category::Ignore,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("weak_ignore_file.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let context = facts.context()?;
    let Some(text) = context.ignore.text.as_deref().filter(|_| context.ignore.exists) else {
        // A missing file is another finding.
        return Ok(());
    };
    let missing = essential::missing(text);
    let removable = essential::removable(context);
    let is_weak = missing.len() * 5 >= essential::ALL.len() * 2;
    let is_costly = essential::is_worth_a_word(removable);
    // What is left may be what the build needs: then there is nothing to add, and nothing to say.
    let fixes = essential::fixes(facts, context);
    if fixes.is_empty() || !(is_costly || is_weak) {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|essential| essential.name).collect();
    let message = if is_costly {
        format!(
            "the ignore file lets up to {} in {} entries through that no image needs",
            units::size(removable.bytes),
            units::count(removable.entries)
        )
    } else {
        format!("{} of {} essential patterns are missing", names.len(), essential::ALL.len())
    };
    let mut finding = rule.on_context(message).because(
        "ignore file in force",
        context.ignore.path.display().to_string(),
        "rules of BuildKit",
    );
    if !names.is_empty() {
        finding = finding.because("not ignored", names.join(" "), "matched as BuildKit matches");
    }
    for category in context.categories.iter().filter(|category| category.amount.entries > 0) {
        let value = format!("{} {}", category.category, units::size(category.amount.bytes));
        finding = finding.because("would be removed", value, "walk of the context");
    }
    if is_costly {
        finding = essential::priced(finding, removable);
    } else {
        finding.severity = Severity::Hint;
    }
    finding.fixes = fixes;
    found.push(finding);
    Ok(())
}
