//! Which records of the build cache the builds of a proof made.
//!
//! No engine tells whose a record is. One is a proof's own when it came to be while a step of one
//! of its builds ran, is described as that step is, lies on what the step before it made, and when
//! there are no more such records than such steps. Where there are more, those that lie under a
//! record that is surely ours are ours too; the rest is nobody's to remove.
//!
//! A builder that is asked for the same by two builds at once does it once. Such a step is told as
//! if it had not run here, and its record is the other build's as well: it stays.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use careen_check::is_described;
use careen_model::engine::CacheRecord;
use careen_model::missed::{StepInputs, StepState};
use careen_model::{BuildRecord, Run, instruction_of};

/// Between the engine's time of a record and ours of the step that made it; measured under 1 ms.
const SLACK: i64 = 5_000_000;

/// How long a builder may go on with what a killed careen had asked for, and how long its news
/// were on their way.
const AFTER_KILL: i64 = 1_000_000_000;

/// The steps of every build that fetch something from the context.
const FROM_CONTEXT: [&str; 2] = ["load build context", "load .dockerignore"];

/// One build of a proof.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// Which copy of the context it used: those of one name share one.
    pub(super) context: String,
    /// Nanoseconds since the Unix epoch from which its times count.
    pub(super) began: i64,
    pub(super) record: BuildRecord,
    pub(super) steps: Vec<StepInputs>,
}

/// Ids, of each kind of certainty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) sure: HashSet<String>,
    /// Like ours, but somebody else's build may have made them.
    pub(super) doubtful: HashSet<String>,
}

/// Something that a step of ours has left, once.
#[derive(Debug)]
struct Slot<'a> {
    what: Left<'a>,
    /// Stretches of time, in nanoseconds since the Unix epoch.
    times: Vec<(i64, i64)>,
    /// The steps before it whose layers it may lie on, when all of them ran in this build.
    on: Option<Vec<usize>>,
}

#[derive(Debug)]
enum Left<'a> {
    Layer(&'a StepInputs),
    /// The layer of a `COPY --link` put on top of what was before.
    Link(&'a StepInputs),
    /// A cache mount with this target, where engines do not tell its id.
    Mount(&'a StepInputs, &'a str),
    /// The copy of the context or its ignore file, where engines call it by its usual name.
    Context,
}

/// The records of `now` that these builds made; in the order in which the builds began.
pub(super) fn own(builds: &[Made], now: &[CacheRecord]) -> Owned {
    let slots = slots(builds);
    let first = builds.iter().map(|build| build.began).min().unwrap_or(i64::MAX);
    // For each record the slots that it may fill.
    let mut fits: HashMap<&str, Vec<usize>> = HashMap::new();
    for record in now.iter().filter(|record| created(record) >= first) {
        let fitting: Vec<usize> =
            (0..slots.len()).filter(|&slot| slots[slot].may_be(record)).collect();
        if !fitting.is_empty() {
            fits.insert(&record.id, fitting);
        }
    }
    let by_id: HashMap<&str, &CacheRecord> =
        now.iter().map(|record| (record.id.as_str(), record)).collect();
    without_misplaced(&mut fits, &slots, &by_id);
    let mut sure: HashSet<&str> = HashSet::new();
    loop {
        let known = sure.len();
        for (records, filled) in groups(&fits, &sure) {
            if records.len() <= filled.len() {
                sure.extend(records);
            }
        }
        let under: Vec<&str> = sure
            .iter()
            .flat_map(|id| by_id[id].parents.iter().map(String::as_str))
            .filter(|id| fits.contains_key(id))
            .collect();
        sure.extend(under);
        if sure.len() == known {
            break;
        }
    }
    // Where all that it may be is known to be another record, it is somebody else's.
    let filled = filled(&fits, &sure);
    let is_open = |slots: &[usize]| slots.iter().any(|slot| !filled.contains(slot));
    let doubtful = fits.iter().filter(|(id, slots)| !sure.contains(*id) && is_open(slots));
    Owned {
        doubtful: doubtful.map(|(&id, _)| id.to_owned()).collect(),
        sure: sure.into_iter().map(str::to_owned).collect(),
    }
}

/// Takes slots from records that lie on something else than the step before left.
fn without_misplaced(
    fits: &mut HashMap<&str, Vec<usize>>,
    slots: &[Slot<'_>],
    by_id: &HashMap<&str, &CacheRecord>,
) {
    loop {
        let lies_well = |id: &str, slot: usize| {
            let parents = &by_id[id].parents;
            let Some(on) = slots[slot].on.as_ref().filter(|_| !parents.is_empty()) else {
                return true;
            };
            let is_on = |parent: &String| {
                fits.get(parent.as_str()).is_some_and(|its| its.iter().any(|it| on.contains(it)))
            };
            parents.iter().any(is_on)
        };
        let left: HashMap<&str, Vec<usize>> = fits
            .iter()
            .map(|(&id, all)| (id, all.iter().copied().filter(|&at| lies_well(id, at)).collect()))
            .filter(|(_, all): &(_, Vec<usize>)| !all.is_empty())
            .collect();
        if left == *fits {
            return;
        }
        fits.retain(|id, all| match left.get(id) {
            Some(fewer) => {
                all.clone_from(fewer);
                true
            }
            None => false,
        });
    }
}

/// Records that could change places, with the slots among which they could; without the records
/// that are sure and the slots that these fill for certain.
fn groups<'a>(
    fits: &HashMap<&'a str, Vec<usize>>,
    sure: &HashSet<&str>,
) -> Vec<(Vec<&'a str>, HashSet<usize>)> {
    let filled = filled(fits, sure);
    let mut groups: Vec<(Vec<&'a str>, HashSet<usize>)> = Vec::new();
    for (&id, slots) in fits.iter().filter(|(id, _)| !sure.contains(*id)) {
        let open: HashSet<usize> =
            slots.iter().copied().filter(|slot| !filled.contains(slot)).collect();
        let mut merged = (vec![id], open);
        groups.retain_mut(|(records, slots)| {
            let apart = slots.is_disjoint(&merged.1);
            if !apart {
                merged.0.append(records);
                merged.1.extend(slots.drain());
            }
            apart
        });
        groups.push(merged);
    }
    groups
}

/// Slots that a sure record fills because it fits nowhere else.
fn filled(fits: &HashMap<&str, Vec<usize>>, sure: &HashSet<&str>) -> HashSet<usize> {
    let only = |id: &&str| match fits[id].as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    sure.iter().filter_map(only).collect()
}

impl Slot<'_> {
    fn may_be(&self, record: &CacheRecord) -> bool {
        let at = created(record);
        self.times.iter().any(|&(from, until)| (from..=until).contains(&at))
            && self.is_described(record)
    }

    fn is_described(&self, record: &CacheRecord) -> bool {
        let told = record.description.as_str();
        match (&self.what, record.kind.as_str()) {
            (Left::Layer(step), "regular") => {
                // Engines before 23 say no more of what a file operation made.
                let is_file = told == "fileop target" && is_file_step(step);
                is_file || is_described(told, step)
            }
            (Left::Link(step), "regular") => told
                .split_once(" LINK ")
                .is_some_and(|(place, rest)| format!("{place} {rest}") == step.name),
            (Left::Mount(step, target), "exec.cachemount") => {
                let rest = told.strip_prefix(&format!("cached mount {target} from exec "));
                rest.is_some_and(|rest| is_described(&format!("mount / from exec {rest}"), step))
            }
            (Left::Context, "source.local") => told == "local source for context",
            _ => false,
        }
    }
}

fn is_file_step(step: &StepInputs) -> bool {
    let instruction = instruction_of(&step.name);
    ["COPY ", "ADD ", "WORKDIR "].iter().any(|keyword| instruction.starts_with(keyword))
}

/// What each step that ran has left, or may have.
fn slots(builds: &[Made]) -> Vec<Slot<'_>> {
    let mut slots: Vec<Slot<'_>> = Vec::new();
    // What builds share: there is one of each at any time, and any of them may have made it.
    let mut mounts: HashMap<&str, usize> = HashMap::new();
    let mut contexts: HashMap<(&str, &str), usize> = HashMap::new();
    for build in builds {
        // Of each step that ran: what its layers lie in.
        let mut layers: HashMap<&str, Vec<usize>> = HashMap::new();
        for step in &build.steps {
            let Some(times) = build.times(&step.id, step.state) else { continue };
            for (target, id) in &step.caches {
                let slot = *mounts.entry(id).or_insert_with(|| {
                    let what = Left::Mount(step, target);
                    slots.push(Slot { what, times: vec![], on: None });
                    slots.len() - 1
                });
                slots[slot].times.extend(&times);
            }
            let all_ran = step.parents.iter().all(|id| layers.contains_key(id.as_str()));
            let parents = step.parents.iter().filter_map(|id| layers.get(id.as_str()));
            let on: Vec<usize> = parents.flatten().copied().collect();
            let on = (all_ran && !on.is_empty()).then_some(on);
            let own = layers.entry(&step.id).or_default();
            if instruction_of(&step.name).contains("--link") {
                // It lies on its own layer and on what was before.
                own.push(slots.len());
                slots.push(Slot { what: Left::Link(step), times: times.clone(), on: None });
            }
            own.push(slots.len());
            slots.push(Slot { what: Left::Layer(step), times, on });
        }
        for step in &build.record.steps {
            let Some(what) = FROM_CONTEXT.into_iter().find(|end| step.name.ends_with(end)) else {
                continue;
            };
            let Some(times) = build.times(&step.id, StepState::Ran) else { continue };
            let slot = *contexts.entry((&build.context, what)).or_insert_with(|| {
                slots.push(Slot { what: Left::Context, times: vec![], on: None });
                slots.len() - 1
            });
            slots[slot].times.extend(&times);
        }
    }
    slots
}

impl Made {
    /// When a step was at work, in nanoseconds since the Unix epoch; `None` when it left nothing.
    fn times(&self, step: &str, state: StepState) -> Option<Vec<(i64, i64)>> {
        let is_cut = self.record.outcome.is_none();
        let known = self.record.steps.iter().find(|known| known.id == step);
        let known = known.filter(|it| !it.cached && it.error.is_none())?;
        if state != StepState::Ran && !is_cut {
            return None;
        }
        let nanos = |time: Duration| {
            self.began.saturating_add(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
        };
        let cut = nanos(self.record.total).saturating_add(AFTER_KILL);
        let until = |run: &Run| run.ended.map_or(cut, |at| nanos(at) + SLACK);
        let stretch = |run: &Run| (nanos(run.started) - SLACK, until(run));
        let mut times: Vec<(i64, i64)> = known.runs.iter().map(stretch).collect();
        if times.is_empty() && is_cut {
            // It may have begun when nobody was told any more.
            times.push((nanos(self.record.total) - SLACK, cut));
        }
        (!times.is_empty()).then_some(times)
    }
}

/// Nanoseconds since the Unix epoch.
fn created(record: &CacheRecord) -> i64 {
    let seconds = record.created.unwrap_or(0).saturating_mul(1_000_000_000);
    seconds.saturating_add(i64::from(record.created_nanos))
}

#[cfg(test)]
mod tests {
    use careen_model::{Outcome, StepRecord};

    use super::*;

    const BEGAN: i64 = 1_000_000_000_000;

    /// Steps as `name from..until`, in milliseconds; no end means that nobody was told of it.
    fn made(began_ms: i64, steps: &[(&str, u64, Option<u64>)]) -> Made {
        let at = Duration::from_millis;
        let before = |name: &str| {
            let at = steps.iter().position(|step| step.0 == name).unwrap();
            at.checked_sub(1).map(|at| steps[at].0.to_owned()).into_iter().collect()
        };
        let inputs = |name: &str, ended: bool| StepInputs {
            id: name.into(),
            name: name.into(),
            parents: before(name),
            state: if ended { StepState::Ran } else { StepState::Unfinished },
            caches: if name.contains("type=cache") {
                vec![("/c".to_owned(), "ours-/c".to_owned())]
            } else {
                vec![]
            },
            ..StepInputs::default()
        };
        let step = |&(name, from, until): &(&str, u64, Option<u64>)| StepRecord {
            id: name.into(),
            name: name.into(),
            started: Some(at(from)),
            ended: until.map(at),
            runs: vec![Run { started: at(from), ended: until.map(at) }],
            ..StepRecord::default()
        };
        let is_whole = steps.iter().all(|(_, _, until)| until.is_some());
        let last = steps.iter().map(|(_, from, until)| until.unwrap_or(*from)).max();
        Made {
            context: "ours".into(),
            began: BEGAN + began_ms * 1_000_000,
            record: BuildRecord {
                steps: steps.iter().map(step).collect(),
                total: at(last.unwrap_or(0)),
                outcome: is_whole.then_some(Outcome::Built),
                ..BuildRecord::default()
            },
            steps: steps.iter().map(|(name, _, until)| inputs(name, until.is_some())).collect(),
        }
    }

    fn record(id: &str, at_ms: i64, parents: &[&str], description: &str) -> CacheRecord {
        let at = BEGAN + at_ms * 1_000_000;
        CacheRecord {
            id: id.into(),
            kind: if description.starts_with("cached mount") {
                "exec.cachemount"
            } else {
                "regular"
            }
            .into(),
            created: Some(at / 1_000_000_000),
            created_nanos: u32::try_from(at % 1_000_000_000).unwrap(),
            parents: parents.iter().map(|&id| id.to_owned()).collect(),
            description: description.into(),
            ..CacheRecord::default()
        }
    }

    #[track_caller]
    fn check(builds: &[Made], now: &[CacheRecord], sure: &[&str], doubtful: &[&str]) {
        let set = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        assert_eq!(own(builds, now), Owned { sure: set(sure), doubtful: set(doubtful) });
    }

    const COPY: &str = "[1/2] COPY rootfs /";
    const RUN: &str = "[2/2] RUN make";
    const MADE: &str = "mount / from exec /bin/sh -c make";

    #[test]
    fn what_came_to_be_while_its_step_ran_is_ours() {
        let build = made(0, &[(COPY, 10, Some(20)), (RUN, 21, Some(900))]);
        let now = [
            record("old", -5, &[], COPY),
            record("copy", 19, &[], COPY),
            record("run", 899, &["copy"], MADE),
            record("late", 980, &["copy"], MADE),
            record("other", 500, &[], "mount / from exec /bin/sh -c make install"),
        ];
        check(&[build], &now, &["copy", "run"], &[]);
        check(&[], &now, &[], &[]);
    }

    #[test]
    fn the_same_build_of_somebody_else_is_told_apart_by_what_lies_under_it() {
        let build = made(0, &[(COPY, 10, Some(20)), (RUN, 21, Some(900))]);
        let mut now = vec![
            record("copy", 19, &[], COPY),
            record("run", 899, &["copy"], MADE),
            record("their copy", 200, &[], COPY),
            record("their run", 880, &["their copy"], MADE),
        ];
        check(std::slice::from_ref(&build), &now, &["copy", "run"], &[]);
        // Their first step at the same time, and the second one not.
        now[2] = record("their copy", 15, &[], COPY);
        now[3] = record("their run", 2_000, &["their copy"], MADE);
        check(std::slice::from_ref(&build), &now, &["copy", "run"], &[]);
        // All of it at the same time: nobody can tell.
        now[3] = record("their run", 880, &["their copy"], MADE);
        let all = ["copy", "run", "their copy", "their run"];
        check(std::slice::from_ref(&build), &now, &[], &all);
        // An old engine that tells no parents: only the step at the same time is in doubt.
        let old = [
            record("copy", 19, &[], "fileop target"),
            record("run", 899, &[], MADE),
            record("their run", 880, &[], MADE),
        ];
        check(&[build], &old, &["copy"], &["run", "their run"]);
    }

    #[test]
    fn a_step_that_two_builds_shared_stays_and_what_lies_on_it_is_told_apart() {
        // The engine told the copy as somebody else's: it is no step that ran here.
        let last = "[3/3] COPY app /app";
        let mut build =
            made(0, &[(COPY, 10, Some(20)), (RUN, 21, Some(900)), (last, 901, Some(910))]);
        build.record.steps[0].cached = true;
        let now = [
            record("shared", 19, &[], COPY),
            record("run", 899, &["shared"], MADE),
            record("their run", 898, &["shared"], MADE),
            record("last", 909, &["run"], last),
            record("their last", 1_000, &["their run"], last),
        ];
        check(&[build], &now, &["run", "last"], &[]);
    }

    #[test]
    fn links_and_nameless_mounts_are_ours_once() {
        let link = "[1/2] COPY --link a /a";
        let run = "[2/2] RUN --mount=type=cache,target=/c make";
        let first = made(0, &[(link, 10, Some(20)), (run, 21, Some(90))]);
        let second = made(1_000, &[(run, 21, Some(90))]);
        let mount = "cached mount /c from exec /bin/sh -c make";
        let now = [
            record("layer", 12, &[], link),
            record("link", 19, &["layer"], "[1/2] LINK COPY --link a /a"),
            record("mount", 22, &[], mount),
            record("their mount", 500, &[], mount),
            record("run", 89, &["link"], MADE),
            record("run again", 1_080, &["link"], MADE),
        ];
        check(&[first, second], &now, &["layer", "link", "mount", "run", "run again"], &[]);
    }

    #[test]
    fn a_build_that_was_killed_has_a_moment_more() {
        let build = made(0, &[(COPY, 10, Some(20)), (RUN, 21, None)]);
        let now = [
            record("copy", 19, &[], COPY),
            record("run", 700, &["copy"], MADE),
            record("theirs", 5_000, &["copy"], MADE),
        ];
        check(&[build], &now, &["copy", "run"], &[]);
    }
}
