//! Docker's client has the builder keep one copy of the context for several folders.

use careen_model::{
    Basis, Category, ContextFacts, Findings, Fix, Namesake, Saving, Severity, Why, units,
};

use crate::words::counted;
use crate::{Check, Facts, Fixable, Rule, Status, Topic, calibrate, transfer_times};

pub(super) const RULE: Rule = Rule {
    id: "shared-context-copy",
    title: "copy of the context of its own",
    category: Category::Context,
    topic: Topic::Performance,
    status: Status::Stable,
    severity: Severity::Warning,
    fixable: Fixable::Always,
    since: "0.1",
    aliases: &[],
    page: include_str!("shared_context_copy.md"),
    check: Check::Facts(check),
};

fn check(rule: &Rule, facts: &Facts, found: &mut Findings) -> Result<(), Why> {
    let namesakes = facts.history.namesakes.get()?;
    let (own, others): (Vec<&Namesake>, Vec<&Namesake>) =
        namesakes.iter().partition(|namesake| namesake.is_this);
    let ([own], [_, ..]) = (own.as_slice(), others.as_slice()) else { return Ok(()) };
    let context = facts.context()?;
    let seconds = in_full_seconds(facts, context);
    if seconds < WORTH_A_WORD {
        return Ok(());
    }
    let name = own.folder.file_name().unwrap_or_default().to_string_lossy();
    let message = format!(
        "`docker build` keeps one copy for {} named `{name}`: each build after one of another sends \
         the context in full",
        counted(namesakes.len(), "folder", "folders"),
    );
    let mut finding = rule.on_context(message);
    for other in others.iter().take(4) {
        let hours = (facts.now - other.built_at).max(0) / 3600;
        let ago = match hours {
            0 => "within the last hour".to_owned(),
            1..48 => format!("{hours} h ago"),
            _ => format!("{} days ago", hours / 24),
        };
        let value = format!("{}, built {ago}", other.folder.display());
        finding = finding.because("also", value, "what buildx keeps of its builds");
    }
    let fix =
        Fix::by_hand("Build with careen, which has a copy for each path, or rename the folder");
    found.push(
        finding
            .because("sent", units::size(context.sent.bytes), "walk of the context")
            .costs(Saving::Seconds(seconds), Basis::Modelled)
            .fix(fix.show("careen build")),
    );
    Ok(())
}

/// Seconds that a transfer in full takes more than one of what changed. A slow file system makes
/// both wait alike.
fn in_full_seconds(facts: &Facts, context: &ContextFacts) -> f64 {
    let calibration = calibrate(&facts.history);
    let (first, repeated) = transfer_times(context.sent, None, calibration.as_ref());
    (first.seconds() - repeated.seconds()).max(0.0)
}

const WORTH_A_WORD: f64 = 1.0;
