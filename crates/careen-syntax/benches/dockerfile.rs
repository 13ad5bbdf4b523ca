//! What reading costs: the corpus under `CAREEN_DATA`, file by file, and large inputs by size.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use careen_syntax::dockerfile::{self, Given};
use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const ROUNDS: u32 = 20;

fn main() {
    corpus();
    println!("\nms for 1×, 2× and 4× the size (linear: doubles)");
    growth("one long RUN line", |n| format!("FROM x\nRUN {}\n", "a ".repeat(n)));
    growth("one RUN of many commands", |n| format!("FROM x\nRUN {}\n", "a && ".repeat(n)));
    growth("continuations", |n| format!("FROM x\nRUN {}b\n", "a \\\n".repeat(n)));
    growth("comments in a continuation", |n| format!("FROM x\nRUN a {}b\n", "\\\n# c\n".repeat(n)));
    growth("ENV pairs", |n| format!("FROM x\nENV {}\n", "a=b ".repeat(n)));
    growth("instructions", |n| format!("FROM x\n{}", "ENV a=b\n".repeat(n)));
    growth("stages", |n| "FROM x\n".repeat(n));
    growth("heredoc lines", |n| format!("FROM x\nRUN <<E\n{}E\n", "a\n".repeat(n)));
    growth("flags", |n| format!("FROM x\nRUN {} a\n", "--mount=type=cache,target=/a ".repeat(n)));
    growth("mount fields", |n| format!("FROM x\nRUN --mount={} a\n", "a=b,".repeat(n)));
    growth("open substitutions", |n| format!("FROM x\nRUN {}\n", "$( ".repeat(n)));
    growth("open brackets", |n| format!("FROM x\nCMD {}\n", "[".repeat(n)));
}

fn growth(name: &str, make: impl Fn(usize) -> String) {
    let mut cells = String::new();
    for n in [50_000, 100_000, 200_000] {
        let source = [make(n).into_bytes()];
        let best = (0..5).map(|_| round(&source, typed)).min().unwrap_or_default();
        let milliseconds = best.as_secs_f64() * 1e3;
        let _ = write!(cells, "{milliseconds:9.1}");
    }
    println!("{name:28}{cells}");
}

fn typed(source: &[u8]) {
    let file = dockerfile::parse(source.to_vec());
    for instruction in file.instructions() {
        black_box(instruction.typed());
    }
}

/// Also variables, shell bodies and package calls.
fn understood(source: &[u8]) {
    let file = dockerfile::parse(source.to_vec());
    let meaning = file.meaning(&Given::default());
    for item in 0..file.items.len() {
        black_box(meaning.packages_at(item));
    }
    black_box(meaning.context_sources(None));
}

fn corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = std::env::var_os("CAREEN_DATA").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| root.join("../shared/data")).join("dockerfile/corpus");
    let files = read(&folder);
    if files.is_empty() {
        println!("no corpus");
        return;
    }
    let bytes: usize = files.iter().map(Vec::len).sum();
    println!("{} files, {} bytes, best of {ROUNDS} rounds", files.len(), bytes);
    for (name, work) in [("parsed and typed", typed as fn(&[u8])), ("all of it", understood)] {
        let best = (0..ROUNDS).map(|_| round(&files, work)).min().unwrap_or_default();
        let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let each = best.as_secs_f64() * 1e6 / f64::from(count);
        println!("{name:28}{each:9.1} µs per file");
    }
}

fn round(files: &[Vec<u8>], work: fn(&[u8])) -> Duration {
    let start = Instant::now();
    for file in files {
        work(file);
    }
    start.elapsed()
}

fn read(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let each = paths.into_iter();
    each.flat_map(
        |path| if path.is_dir() { read(&path) } else { fs::read(path).into_iter().collect() },
    )
    .collect()
}
