//! Which step of the build before is the same one: by stage, instruction and order.

use std::collections::BTreeSet;

use careen_model::missed::StepInputs;

/// For each step of `now` the place of its twin in `last`.
pub(super) fn twins(last: &[StepInputs], now: &[StepInputs]) -> Vec<Option<usize>> {
    let mut twins = vec![None; now.len()];
    for (before, after) in stages(last, now) {
        let of = |steps: &[StepInputs], stage: &str| -> Vec<usize> {
            (0..steps.len()).filter(|&at| steps[at].stage == stage).collect()
        };
        let (left, right) = (of(last, before), of(now, after));
        for (i, j) in align(last, now, &left, &right) {
            twins[right[j]] = Some(left[i]);
        }
    }
    twins
}

/// Pairs of stages: those of one name, then the rest in order from the end, because stages without
/// a name are numbered and the last one is what is built.
fn stages<'a>(last: &'a [StepInputs], now: &'a [StepInputs]) -> Vec<(&'a str, &'a str)> {
    let names = |steps: &'a [StepInputs]| {
        let mut names: Vec<&str> = Vec::new();
        for step in steps {
            if !names.contains(&step.stage.as_str()) {
                names.push(&step.stage);
            }
        }
        names
    };
    let is_number = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit());
    let (left, right) = (names(last), names(now));
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    pairs.extend(
        right.iter().filter(|name| !is_number(name) && left.contains(name)).map(|&n| (n, n)),
    );
    let used: BTreeSet<&str> = pairs.iter().map(|pair| pair.0).collect();
    let rest = |names: Vec<&'a str>| -> Vec<&'a str> {
        names.into_iter().filter(|name| !used.contains(name)).rev().collect()
    };
    pairs.extend(rest(left).into_iter().zip(rest(right)));
    pairs
}

/// The longest common run of instructions, then what is left between two of them by keyword.
fn align(
    last: &[StepInputs],
    now: &[StepInputs],
    left: &[usize],
    right: &[usize],
) -> Vec<(usize, usize)> {
    let is_same = |i: usize, j: usize| last[left[i]].digest == now[right[j]].digest;
    let (rows, columns) = (left.len(), right.len());
    let mut longest = vec![vec![0usize; columns + 1]; rows + 1];
    for i in (0..rows).rev() {
        for j in (0..columns).rev() {
            longest[i][j] = if is_same(i, j) {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let keyword =
        |step: &StepInputs| step.text.split_whitespace().next().unwrap_or("").to_ascii_uppercase();
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    let (mut gap_left, mut gap_right) = (Vec::new(), Vec::new());
    loop {
        let at_same = i < rows && j < columns && is_same(i, j);
        let at_end = i == rows && j == columns;
        if at_same || at_end {
            for &now_at in &gap_right {
                let wanted = keyword(&now[right[now_at]]);
                let found =
                    gap_left.iter().position(|&at: &usize| keyword(&last[left[at]]) == wanted);
                if let Some(found) = found {
                    // Order is kept: what was passed over has no twin any more.
                    pairs.push((gap_left[found], now_at));
                    gap_left.drain(..=found);
                }
            }
            gap_left.clear();
            gap_right.clear();
            if at_end {
                return pairs;
            }
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if j == columns || (i < rows && longest[i + 1][j] >= longest[i][j + 1]) {
            gap_left.push(i);
            i += 1;
        } else {
            gap_right.push(j);
            j += 1;
        }
    }
}
