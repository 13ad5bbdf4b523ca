//! What shell checks cost: the corpus under `CAREEN_DATA`, the first check of a process, and
//! large bodies by size.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use careen_shell::check;
use careen_syntax::dockerfile::{self, Given};
use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const TINY: &str = "FROM x\nRUN apt-get update && echo $HOME\n";
const ROUNDS: u32 = 5;

fn main() {
    // Before anything else: it builds the tables.
    let first = round(&[TINY.as_bytes().to_vec()]);
    let second = round(&[TINY.as_bytes().to_vec()]);
    println!("the first check of a process: {first:?}; the second: {second:?}");
    corpus();
    if std::env::args().any(|given| given == "corpus") {
        return;
    }
    println!("\nms for 1×, 2× and 4× the size (linear: doubles), and which are read");
    growth("and", 100, |n| format!("FROM x\nRUN {}true\n", "echo $a && ".repeat(n)));
    growth("or", 100, |n| format!("FROM x\nRUN {}true\n", "echo $a || ".repeat(n)));
    growth("pipes", 100, |n| format!("FROM x\nRUN {}true\n", "echo $a | ".repeat(n)));
    growth("semicolons", 100, |n| format!("FROM x\nRUN {}true\n", "echo $a; ".repeat(n)));
    growth("words", 1000, |n| format!("FROM x\nRUN echo {}\n", "$a ".repeat(n)));
    growth("assignments", 500, |n| format!("FROM x\nRUN {}true\n", "a=$a; ".repeat(n)));
    growth("heredoc lines", 500, |n| format!("FROM x\nRUN <<E\n{}E\n", "a=$a\n".repeat(n)));
    growth("substitutions", 500, |n| format!("FROM x\nRUN echo {}\n", "$(a) ".repeat(n)));
    growth("if", 100, |n| format!("FROM x\nRUN {}true\n", "if a; then b; fi; ".repeat(n)));
    growth("functions", 100, |n| format!("FROM x\nRUN {}true\n", "f() { a; }; ".repeat(n)));
    growth("redirections", 250, |n| format!("FROM x\nRUN a {}\n", "> a ".repeat(n)));
    growth("quotes", 500, |n| format!("FROM x\nRUN a {}\n", "\"$a\"'b'".repeat(n)));
    growth("braces", 250, |n| format!("FROM x\nRUN a {}\n", "{a,b} ".repeat(n)));
    growth("tests", 100, |n| format!("FROM x\nRUN {}a\n", "[ $a = b ] || ".repeat(n)));
    growth("case", 100, |n| format!("FROM x\nRUN case $a in {}esac\n", "a) b;; ".repeat(n)));
    growth("heredocs", 50, |n| format!("FROM x\nRUN <<E\n{}E\n", "cat <<A\n$b\nA\n".repeat(n)));
}

fn growth(name: &str, least: usize, make: impl Fn(usize) -> String) {
    print!("{name:14}");
    for n in [least, 2 * least, 4 * least] {
        let source = [make(n).into_bytes()];
        let best = (0..3).map(|_| round(&source)).min().unwrap_or_default();
        let file = dockerfile::parse(source[0].clone());
        let read = check(&file, &file.meaning(&Given::default())).unread.is_empty();
        print!("{:9.1}{}", best.as_secs_f64() * 1e3, if read { ' ' } else { '-' });
    }
    println!();
}

fn corpus() {
    let Some(folder) = folder() else {
        println!("the corpus: no data");
        return;
    };
    let mut sources = Vec::new();
    read(&folder, &mut sources);
    let best = (0..ROUNDS).map(|_| round(&sources)).min().unwrap_or_default();
    let plain = (0..ROUNDS).map(|_| unchecked(&sources)).min().unwrap_or_default();
    println!("{} files: {best:?}, of them {plain:?} for reading the Dockerfiles", sources.len());
}

fn round(sources: &[Vec<u8>]) -> Duration {
    let start = Instant::now();
    for source in sources {
        let file = dockerfile::parse(source.clone());
        black_box(check(&file, &file.meaning(&Given::default())));
    }
    start.elapsed()
}

fn unchecked(sources: &[Vec<u8>]) -> Duration {
    let start = Instant::now();
    for source in sources {
        let file = dockerfile::parse(source.clone());
        black_box(file.meaning(&Given::default()));
    }
    start.elapsed()
}

fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("CAREEN_DATA").map(PathBuf::from);
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let folder = given.unwrap_or_else(|| root.join("../shared/data")).join("dockerfile/corpus");
    folder.is_dir().then_some(folder)
}

fn read(folder: &Path, into: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read(&path, into);
        } else {
            into.extend(fs::read(path));
        }
    }
}
