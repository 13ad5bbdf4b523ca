//! `careen fix --clean-system`: what nothing in the engine uses, as fixes of a plan.

use std::time::SystemTime;

use careen_engine::{Removed, Target};
use careen_model::{Fix, Leftover, LeftoverKind, Plan, Planned, Step, units};

use crate::arguments;
use crate::failure::Failure;

/// One fix for each kind, the one that removes the fewest bytes first.
pub(super) fn fixes(options: &arguments::Fix, target: &Target) -> Result<Vec<Planned>, Failure> {
    let doing = "look for what the engine keeps";
    let connection = super::connect(target, doing)?;
    let found = connection
        .leftovers(SystemTime::now())
        .map_err(|err| Failure::could_not(doing, &err).hint(err.hint()))?;
    let is_asked = |kind: LeftoverKind| match kind {
        LeftoverKind::Volumes => options.volumes,
        // The other switch takes care of it, and knows what is in the way.
        LeftoverKind::Cache => !options.clean_cache,
        _ => true,
    };
    let found = found.into_iter().filter(|(kind, _)| is_asked(*kind));
    Ok(found.map(|(kind, items)| planned(kind, items)).collect())
}

fn planned(kind: LeftoverKind, items: Vec<Leftover>) -> Planned {
    let plural = if items.len() == 1 { "" } else { "s" };
    let count = format!("{} {}{plural}", units::count(items.len() as u64), kind.noun());
    let bytes: u64 = items.iter().filter_map(|item| item.bytes).sum();
    let (what, message) = match kind {
        LeftoverKind::Containers => ("that do not run", "their files are lost, their volumes stay"),
        LeftoverKind::Images => {
            ("without a name", "no container needs them; what they share with others stays")
        }
        LeftoverKind::Networks => ("that no container is in", "compose makes its own again"),
        LeftoverKind::Cache => ("that nothing uses", "the next builds run their steps again"),
        LeftoverKind::Volumes => ("that no container has", "the data in them is lost"),
    };
    let what =
        if items.len() == 1 { what.replace("do not run", "does not run") } else { what.to_owned() };
    let size = match kind {
        LeftoverKind::Networks => String::new(),
        _ => format!(", {}", units::size(bytes)),
    };
    let step = Step::RemoveLeftovers { kind, items };
    let fix = Fix::risky(format!("Remove {count} {what}{size}"), step).for_good();
    Planned { rule: "clean-system", message: message.to_owned(), fix }
}

/// How it went, kind by kind; what the engine kept is named with its reason.
pub(super) fn tell(plan: &Plan, removed: &[(LeftoverKind, Removed)]) {
    for (kind, removed) in removed {
        let plural = if removed.ids.len() == 1 { "" } else { "s" };
        let count = units::count(removed.ids.len() as u64);
        super::say(&format!("removed {count} {}{plural}", kind.noun()));
        for (id, why) in &removed.kept {
            super::say(&format!("kept {} {}: {why}", kind.noun(), name(plan, id)));
        }
    }
}

/// What a person knows it by.
fn name<'a>(plan: &'a Plan, id: &'a str) -> &'a str {
    let steps = plan.chosen.iter().flat_map(|planned| &planned.fix.steps);
    let items = steps.filter_map(|step| match step {
        Step::RemoveLeftovers { items, .. } => Some(items),
        _ => None,
    });
    let item = items.flatten().find(|item| item.id == id);
    item.filter(|item| !item.name.is_empty()).map_or(id, |item| &item.name)
}
