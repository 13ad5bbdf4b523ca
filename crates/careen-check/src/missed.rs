//! Why steps ran again: the inputs of two builds side by side, and never a guess.

mod files;
mod records;
mod twins;

pub use records::is_described;

use std::collections::HashMap;

use careen_model::missed::{BuildInputs, Missed, Reason, StepInputs, StepState};

/// One entry for each step of `now` that ran although `last` had it, or that is new.
pub fn missed(last: &BuildInputs, now: &BuildInputs) -> Vec<Missed> {
    let twins = twins::twins(&last.steps, &now.steps);
    let mut found: Vec<Missed> = Vec::new();
    // Steps that ran, with what their chain began with.
    let mut causes: HashMap<&str, String> = HashMap::new();
    // What differs in steps that came from the cache all the same.
    let mut carried: HashMap<&str, Reason> = HashMap::new();
    for (step, twin) in now.steps.iter().zip(&twins) {
        let twin = twin.map(|at| &last.steps[at]);
        if step.state == StepState::Cached {
            // Cached from a build before the last one: what differs is told where a step ran.
            let own = reason(last, now, step, twin, None).filter(is_difference);
            let before = || step.parents.iter().find_map(|id| carried.get(id.as_str()).cloned());
            if let Some(reason) = own.or_else(before) {
                carried.insert(&step.id, reason);
            }
            continue;
        }
        let began = step.state == StepState::Ran;
        let parent = step.parents.iter().find_map(|id| {
            let ran = now.steps.iter().find(|other| other.id == *id)?;
            Some((ran.name.clone(), causes.get(id.as_str())?.clone()))
        });
        let cause = match &parent {
            Some((_, cause)) => cause.clone(),
            None => step.name.clone(),
        };
        if !began {
            continue;
        }
        let Some(reason) = reason(last, now, step, twin, parent.clone()) else {
            // It ran because the build before had not come to its end.
            causes.insert(&step.id, cause);
            continue;
        };
        let before = || step.parents.iter().find_map(|id| carried.get(id.as_str()).cloned());
        let reason = match reason {
            Reason::Unknown | Reason::RecordGone(_) => before().unwrap_or(reason),
            known => known,
        };
        // What a step shares with the one that the chain began with is told there.
        let shared = found.iter().any(|known| known.name == cause && known.reason == reason);
        let reason = match parent {
            Some((parent, cause)) if shared && reason != Reason::NoCache => {
                Reason::Parent { parent, cause }
            }
            _ => reason,
        };
        let cause = if reason.is_first() { step.name.clone() } else { cause };
        causes.insert(&step.id, cause);
        found.push(Missed {
            step: step.id.clone(),
            name: step.name.clone(),
            reason,
            lost_caches: records::lost_caches(last, now, step),
        });
    }
    found
}

fn is_difference(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::Instruction { .. } | Reason::Argument(_) | Reason::Base { .. } | Reason::Files(_)
    )
}

/// `None` when there is nothing to explain.
fn reason(
    last: &BuildInputs,
    now: &BuildInputs,
    step: &StepInputs,
    twin: Option<&StepInputs>,
    parent: Option<(String, String)>,
) -> Option<Reason> {
    if now.no_cache {
        return Some(Reason::NoCache);
    }
    let Some(twin) = twin else {
        return Some(Reason::Instruction { before: None, now: step.text.clone() });
    };
    if twin.digest != step.digest {
        let before = Some(twin.text.clone());
        return Some(Reason::Instruction { before, now: step.text.clone() });
    }
    if let Some((before, now)) = changed_setting(twin, step) {
        return Some(Reason::Instruction { before, now });
    }
    if twin.state == StepState::Unfinished {
        return None;
    }
    let arguments = changed_arguments(last, now, step);
    if !arguments.is_empty() {
        return Some(Reason::Argument(arguments));
    }
    if let Some(base) = changed_base(last, now, step, twin) {
        return Some(base);
    }
    let files = match (&last.files, &now.files) {
        _ if step.sources.is_empty() => files::Compared::Same,
        (Some(before), Some(after)) => files::compare(before, after, &step.sources),
        _ => files::Compared::Unknown,
    };
    if let files::Compared::Changed(changes) = files {
        return Some(Reason::Files(changes));
    }
    if let Some((parent, cause)) = parent {
        return Some(Reason::Parent { parent, cause });
    }
    if files == files::Compared::Unknown {
        return Some(Reason::Unknown);
    }
    Some(records::gone(last, now, step, twin).map_or(Reason::Unknown, Reason::RecordGone))
}

/// The first `ENV`, `USER` or `SHELL` that is not as it was: before and now.
fn changed_setting(twin: &StepInputs, step: &StepInputs) -> Option<(Option<String>, String)> {
    let (before, after) = (&twin.settings, &step.settings);
    if before.iter().map(|(_, digest)| digest).eq(after.iter().map(|(_, digest)| digest)) {
        return None;
    }
    let same = before.iter().zip(after).take_while(|(a, b)| a.1 == b.1).count();
    let old = before.get(same).map(|(text, _)| text.clone());
    // What is gone has no text now.
    let new = after.get(same).map_or_else(String::new, |(text, _)| text.clone());
    Some(match (before.len(), after.len()) {
        // One more stands before the rest, which is the same.
        (b, a) if a == b + 1 && before[same..] == after[same + 1..] => (None, new),
        (b, a) if b == a + 1 && before[same + 1..] == after[same..] => (old, String::new()),
        _ => (old, new),
    })
}

fn changed_arguments(last: &BuildInputs, now: &BuildInputs, step: &StepInputs) -> Vec<String> {
    let seen = step.arguments.iter();
    seen.filter(|name| last.arguments.get(*name) != now.arguments.get(*name)).cloned().collect()
}

fn changed_base(
    last: &BuildInputs,
    now: &BuildInputs,
    step: &StepInputs,
    twin: &StepInputs,
) -> Option<Reason> {
    step.bases.iter().zip(&twin.bases).find_map(|(image, earlier)| {
        let (before, after) = (last.bases.get(earlier), now.bases.get(image));
        let (before, after) = (before?, after?);
        (before != after).then(|| Reason::Base {
            image: image.clone(),
            before: before.clone(),
            now: after.clone(),
        })
    })
}

#[cfg(test)]
mod tests;
