//! What things cost: models with stated coefficients, and times of recorded builds.

use careen_model::context::Amount;
use careen_model::context_answer::TransferTime;
use careen_model::host::Latency;
use careen_model::{BuildRecord, HistoryFacts, Phase};

/// Seconds that BuildKit takes to compare one unchanged entry of the context.
///
/// Measured with 220 000 entries: 60 µs on an engine of 2026, the same within 10 % on 20.10.
pub(crate) const SECONDS_PER_KNOWN_ENTRY: f64 = 60e-6;

/// Seconds that BuildKit takes to send and store one new small file. Measured: 300 µs.
pub(crate) const SECONDS_PER_NEW_FILE: f64 = 300e-6;

/// Lookups per entry of a walk. Measured on FUSE with injected delay: 1.4 when the client caches
/// attributes, 2.5 when it does not.
const LOOKUPS_PER_ENTRY: (f64, f64) = (1.4, 2.5);

/// Lookups per file that is opened and read. Measured the same way: 4.2 and 6.4.
const LOOKUPS_PER_FILE: (f64, f64) = (4.2, 6.4);

/// Seconds to walk `amount` and read its files at this latency.
#[expect(clippy::cast_precision_loss, reason = "counts of files fit in 53 bits")]
pub(crate) fn read_seconds(latency: Latency, amount: Amount) -> f64 {
    // A warm lookup that is ten times cheaper never went to the server.
    let cached = latency.warm_ns.saturating_mul(10) < latency.lookup_ns;
    let pick = |pair: (f64, f64)| if cached { pair.0 } else { pair.1 };
    let lookups = pick(LOOKUPS_PER_ENTRY) * amount.entries as f64
        + pick(LOOKUPS_PER_FILE) * amount.files as f64;
    lookups * latency.lookup_ns as f64 / 1e9
}

/// The same on the user's own disk.
pub(crate) fn reference_seconds(latency: Latency, amount: Amount) -> f64 {
    read_seconds(Latency { lookup_ns: latency.reference_ns, ..latency }, amount)
}

/// Seconds to send `amount` for the first time.
#[expect(clippy::cast_precision_loss, reason = "counts of files fit in 53 bits")]
pub(crate) fn first_send_seconds(amount: Amount) -> f64 {
    let folders = amount.entries.saturating_sub(amount.files) as f64;
    amount.files as f64 * SECONDS_PER_NEW_FILE + folders * SECONDS_PER_KNOWN_ENTRY
}

/// Bytes that a local engine takes in per second. Measured with one file of 300 MB on a machine
/// with other work: 2.4 to 2.7 s on Docker 28.5, 3.4 to 4.8 s on 20.10, so 63 to 125 MB/s.
const BYTES_PER_SECOND: f64 = 90e6;

/// Seconds that bytes alone take on their way to a local engine.
#[expect(clippy::cast_precision_loss, reason = "sizes of files fit in 53 bits")]
pub(crate) fn bytes_seconds(bytes: u64) -> f64 {
    bytes as f64 / BYTES_PER_SECOND
}

/// Processor seconds of BuildKit's client for each ignored entry that it reads. Measured: 0.66 to
/// 0.82 s for 180 000 entries.
const SECONDS_PER_READ_ENTRY: f64 = 4e-6;

/// Seconds that BuildKit's client takes to walk through `entries` for nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of files fit in 53 bits")]
pub(crate) fn client_walk_seconds(entries: u64) -> f64 {
    entries as f64 * SECONDS_PER_READ_ENTRY
}

/// What sending `amount` to a builder that has none of it takes: 300 µs a file, 60 µs any other
/// entry, the bytes, and the waiting when `slow` is the latency of a slow file system.
#[expect(clippy::cast_precision_loss, reason = "counts and sizes fit in 53 bits")]
pub(crate) fn first_transfer(amount: Amount, slow: Option<Latency>) -> TransferTime {
    TransferTime {
        fixed: 0.0,
        entries: first_send_seconds(amount),
        bytes: amount.bytes as f64 / BYTES_PER_SECOND,
        lookups: slow.map_or(0.0, |latency| read_seconds(latency, amount)),
    }
}

/// What comparing `amount` with what the builder already has takes: nothing is read or sent.
#[expect(clippy::cast_precision_loss, reason = "counts of files fit in 53 bits")]
pub(crate) fn repeated_transfer(amount: Amount, slow: Option<Latency>) -> TransferTime {
    let walked = Amount { files: 0, ..amount };
    TransferTime {
        fixed: 0.0,
        entries: amount.entries as f64 * SECONDS_PER_KNOWN_ENTRY,
        bytes: 0.0,
        lookups: slow.map_or(0.0, |latency| read_seconds(latency, walked)),
    }
}

/// A step of a recorded build that ran, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    /// `build 0007`.
    pub(crate) source: String,
}

/// What this instruction took the last time it really ran in a recorded build.
///
/// `instruction` is the joined text of the instruction; white space does not matter.
pub(crate) fn step_seconds(history: &HistoryFacts, instruction: &str) -> Option<Measured> {
    let wanted = squeeze(instruction);
    history.builds.iter().find_map(|build| {
        let ran = build.steps.iter().filter(|step| !step.cached && step.ended.is_some());
        let mut ran = ran.filter(|step| step.phase.is_step() && step.error.is_none());
        let step = ran.find(|step| squeeze(instruction_of(&step.name)) == wanted)?;
        Some(Measured { seconds: step.took().as_secs_f64(), source: source(build) })
    })
}

/// The same for whoever shows it: seconds, and the build it was.
pub fn last_seconds(history: &HistoryFacts, instruction: &str) -> Option<(f64, String)> {
    step_seconds(history, instruction).map(|found| (found.seconds, found.source))
}

pub(crate) fn source(build: &BuildRecord) -> String {
    match build.label.as_str() {
        "" => "last build".to_owned(),
        label => format!("build {label}"),
    }
}

/// `[stage 2/9] RUN x` → `RUN x`.
fn instruction_of(name: &str) -> &str {
    match name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, instruction)) => instruction,
        None => name,
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes that the last successful build exported as layers, when it told.
pub(crate) fn exported_bytes(history: &HistoryFacts) -> Option<(u64, String)> {
    let build = history.last_built()?;
    let steps = build.steps.iter().filter(|step| step.phase == Phase::Export);
    let bytes: u64 = steps.flat_map(|step| &step.tasks).map(|task| task.bytes).max()?;
    (bytes > 0).then(|| (bytes, source(build)))
}

/// Seconds that all steps of the last successful build took which were not cached.
pub(crate) fn steps_seconds(history: &HistoryFacts) -> Option<Measured> {
    let build = history.builds.iter().find(|build| {
        build.outcome == Some(careen_model::Outcome::Built) && build.run_and_cached().0 > 0
    })?;
    let ran = build.by_phase().into_iter().filter(|(phase, _)| phase.is_step());
    let seconds = ran.map(|(_, took)| took.as_secs_f64()).sum();
    Some(Measured { seconds, source: source(build) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(lookup: u64, warm: u64) -> Latency {
        Latency {
            lookup_ns: lookup,
            sync_ns: lookup,
            warm_ns: warm,
            reference_ns: 1000,
            samples: 9,
        }
    }

    /// 2 000 files in 40 folders; the measured walks plus reads were 3.6 to 4.0 s with an
    /// attribute cache at 340 µs and 27.4 to 30.3 s without one at 1.3 ms.
    #[test]
    fn the_model_is_near_what_was_measured() {
        let amount = Amount { entries: 2041, files: 2000, bytes: 11_000_000 };
        let cached = read_seconds(latency(340_000, 310), amount);
        assert!((3.2..4.6).contains(&cached), "{cached}");
        let uncached = read_seconds(latency(1_300_000, 1_250_000), amount);
        assert!((20.0..31.0).contains(&uncached), "{uncached}");
    }

    /// 22,000 small files of 6.9 MB took 9.9 s at first and 1.2 to 2.3 s again, measured.
    #[test]
    fn transfers_are_near_what_was_measured() {
        let amount = Amount { entries: 24_000, files: 22_000, bytes: 6_900_000 };
        let (first, again) = (first_transfer(amount, None), repeated_transfer(amount, None));
        assert!((6.0..11.0).contains(&first.seconds()), "{first:?}");
        assert!((1.0..2.5).contains(&again.seconds()), "{again:?}");
        let slow = first_transfer(amount, Some(latency(1_300_000, 1_250_000)));
        assert!(slow.seconds() > 10.0 * first.seconds(), "{slow:?}");
    }

    #[test]
    fn a_step_is_found_by_its_words() {
        assert_eq!(instruction_of("[stage-0 2/9] RUN a   b"), "RUN a   b");
        assert_eq!(squeeze("RUN a &&     b"), "RUN a && b");
    }
}
