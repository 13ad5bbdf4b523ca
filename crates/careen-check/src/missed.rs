//! Why steps ran again: the inputs of two builds side by side, and never a guess.

mod files;
mod twins;

use std::collections::HashMap;

use careen_model::missed::{BuildInputs, Gone, InputRecord, Missed, Reason, StepInputs, StepState};

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
            lost_caches: lost_caches(last, now, step),
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
    Some(record_gone(last, now, step).map_or(Reason::Unknown, Reason::RecordGone))
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

/// All inputs are as they were: is the record that the build before left still there?
fn record_gone(last: &BuildInputs, now: &BuildInputs, step: &StepInputs) -> Option<Gone> {
    if let (Some(before), Some(after)) = (&last.builder, &now.builder)
        && before != after
    {
        return Some(Gone::OtherBuilder);
    }
    let left = last.cache_after.as_ref()?;
    let have = now.cache_before.as_ref()?;
    let is_layer = |record: &&InputRecord| record.kind == "regular";
    let is_gone = |record: &InputRecord| !have.iter().any(|other| other.id == record.id);
    let body = body_of(&step.name);
    let own: Vec<&InputRecord> = left
        .iter()
        .filter(is_layer)
        .filter(|record| !body.is_empty() && record.description.contains(body))
        .collect();
    let gone = if own.is_empty() {
        left.iter().filter(is_layer).any(is_gone)
    } else {
        own.into_iter().any(is_gone)
    };
    let how = if now.pruned_before == Some(true) { Gone::Pruned } else { Gone::Missing };
    gone.then_some(how)
}

/// What a step's name says after its place and its keyword; options are not in descriptions.
fn body_of(name: &str) -> &str {
    let instruction = careen_model::instruction_of(name);
    let mut rest = instruction.split_once(' ').map_or("", |(_, rest)| rest).trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once(' ').map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}

/// Cache mounts that the build before left and that were gone when this one began.
fn lost_caches(last: &BuildInputs, now: &BuildInputs, step: &StepInputs) -> Vec<String> {
    let (Some(left), Some(have)) = (&last.cache_after, &now.cache_before) else { return vec![] };
    if last.builder != now.builder {
        return vec![];
    }
    let body = body_of(&step.name);
    let is_of = |record: &InputRecord, target: &str, id: &str| {
        record.kind == "exec.cachemount"
            && match record.description.split_once(" with id \"") {
                Some((_, rest)) => {
                    let told = rest.strip_suffix('"').unwrap_or(rest);
                    told.trim_start_matches('/') == id.trim_start_matches('/')
                }
                // Old engines do not tell the id: the mount is known by the command that made it.
                None => {
                    record.description.starts_with(&format!("cached mount {target} "))
                        && record.description.contains(body)
                }
            }
    };
    let is_lost = |target: &str, id: &str| {
        let had = left.iter().any(|record| is_of(record, target, id));
        had && !have.iter().any(|record| is_of(record, target, id))
    };
    let gone = step.caches.iter().filter(|(target, id)| is_lost(target, id));
    gone.map(|(target, _)| target.clone()).collect()
}

#[cfg(test)]
mod tests;
