//! What edits of a Dockerfile are expected to save of each rebuild.

use careen_model::rebuild_cost::RebuildCost;
use careen_model::{Basis, Edit, Finding, Saving, apply};
use careen_syntax::dockerfile::parse;

use super::{replay, stages};
use crate::steps::Reading;
use crate::{Facts, ParsedDockerfile};

/// Less is not worth a changed file: a step that does nothing takes about as long.
const LEAST_SECONDS: f64 = 0.5;
/// Nor is less of the whole.
const LEAST_SHARE: f64 = 0.05;
/// With fewer rebuilds nothing can be said about the next one.
const LEAST_REBUILDS: u64 = 5;

/// The same rebuilds before and after some edits.
#[derive(Debug)]
pub(crate) struct Gain {
    pub(crate) before: RebuildCost,
    pub(crate) after: RebuildCost,
}

/// `None`: it is not known what changes, or the edits do not fit.
pub(crate) fn gain(reading: &Reading<'_>, facts: &Facts, edits: &[Edit]) -> Option<Gain> {
    let changes = facts.changes.known()?;
    let text = apply(reading.file.file.text()?, edits).ok()?;
    let edited = ParsedDockerfile { path: reading.file.path.clone(), file: parse(text) };
    let after = replay(&stages(&Reading::of(&edited, &facts.lint.given), facts), changes);
    Some(Gain { before: replay(&stages(reading, facts), changes), after })
}

impl Gain {
    pub(crate) fn seconds(&self) -> f64 {
        self.before.seconds() - self.after.seconds()
    }

    pub(crate) fn is_worth_it(&self) -> bool {
        self.before.rebuilds >= LEAST_REBUILDS
            && self.seconds() >= LEAST_SECONDS
            && self.seconds() >= LEAST_SHARE * self.before.seconds()
    }

    /// Puts what is expected into a finding.
    pub(crate) fn told_in(&self, finding: Finding) -> Finding {
        let (before, after) = (self.before.seconds(), self.after.seconds());
        let unpriced = match self.before.unpriced() {
            0 => String::new(),
            1 => ", 1 step not priced".to_owned(),
            n => format!(", {n} steps not priced"),
        };
        finding
            .because(
                "expected rebuild",
                format!("{before:.1} s, and {after:.1} s after the fix{unpriced}"),
                self.sources(),
            )
            .costs(Saving::SecondsPerRebuild(self.seconds()), self.basis())
    }

    fn basis(&self) -> Basis {
        match (self.before.basis(), self.after.basis()) {
            (Basis::Measured, Basis::Measured) => Basis::Measured,
            _ => Basis::Modelled,
        }
    }

    /// Commits and builds that the figures rest on.
    fn sources(&self) -> String {
        let mut sources = vec![format!("{} commits", self.before.rebuilds)];
        let again = self.before.steps.iter().filter(|step| step.runs > 0);
        for price in again.filter_map(|step| step.price.as_ref()) {
            if !sources.contains(&price.source) {
                sources.push(price.source.clone());
            }
        }
        sources.join(", ")
    }
}
