//! What the files are after each fix of a plan, so that `careen prove --each` can tell fixes apart.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use careen_check::{Policy, RULES, Rule, Scope, plan_rounds};
use careen_model::{Diagnosis, Plan};
use careen_run::apply::Stage;
use careen_run::gather::Gathered;

/// Plans the first rule alone, then the first two, and so on. Rules between which no file changes
/// are one stage; the last stage is the whole plan. Paths are relative to `root`, as the plan's.
pub(super) fn stages(
    plan: &Plan,
    root: &Path,
    (before, diagnosis): (&Gathered, &Diagnosis),
    policy: &Policy,
) -> Vec<Stage> {
    let mut names: Vec<&'static str> = Vec::new();
    for planned in &plan.chosen {
        if !names.contains(&planned.rule) {
            names.push(planned.rule);
        }
    }
    let rule_of = |name: &&'static str| RULES.iter().copied().find(|rule| rule.id == *name);
    let read = |path: &Path| fs::read(path).ok();
    let after_first = |count: usize| -> Files {
        let rules: Vec<&'static Rule> = names[..count].iter().filter_map(rule_of).collect();
        let scope = Scope::Only(rules);
        let alone = Policy { scope, requests: vec![], extra: vec![], ..policy.clone() };
        let mut first = plan_rounds(diagnosis, &before.facts, &read, &alone);
        super::relative_to(root, &mut first);
        files_of(&first)
    };
    let whole = files_of(plan);
    let after_each = (1..=names.len()).map(|count| match count {
        all if all == names.len() => whole.clone(),
        count => after_first(count),
    });
    grouped(&names, after_each)
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn files_of(plan: &Plan) -> Files {
    plan.files.iter().map(|file| (file.path.clone(), file.after.clone())).collect()
}

fn grouped(names: &[&str], after_each: impl Iterator<Item = Files>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut waiting: Vec<String> = Vec::new();
    for (name, files) in names.iter().zip(after_each) {
        waiting.push((*name).to_owned());
        let is_new = match stages.last() {
            Some(last) => last.files != files,
            None => !files.is_empty(),
        };
        if is_new {
            stages.push(Stage { rules: std::mem::take(&mut waiting), files });
        }
    }
    if let Some(last) = stages.last_mut() {
        last.rules.append(&mut waiting);
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_between_which_nothing_changes_are_one_stage() {
        let check = |texts: &[&str], expected: &[(&[&str], &str)]| {
            let files = |text: &&str| match *text {
                "" => Files::new(),
                text => Files::from([("Dockerfile".into(), text.into())]),
            };
            let names = &["a", "b", "c"][..texts.len()];
            let found = grouped(names, texts.iter().map(files));
            let found: Vec<_> = found
                .iter()
                .map(|stage| {
                    let rules: Vec<&str> = stage.rules.iter().map(String::as_str).collect();
                    let text = stage.files.values().next().unwrap();
                    (rules, String::from_utf8(text.clone()).unwrap())
                })
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(rules, text)| (rules.to_vec(), (*text).to_owned())).collect();
            assert_eq!(found, expected);
        };
        check(&["1", "2", "3"], &[(&["a"], "1"), (&["b"], "2"), (&["c"], "3")]);
        check(&["", "2", "2"], &[(&["a", "b", "c"], "2")]);
        check(&["1", "1", "3"], &[(&["a"], "1"), (&["b", "c"], "3")]);
        check(&[""], &[]);
        check(&[], &[]);
    }
}
