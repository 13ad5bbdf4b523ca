//! Hazards of the transfer, counted and named.

use careen_model::ContextFacts;
use careen_model::context::{Amount, HazardKind};

/// The first paths of these kinds, and how many there are; `None` when there are none.
pub(super) fn of(context: &ContextFacts, kinds: &[HazardKind]) -> Option<(String, usize)> {
    let mine = context.hazards.iter().filter(|hazard| kinds.contains(&hazard.kind));
    let paths: Vec<String> = mine.map(|hazard| hazard.path.display().to_string()).collect();
    let shown = paths.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
    let more = paths.len().saturating_sub(4);
    let shown = if more > 0 { format!("{shown} and {more} more") } else { shown };
    (!paths.is_empty()).then_some((shown, paths.len()))
}

/// What all hazards of a kind concern together.
pub(super) fn amount(context: &ContextFacts, kind: HazardKind) -> Amount {
    let mut sum = Amount::default();
    for hazard in context.hazards.iter().filter(|hazard| hazard.kind == kind) {
        sum.entries += hazard.amount.entries;
        sum.files += hazard.amount.files;
        sum.bytes += hazard.amount.bytes;
    }
    sum
}
