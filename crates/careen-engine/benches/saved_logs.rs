//! What reading saved logs costs: bytes per second, and the most memory that is in use at once.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use careen_engine::LogReader;
use careen_model::BuildRecord;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

/// As long a log as issue 6 asks for.
const BYTES: usize = 100 << 20;

/// As a file is read.
const PIECE: usize = 64 << 10;
const ROUNDS: usize = 5;

fn main() {
    for (name, log) in [
        ("plain", plain("")),
        ("plain, times of a service", plain("2024-05-01T10:00:01.1234567Z ")),
        ("rawjson", raw_json()),
        ("classic", classic()),
    ] {
        let best = (0..ROUNDS).map(|_| round(&log)).min().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a size in MB")]
        let rate = log.len() as f64 / 1e6 / best.as_secs_f64();
        let profiler = dhat::Profiler::builder().testing().build();
        // Counting costs a backtrace for each allocation: a quarter of the log has to do.
        round(&log[..log.len() / 4]);
        let used = dhat::HeapStats::get().max_bytes;
        drop(profiler);
        let (bytes, millis) = (log.len(), best.as_millis());
        println!(
            "{name:28}{bytes:>12} bytes {millis:>6} ms {rate:>7.0} MB/s, {used:>8} bytes in use at most"
        );
    }
}

/// From bytes to the folded record.
fn round(log: &[u8]) -> Duration {
    let start = Instant::now();
    let mut record = BuildRecord::default();
    let mut reader = LogReader::new();
    for piece in log.chunks(PIECE) {
        reader.read(piece, &mut |event| record.apply(event));
    }
    let summary = reader.finish(&mut |event| record.apply(event));
    assert!(summary.format.is_some() && record.steps.len() > 5, "{summary:?}");
    black_box(record);
    start.elapsed()
}

/// A build of 30 steps whose output is what apt, pip and compilers write.
fn plain(prefix: &str) -> Vec<u8> {
    let mut log = String::with_capacity(BYTES + 200);
    let texts = [
        "Get:14 http://deb.debian.example/debian bookworm/main amd64 libgcc-12-dev amd64 12.2.0 [2437 kB]",
        "Collecting torch==2.3.0",
        "  Downloading nvidia_cublas_cu12-12.1.3.1-py3-none-manylinux1_x86_64.whl (410.6 MB)",
        "[ 47%] Building CXX object src/CMakeFiles/core.dir/tensor/storage.cpp.o",
        "Setting up libgcc-12-dev:amd64 (12.2.0-14) ...",
    ];
    let mut n = 0;
    for step in 1..=30 {
        let _ = writeln!(log, "{prefix}#{step} [build {step}/30] RUN make part-{step}");
        let mut millis: u32 = 100;
        while log.len() < BYTES / 30 * step {
            let (seconds, rest) = (millis / 1000, millis % 1000);
            let _ = writeln!(log, "{prefix}#{step} {seconds}.{rest:03} {}", texts[n % texts.len()]);
            (n, millis) = (n + 1, millis + 3);
        }
        let _ = writeln!(log, "{prefix}#{step} DONE {}.{}s\n", millis / 1000, millis % 1000 / 100);
    }
    log.into_bytes()
}

fn raw_json() -> Vec<u8> {
    let mut log = String::with_capacity(BYTES + 2000);
    for step in 0..30 {
        let digest = format!("sha256:{step:064x}");
        let _ = writeln!(
            log,
            "{{\"vertexes\":[{{\"digest\":\"{digest}\",\"name\":\"[1/1] RUN x\",\"started\":\"2026-11-23T19:{step:02}:00.5Z\"}}]}}"
        );
        while log.len() < BYTES / 30 * (step + 1) {
            let _ = writeln!(
                log,
                "{{\"logs\":[{{\"vertex\":\"{digest}\",\"stream\":1,\"data\":\"R2V0OjE0IGh0dHA6Ly9kZWIuZGViaWFuLmV4YW1wbGUvZGViaWFuIGJvb2t3b3JtL21haW4gYW1kNjQgbGliZ2NjLTEyLWRldgo=\",\"timestamp\":\"2026-11-23T19:{step:02}:55.123456789Z\"}}]}}"
            );
        }
        let _ = writeln!(
            log,
            "{{\"vertexes\":[{{\"digest\":\"{digest}\",\"name\":\"[1/1] RUN x\",\"started\":\"2026-11-23T19:{step:02}:00.5Z\",\"completed\":\"2026-11-23T19:{step:02}:59.5Z\"}}]}}"
        );
    }
    log.into_bytes()
}

fn classic() -> Vec<u8> {
    let mut log = String::with_capacity(BYTES + 200);
    for step in 1..=30 {
        let _ =
            writeln!(log, "Step {step}/30 : RUN make part-{step}\n ---> Running in 6f2ca78802c4");
        while log.len() < BYTES / 30 * step {
            log.push_str("Setting up libgcc-12-dev:amd64 (12.2.0-14) and what belongs to it ...\n");
        }
        log.push_str(" ---> 57676507153f\n");
    }
    log.into_bytes()
}
