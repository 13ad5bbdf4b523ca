//! How the time for ignore files grows with their size, and what one decision costs.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use careen_syntax::ignore::{Matcher, Scratch, read};
use std::{fmt::Write as _, hint::black_box, time::Instant};

fn main() {
    println!("ms to read, compile and decide about 3 paths, for 1×, 2× and 4× the size");
    growth("lines of plain names", 25_000, |n| many(n, |i| format!("a{i}/b")));
    growth("lines of *.extensions", 25_000, |n| many(n, |i| format!("**/*.a{i}")));
    growth("lines of folder/**", 25_000, |n| many(n, |i| format!("a{i}/**")));
    growth("lines of expressions", 5_000, |n| many(n, |i| format!("*a{i}*")));
    growth("lines of bad expressions", 25_000, |n| many(n, |i| format!("[b-a]{i}")));
    growth("stars in one line", 2_500, |n| "*a".repeat(n));
    growth("double stars in one line", 2_500, |n| "**/a/".repeat(n));
    growth("members of one class", 12_500, |n| format!("x[{}]", "aé".repeat(n)));
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
        let start = Instant::now();
        let source = read(text.as_bytes());
        let matcher = Matcher::new(&source.patterns);
        if let Ok(matcher) = &matcher {
            let mut scratch = Scratch::default();
            for path in ["a", "b/a/c.txt", "xé/aaaaaaaaaa"] {
                let decided = matcher.judge(path.as_bytes(), &Default::default(), &mut scratch);
                let _ = black_box(decided);
            }
        }
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        let _ = write!(cells, "{milliseconds:9.1}");
    }
    println!("{name:28}{cells}");
}
