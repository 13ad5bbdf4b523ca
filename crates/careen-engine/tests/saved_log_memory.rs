//! What reading a saved log allocates: nothing per line of output, and nothing that grows with it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fmt::Write as _;

use careen_engine::LogReader;
use careen_model::BuildRecord;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

fn log(lines: usize, prefix: &str) -> String {
    let mut log = format!("{prefix}#1 [1/2] RUN make\n");
    for line in 0..lines {
        let (seconds, millis) = (line / 1000, line % 1000);
        writeln!(log, "{prefix}#1 {seconds}.{millis:03} building part {line} of it").unwrap();
    }
    log.push_str(prefix);
    log.push_str("#1 DONE 99.0s\n");
    log
}

/// Blocks that were allocated, and the most bytes in use at once.
fn counted(log: &str) -> (u64, usize) {
    let profiler = dhat::Profiler::builder().testing().build();
    let mut record = BuildRecord::default();
    let mut reader = LogReader::new();
    for piece in log.as_bytes().chunks(4 << 10) {
        reader.read(piece, &mut |event| record.apply(event));
    }
    reader.finish(&mut |event| record.apply(event));
    assert_eq!((record.steps.len(), record.total.as_secs()), (1, 99));
    let stats = dhat::HeapStats::get();
    drop(profiler);
    (stats.total_blocks, stats.max_bytes)
}

#[test]
fn memory_does_not_grow_with_the_log() {
    for prefix in ["", "2024-05-01T10:00:01.1234567Z "] {
        let (small, large) = (log(1_000, prefix), log(50_000, prefix));
        let ((few, little), (many, much)) = (counted(&small), counted(&large));
        assert!(many <= few + 8, "{few} blocks for 1,000 lines, {many} for 50,000");
        assert!(much <= little + 1024, "{little} bytes for 1,000 lines, {much} for 50,000");
        assert!(many < 100 && much < 64 << 10, "{many} blocks, {much} bytes");
    }
}
