//! How the time for ignore files grows with their size, and what one decision costs.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use careen_syntax::ignore::{Matcher, Passed, Scratch, read};
use std::{
    fmt::Write as _,
    hint::black_box,
    time::{Duration, Instant},
};

/// The best of so many is told: other programs only add.
const ROUNDS: u32 = 5;

fn main() {
    println!("ms to read, compile and decide about 3 paths, for 1×, 2× and 4× the size");
    growth("lines of plain names", 25_000, |n| many(n, |i| format!("a{i}/b")));
    growth("lines of *.extensions", 25_000, |n| many(n, |i| format!("**/*.a{i}")));
    growth("lines of folder/**", 25_000, |n| many(n, |i| format!("a{i}/**")));
    growth("lines of expressions", 5_000, |n| many(n, |i| format!("*a{i}*")));
    growth("lines of bad expressions", 25_000, |n| many(n, |i| format!("[b-a]{i}")));
    growth("stars in one line", 2_500, |n| "*a".repeat(n));
    growth("double stars in one line", 2_500, |n| "**/a/".repeat(n));
    growth("members of one class", 5_000, |n| format!("x[{}]", "aé".repeat(n)));
    growth("repetitions", 2_500, |n| "a{9}".repeat(n));
    growth("alternatives", 7_500, |n| "a|".repeat(n));
    growth("parents to resolve", 5_000, |n| "a/../".repeat(n));
    growth("zero bytes", 15_000, |n| "\0".repeat(n));
}

fn many(n: usize, make: impl Fn(usize) -> String) -> String {
    (0..n).map(|i| make(i) + "\n").collect()
}

fn growth(name: &str, base: usize, make: impl Fn(usize) -> String) {
    let mut cells = String::new();
    for times in [1, 2, 4] {
        let text = make(base * times);
        let best = (0..ROUNDS).map(|_| round(text.as_bytes())).min().unwrap_or_default();
        let _ = write!(cells, "{:9.2}", best.as_secs_f64() * 1e3);
    }
    println!("{name:28}{cells}");
}

fn round(text: &[u8]) -> Duration {
    let start = Instant::now();
    let source = read(text);
    if let Ok(matcher) = Matcher::new(&source.patterns) {
        let (root, mut scratch) = (Passed::default(), Scratch::default());
        for path in ["a", "b/a/c.txt", "xé/aaaaaaaaaa"] {
            let _ = black_box(matcher.judge(path.as_bytes(), &root, &mut scratch));
        }
    }
    start.elapsed()
}
