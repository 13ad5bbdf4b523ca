//! Fixes that act on the engine instead of on files. None of them can be undone.

use std::path::Path;

use careen_engine::{Connection, EngineError, Removed, Target, recreate_steps, run_steps};
use careen_model::{LeftoverKind, Plan, Step};

/// What was done in the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedied {
    /// Ids of build cache records that are gone.
    pub pruned: Vec<String>,
    pub freed_bytes: u64,
    /// Builders that were made anew.
    pub recreated: Vec<String>,
    /// What nothing used, and what the engine kept of it all the same.
    pub removed: Vec<(LeftoverKind, Removed)>,
}

/// Runs the engine's part of a plan that somebody has agreed to. `buildx_store` is where
/// buildx keeps its builders.
pub fn run(plan: &Plan, target: &Target, buildx_store: &Path) -> Result<Remedied, EngineError> {
    let mut done = Remedied::default();
    let mut leftovers = Vec::new();
    for step in plan.chosen.iter().flat_map(|planned| &planned.fix.steps) {
        match step {
            Step::PruneCache { ids, .. } => {
                let pruned = Connection::open(target)?.prune(ids)?;
                done.pruned.extend(pruned.ids);
                done.freed_bytes += pruned.bytes;
            }
            Step::RecreateBuilder { name, cache } => {
                run_steps(&recreate_steps(buildx_store, name, *cache)?)?;
                done.recreated.push(name.clone());
            }
            Step::RemoveLeftovers { kind, items } => leftovers.push((*kind, items)),
            Step::Edit { .. } | Step::Write { .. } | Step::Show { .. } => {}
        }
    }
    // Shown by size, removed in the order in which one kind holds another.
    leftovers.sort_by_key(|(kind, _)| *kind);
    for (kind, items) in leftovers {
        let removed = Connection::open(target)?.remove_leftovers(kind, items)?;
        done.removed.push((kind, removed));
    }
    Ok(done)
}
