//! How many allocations reading a file costs: committed numbers, so that a change shows in review.
//!
//! A test of its own binary: the counting allocator counts everything in the process.

#![expect(clippy::print_stdout, reason = "a test says what it counted")]

use careen_syntax::{
    dockerfile::{self, Given},
    ignore::{Matcher, Passed, Scratch, read},
};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// What may change without a word: another standard library grows its tables differently.
const TOLERANCE_PERCENT: u64 = 5;

const SAMPLE: &str = include_str!("../../../examples/hoops/.devcontainer/Dockerfile");
const IGNORE: &str = include_str!("../../../examples/hoops/.dockerignore");

const STAGES: &str = r#"# syntax=docker/dockerfile:1
ARG VERSION=1.24
FROM golang:${VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod,sharing=locked go mod download
COPY --link . .
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -o /out/app ./cmd/app
RUN <<EOF
apt-get update && apt-get install -y --no-install-recommends ca-certificates curl
rm -rf /var/lib/apt/lists/*
EOF
FROM scratch
COPY --from=build --chown=65532:65532 /out/app /app
USER 65532
ENTRYPOINT ["/app"]
CMD ["--listen", ":8080"]
"#;

/// Blocks that `work` asks for.
fn count(work: impl FnOnce()) -> u64 {
    let before = dhat::HeapStats::get().total_blocks;
    work();
    dhat::HeapStats::get().total_blocks - before
}

fn parse_and_type(text: &str) {
    let file = dockerfile::parse(text);
    for instruction in file.instructions() {
        let _ = instruction.typed();
    }
}

fn understand(text: &str) {
    let file = dockerfile::parse(text);
    let meaning = file.meaning(&Given::default());
    for item in 0..file.items.len() {
        let _ = meaning.packages_at(item);
    }
    let _ = meaning.context_sources(None);
}

/// 200 decisions after the first one, which fills the automaton's cache.
fn decide(matcher: &Matcher, scratch: &mut Scratch) {
    let parent = Passed::default();
    for i in 0..200 {
        let path = [b"src/hoops/".as_slice(), &[b'a' + i % 26], b".py"].concat();
        let _ = matcher.judge(&path, &parent, scratch);
    }
}

#[test]
fn allocations_are_those_that_are_committed() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let patterns = read(IGNORE.as_bytes()).patterns;
    let matcher = Matcher::new(&patterns).expect("the sample's file is fine");
    let mut scratch = Scratch::default();
    decide(&matcher, &mut scratch);
    let rows = [
        ("sample, parsed and typed", 197, count(|| parse_and_type(SAMPLE))),
        ("sample, all of it", 631, count(|| understand(SAMPLE))),
        ("two stages, parsed and typed", 260, count(|| parse_and_type(STAGES))),
        ("two stages, all of it", 583, count(|| understand(STAGES))),
        ("ignore file, read", 117, count(|| drop(read(IGNORE.as_bytes())))),
        // One for each path that is put together here, none for the decision.
        ("200 decisions", 200, count(|| decide(&matcher, &mut scratch))),
    ];
    let mut wrong = Vec::new();
    for (name, committed, counted) in rows {
        println!("{counted:6} allocations: {name}");
        if counted.abs_diff(committed) > committed * TOLERANCE_PERCENT / 100 {
            wrong.push(format!("{name}: {counted}, {committed} are committed"));
        }
    }
    assert!(wrong.is_empty(), "change the numbers with the reason:\n{}", wrong.join("\n"));
}
