//! Files that look like secrets would be sent to the engine.

use careen_model::context::{Reach, Secret};
use careen_model::{Category, Findings, Severity, Why};

use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic, essential};

pub(super) const RULE: Rule = Rule {
    id: "secrets-in-context",
    title: "no secrets are sent",
    category: Category::Secrets,
    topic: Topic::Security,
    status: Status::Stable,
    severity: Severity::Error,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("secrets_in_context.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let context = facts.context()?;
    if context.secrets.is_empty() {
        return Ok(());
    }
    // What ends in the image is told apart from what only a build stage sees.
    for (is_grave, ending) in [(true, "within reach of a COPY"), (false, "to a build stage only")] {
        let is_one = |secret: &&Secret| (secret.reach != Reach::BuildStage) == is_grave;
        let secrets: Vec<&Secret> = context.secrets.iter().filter(is_one).collect();
        if secrets.is_empty() {
            continue;
        }
        let files = counted(secrets.len(), "file that looks", "files that look");
        let message = format!("{files} like a secret would be sent, {ending}");
        let mut finding = rule.on_context(message);
        if !is_grave {
            finding.severity = Severity::Warning;
        }
        for secret in secrets.iter().take(8) {
            let path = secret.path.display().to_string();
            finding = finding.because("file", path, secret.because);
        }
        let paths = secrets.iter().map(|secret| secret.path.as_path());
        found.push(finding.fix(essential::hide(context, paths)));
    }
    Ok(())
}
