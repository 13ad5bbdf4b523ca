//! What the next rebuild is expected to cost: commits replayed against the stages of a Dockerfile.
//!
//! After a commit, the first instruction of each stage that takes a changed file runs again, all
//! after it, and all stages that build on one of these or copy from it. That is an upper bound
//! where a stage copies something from another that comes out the same.

mod gain;
mod read;
mod taken;

use careen_model::rebuild_cost::{RebuildCost, StepCost, StepPrice};
use careen_model::{ChangeFacts, Fact, Finding, Saving};

use crate::steps::Reading;
use crate::{Facts, ParsedDockerfile};

pub(crate) use gain::{Gain, gain};
pub(crate) use read::{changes_each_time, stages, variables};
pub(crate) use taken::Taken;

/// A stage in the order of the file; a stage needs only stages before it.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    pub(crate) base: Option<usize>,
    /// The build does not need it.
    pub(crate) is_unused: bool,
    pub(crate) steps: Vec<Step>,
}

/// An instruction that runs, or that decides what others see.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) line: u32,
    pub(crate) text: String,
    /// What it takes from the context.
    pub(crate) takes: Vec<Taken>,
    /// Stages it copies from.
    pub(crate) from: Vec<usize>,
    pub(crate) kind: Kind,
    pub(crate) price: Option<StepPrice>,
}

/// What a step has to do with the steps before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// COPY and ADD: what changed before it runs it again, a variable does not.
    #[default]
    Files,
    /// COPY `--link`: it runs again for its own sake alone.
    Linked,
    /// RUN sees files and variables.
    Command,
    /// ARG or ENV with another value in every build: it is no step, and RUN sees it.
    NewValue,
}

/// What the next rebuild of this Dockerfile is expected to cost.
///
/// Without knowledge of commits there is no expectation.
pub fn rebuild_cost(file: &ParsedDockerfile, facts: &Facts) -> Fact<RebuildCost> {
    let cost = |changes| replay(&stages(&Reading::of(file, &facts.lint.given), facts), changes);
    Fact::from(facts.changes.get().map(cost))
}

/// What one instruction costs of each rebuild: its seconds times how often commits run it again.
pub(crate) fn expected(
    finding: Finding,
    reading: &Reading<'_>,
    facts: &Facts,
    line: u32,
) -> Finding {
    let Fact::Known(changes) = &facts.changes else { return finding };
    let cost = replay(&stages(reading, facts), changes);
    let Some(step) = cost.steps.iter().find(|step| step.line == line) else { return finding };
    let (Some(price), Some(seconds)) = (&step.price, cost.expected(step)) else { return finding };
    let often = format!("{:.1} s, in {} of {} rebuilds", price.seconds, step.runs, cost.rebuilds);
    let finding = finding.because("the step takes", often, price.source.clone());
    if step.runs == 0 {
        return finding;
    }
    finding.costs(Saving::SecondsPerRebuild(seconds), price.basis)
}

/// Replays the commits.
pub(crate) fn replay(stages: &[Stage], changes: &ChangeFacts) -> RebuildCost {
    let mut cost = RebuildCost::default();
    let mut counts: Vec<Vec<(u64, u64)>> =
        stages.iter().map(|stage| vec![(0, 0); stage.steps.len()]).collect();
    for commit in changes.rebuilds() {
        cost.rebuilds += 1;
        let mut ends: Vec<State> = Vec::with_capacity(stages.len());
        for (stage, counts) in stages.iter().zip(&mut counts) {
            let mut state = stage.base.map_or(State::default(), |base| ends[base]);
            for (step, count) in stage.steps.iter().zip(counts) {
                if stage.is_unused {
                    break;
                }
                if step.kind == Kind::NewValue {
                    state.sees_new_value = true;
                    continue;
                }
                let own = step.from.iter().any(|from| ends[*from].is_new)
                    || step.takes.iter().any(|taken| taken.is_in(&commit.paths))
                    || (step.kind == Kind::Command && state.sees_new_value);
                let runs = own || (state.is_new && step.kind != Kind::Linked);
                count.0 += u64::from(runs);
                count.1 += u64::from(own && !state.is_new);
                state.is_new |= own;
            }
            ends.push(state);
        }
    }
    for (stage, counts) in stages.iter().zip(counts).filter(|(stage, _)| !stage.is_unused) {
        let steps = stage.steps.iter().zip(counts);
        let steps = steps.filter(|(step, _)| step.kind != Kind::NewValue);
        cost.steps.extend(steps.map(|(step, (runs, first))| StepCost {
            line: step.line,
            text: step.text.clone(),
            runs,
            first,
            price: step.price.clone(),
        }));
    }
    cost
}

/// Where a replay stands in a stage.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Something before this place ran again.
    is_new: bool,
    sees_new_value: bool,
}

#[cfg(test)]
mod tests {
    use careen_model::Basis;
    use careen_model::changes::Commit;

    use super::*;

    fn step(kind: Kind, takes: &[&str], seconds: f64) -> Step {
        let takes = takes.iter().map(|path| Taken::of(path, &[])).collect();
        let price = StepPrice { seconds, basis: Basis::Measured, source: "build 1".to_owned() };
        Step { takes, kind, price: Some(price), ..Step::default() }
    }

    fn files(takes: &[&str], seconds: f64) -> Step {
        step(Kind::Files, takes, seconds)
    }

    fn run(seconds: f64) -> Step {
        step(Kind::Command, &[], seconds)
    }

    fn stage(steps: Vec<Step>) -> Stage {
        Stage { steps, ..Stage::default() }
    }

    fn changes(commits: &[&[&str]]) -> ChangeFacts {
        let commit = |paths: &&[&str]| Commit {
            is_first: false,
            paths: paths.iter().map(|path| path.as_bytes().to_owned()).collect(),
        };
        ChangeFacts { commits: commits.iter().map(commit).collect(), ..ChangeFacts::default() }
    }

    /// `runs/first` of each step, and the expected seconds.
    fn check(stages: &[Stage], commits: &[&[&str]], counts: &str, seconds: f64) {
        let cost = replay(stages, &changes(commits));
        let told: Vec<String> =
            cost.steps.iter().map(|step| format!("{}/{}", step.runs, step.first)).collect();
        assert_eq!(told.join(" "), counts);
        assert!((cost.seconds() - seconds).abs() < 1e-9, "{} s, not {seconds} s", cost.seconds());
    }

    #[test]
    fn all_after_the_first_change_runs_again() {
        let sick = || stage(vec![files(&["."], 1.0), run(10.0), run(4.0)]);
        // Each of the two commits costs 1 + 10 + 4.
        check(&[sick()], &[&["a"], &["b"]], "2/2 2/0 2/0", 15.0);
        let early = || files(&["lock"], 1.0);
        let healed = || stage(vec![early(), run(10.0), files(&["."], 1.0), run(4.0)]);
        // (1 + 4) + (1 + 4) + (1 + 10 + 1 + 4) = 26, over three commits.
        let commits: &[&[&str]] = &[&["a"], &["b"], &["lock", "a"]];
        check(&[healed()], commits, "1/1 1/0 3/2 3/0", 26.0 / 3.0);
        check(&[healed()], &[], "0/0 0/0 0/0 0/0", 0.0);
        check(&[stage(vec![files(&["src"], 1.0), run(1.0)])], &[&["docs/x"]], "0/0 0/0", 0.0);
    }

    #[test]
    fn stages_that_build_on_another_follow_it() {
        let base = stage(vec![run(9.0), files(&["src"], 1.0), run(5.0)]);
        let on_it = Stage { base: Some(0), ..stage(vec![run(2.0)]) };
        let copies = |from| Step { from: vec![from], ..files(&[], 1.0) };
        let last = stage(vec![run(3.0), copies(1), run(4.0)]);
        let unused = Stage { is_unused: true, ..stage(vec![files(&["."], 100.0)]) };
        // src: 1 + 5, then 2, then 1 + 4; docs: nothing. 13 over two commits.
        let commits: &[&[&str]] = &[&["src/a"], &["docs/a"]];
        check(&[base, on_it, last, unused], commits, "0/0 1/1 1/0 1/0 0/0 1/1 1/0", 6.5);
    }

    #[test]
    fn a_linked_copy_runs_for_its_own_sake_alone() {
        let linked = step(Kind::Linked, &["b"], 3.0);
        let steps = vec![files(&["a"], 1.0), linked, run(5.0)];
        // a: 1 + 5; b: 3 + 5.
        check(&[stage(steps)], &[&["a"], &["b"]], "1/1 1/1 2/0", 7.0);
    }

    #[test]
    fn a_new_value_runs_commands_and_no_copies() {
        let new = step(Kind::NewValue, &[], 0.0);
        let steps = vec![new, files(&["a"], 1.0), run(5.0), files(&["b"], 2.0)];
        // c changes nothing that is copied, yet the value is new: 5 + 2.
        check(&[stage(steps)], &[&["c"]], "0/0 1/1 1/0", 7.0);
    }

    #[test]
    fn a_first_commit_and_a_merge_are_no_rebuilds() {
        let mut changes = changes(&[&["a"], &[], &["a"]]);
        changes.commits[2].is_first = true;
        let cost = replay(&[stage(vec![files(&["a"], 2.0)])], &changes);
        assert_eq!((cost.rebuilds, cost.steps[0].runs), (1, 1));
    }

    #[test]
    fn what_has_no_price_is_counted() {
        let mut unknown = run(0.0);
        unknown.price = None;
        let cost = replay(&[stage(vec![files(&["a"], 2.0), unknown])], &changes(&[&["a"]]));
        assert_eq!((cost.unpriced(), cost.seconds()), (1, 2.0));
    }
}
