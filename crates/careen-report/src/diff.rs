//! A line diff after Myers (1986), and its unified form with three lines of context.

use std::fmt::Write;

const CONTEXT: usize = 3;

/// Beyond this many differing lines the search gives up and replaces the whole middle:
/// its cost grows with the square, and nobody reads such a diff.
const MOST_EDITS: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Same,
    Old,
    New,
}

/// One line of a diff, without its line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiffLine<'a> {
    pub(crate) op: Op,
    pub(crate) text: &'a str,
    /// The file ends here without a line break.
    pub(crate) unended: bool,
}

/// A run of changes with what surrounds it. Line numbers count from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk<'a> {
    pub(crate) old_start: usize,
    pub(crate) old_count: usize,
    pub(crate) new_start: usize,
    pub(crate) new_count: usize,
    pub(crate) lines: Vec<DiffLine<'a>>,
}

/// Lines added and removed between two texts.
pub(crate) fn counts(hunks: &[Hunk<'_>]) -> (usize, usize) {
    let lines = || hunks.iter().flat_map(|hunk| &hunk.lines);
    let of = |op| lines().filter(|line| line.op == op).count();
    (of(Op::New), of(Op::Old))
}

/// The changes from `old` to `new`.
pub(crate) fn hunks<'a>(old: &'a str, new: &'a str) -> Vec<Hunk<'a>> {
    let a: Vec<&str> = old.split_inclusive('\n').collect();
    let b: Vec<&str> = new.split_inclusive('\n').collect();
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y);
    let tail = tail.count();

    let mut ops = vec![Op::Same; head];
    ops.extend(script(&a[head..a.len() - tail], &b[head..b.len() - tail]));
    ops.extend(std::iter::repeat_n(Op::Same, tail));
    group(&a, &b, &ops)
}

/// `@@ -1,3 +1,4 @@`
pub(crate) fn header(hunk: &Hunk<'_>) -> String {
    let range = |start: usize, count: usize| match count {
        1 => start.to_string(),
        _ => format!("{start},{count}"),
    };
    let old = range(hunk.old_start, hunk.old_count);
    format!("@@ -{old} +{} @@", range(hunk.new_start, hunk.new_count))
}

/// The whole unified diff of one file; empty when nothing changed.
pub(crate) fn unified(path: &str, old: Option<&str>, new: &str) -> String {
    let hunks = hunks(old.unwrap_or(""), new);
    let mut out = String::new();
    if hunks.is_empty() {
        return out;
    }
    let from = if old.is_some() { format!("a/{path}") } else { "/dev/null".to_owned() };
    let _ = write!(out, "--- {from}\n+++ b/{path}\n");
    for hunk in &hunks {
        let _ = writeln!(out, "{}", header(hunk));
        for line in &hunk.lines {
            let _ = writeln!(out, "{}{}", sign(line.op), line.text);
            if line.unended {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}

pub(crate) fn sign(op: Op) -> char {
    match op {
        Op::Same => ' ',
        Op::Old => '-',
        Op::New => '+',
    }
}

/// The shortest edit script, one `Op` per line of either side.
fn script(a: &[&str], b: &[&str]) -> Vec<Op> {
    let whole = || {
        let old = std::iter::repeat_n(Op::Old, a.len());
        old.chain(std::iter::repeat_n(Op::New, b.len())).collect()
    };
    if a.is_empty() || b.is_empty() {
        return whole();
    }
    match trace(a, b) {
        Some(rounds) => walk_back(&rounds, a.len(), b.len()),
        None => whole(),
    }
}

/// The furthest `x` on each diagonal after 0, 1, 2 … edits; `None` when there are too many.
fn trace(a: &[&str], b: &[&str]) -> Option<Vec<Vec<usize>>> {
    let most = (a.len() + b.len()).min(MOST_EDITS);
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for d in 0..=most {
        // Diagonal k = x - y lies at index k + d of its round.
        let mut reach = vec![0; 2 * d + 1];
        for index in (0..=2 * d).step_by(2) {
            let mut x = rounds.last().map_or(0, |before| step(before, index, d));
            let mut y = x + d - index;
            while x < a.len() && y < b.len() && a[x] == b[y] {
                (x, y) = (x + 1, y + 1);
            }
            reach[index] = x;
            if (x, y) == (a.len(), b.len()) {
                rounds.push(reach);
                return Some(rounds);
            }
        }
        rounds.push(reach);
    }
    None
}

/// Where diagonal `index` of round `d` begins, given the round before it.
fn step(before: &[usize], index: usize, d: usize) -> usize {
    // The same diagonal is `index - 1` one round earlier; its neighbours are `index` and `index - 2`.
    let down = before.get(index).copied();
    let right = index.checked_sub(2).map(|i| before[i] + 1);
    match (down, right) {
        (Some(down), Some(right)) => down.max(right),
        (Some(down), None) => down,
        (None, Some(right)) => right,
        (None, None) => unreachable!("round {d} has a neighbour"),
    }
}

fn walk_back(rounds: &[Vec<usize>], mut x: usize, mut y: usize) -> Vec<Op> {
    let mut ops = Vec::new();
    for d in (1..rounds.len()).rev() {
        let before = &rounds[d - 1];
        let index = x + d - y;
        let down = before.get(index).copied();
        let right = index.checked_sub(2).map(|i| before[i] + 1);
        let comes_down = match (down, right) {
            (Some(down), Some(right)) => down >= right,
            (down, _) => down.is_some(),
        };
        let start = if comes_down { down } else { right }.expect("one of the neighbours led here");
        while x > start {
            ops.push(Op::Same);
            (x, y) = (x - 1, y - 1);
        }
        if comes_down {
            ops.push(Op::New);
            y -= 1;
        } else {
            ops.push(Op::Old);
            x -= 1;
        }
    }
    ops.extend(std::iter::repeat_n(Op::Same, x));
    ops.reverse();
    ops
}

fn group<'a>(a: &[&'a str], b: &[&'a str], ops: &[Op]) -> Vec<Hunk<'a>> {
    let mut hunks: Vec<Hunk<'a>> = Vec::new();
    let changed = |i: usize| ops[i] != Op::Same;
    let near =
        |i: usize| (i.saturating_sub(CONTEXT)..(i + CONTEXT + 1).min(ops.len())).any(changed);
    let (mut x, mut y, mut open) = (0, 0, false);
    for (i, &op) in ops.iter().enumerate() {
        let wanted = near(i);
        if wanted {
            if !open {
                let none =
                    Hunk { old_start: x, old_count: 0, new_start: y, new_count: 0, lines: vec![] };
                hunks.push(none);
            }
            let hunk = hunks.last_mut().expect("one was just opened");
            let line = if op == Op::New { b[y] } else { a[x] };
            let text = line.strip_suffix('\n').unwrap_or(line);
            hunk.lines.push(DiffLine { op, text, unended: !line.ends_with('\n') });
            hunk.old_count += usize::from(op != Op::New);
            hunk.new_count += usize::from(op != Op::Old);
        }
        open = wanted;
        x += usize::from(op != Op::New);
        y += usize::from(op != Op::Old);
    }
    // An empty side is told by the line before it, so only a side with lines counts from one.
    for hunk in &mut hunks {
        hunk.old_start += usize::from(hunk.old_count > 0);
        hunk.new_start += usize::from(hunk.new_count > 0);
    }
    hunks
}

#[cfg(test)]
mod tests {
    #![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

    use super::*;
    use expect_test::{Expect, expect};

    fn check(old: Option<&str>, new: &str, expected: &Expect) {
        expected.assert_eq(&unified("f", old, new));
    }

    #[test]
    fn a_unified_diff_reads_like_any_other() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        check(
            Some(old),
            &old.replace("5\n", "five\n").replace("12\n", "12\n13"),
            &expect![[r#"
            --- a/f
            +++ b/f
            @@ -2,7 +2,7 @@
             2
             3
             4
            -5
            +five
             6
             7
             8
            @@ -10,3 +10,4 @@
             10
             11
             12
            +13
            \ No newline at end of file
        "#]],
        );
        check(
            None,
            "a\nb\n",
            &expect![[r#"
            --- /dev/null
            +++ b/f
            @@ -0,0 +1,2 @@
            +a
            +b
        "#]],
        );
        check(
            Some("a\nb"),
            "",
            &expect![[r#"
            --- a/f
            +++ b/f
            @@ -1,2 +0,0 @@
            -a
            -b
            \ No newline at end of file
        "#]],
        );
        check(Some("same\n"), "same\n", &expect![[""]]);
    }

    /// Every text over a small alphabet: the diff must rebuild both sides and be minimal.
    #[test]
    fn both_sides_can_be_rebuilt_and_no_script_is_longer_than_needed() {
        let texts: Vec<Vec<&str>> = (0..4_usize.pow(4))
            .map(|n| {
                let digits = (0..4).map(|i| n / 4_usize.pow(i) % 4);
                digits.filter(|&d| d > 0).map(|d| ["", "a\n", "b\n", "c\n"][d]).collect()
            })
            .collect();
        for a in &texts {
            for b in &texts {
                let ops = script(a, b);
                let (mut old, mut new) = (Vec::new(), Vec::new());
                let (mut left, mut right) = (a.iter(), b.iter());
                for op in &ops {
                    match op {
                        Op::Same => {
                            let (l, r) = (left.next().unwrap(), right.next().unwrap());
                            assert_eq!(l, r, "{a:?} {b:?} {ops:?}");
                            old.push(*l);
                            new.push(*r);
                        }
                        Op::Old => old.push(*left.next().unwrap()),
                        Op::New => new.push(*right.next().unwrap()),
                    }
                }
                assert_eq!((&old, &new), (a, b));
                let same = ops.iter().filter(|op| **op == Op::Same).count();
                assert_eq!(same, common(a, b), "{a:?} {b:?} {ops:?}");
            }
        }
    }

    /// Length of the longest common subsequence, the slow and obvious way.
    fn common(a: &[&str], b: &[&str]) -> usize {
        let (Some((x, a2)), Some((y, b2))) = (a.split_first(), b.split_first()) else { return 0 };
        if x == y { 1 + common(a2, b2) } else { common(a2, b).max(common(a, b2)) }
    }
}
