//! The model of a transfer fitted to what transfers to one engine really took.

use careen_model::HistoryFacts;
use careen_model::context::Amount;
use careen_model::context_answer::{Calibration, TransferTime};
use careen_model::history::MeasuredTransfer;
use careen_model::host::Latency;

use crate::price::{first_transfer, repeated_transfer};

/// Transfers that the model calls shorter than this measure what every transfer costs, and longer
/// ones what each entry and byte costs.
const SHORT: f64 = 0.02;

/// Newest transfers of a kind that count.
const COUNTED: usize = 9;

/// What the measured transfers say of the engine; `None` when there are none.
///
/// The seconds that every transfer costs are the median of the short ones; the factor of a kind is
/// the median of what the long ones took beyond that, as a multiple of the model.
pub fn calibrate(history: &HistoryFacts) -> Option<Calibration> {
    let transfers = &history.transfers;
    let engine = transfers.first()?.engine.clone();
    let modelled = |one: &MeasuredTransfer| model(one).seconds();
    let short = transfers.iter().filter(|one| modelled(one) < SHORT).map(|one| one.seconds);
    let (fixed, _) = median(short).unwrap_or((0.0, 0));
    let kind = |is_first: bool| {
        let long = transfers.iter().filter(|one| (one.files > 0) == is_first);
        let long = long.filter(|one| modelled(one) >= SHORT);
        median(long.map(|one| (one.seconds - fixed).max(0.0) / modelled(one)))
    };
    let (first, repeated) = (kind(true), kind(false));
    Some(Calibration {
        engine,
        transfers: transfers.len(),
        fixed_seconds: fixed,
        first: first.map(|(factor, _)| factor),
        repeated: repeated.map(|(factor, _)| factor),
    })
}

/// The uncalibrated model for what a measured transfer did: new files, and entries that were known.
fn model(one: &MeasuredTransfer) -> TransferTime {
    let sent = Amount { entries: one.files, files: one.files, bytes: one.bytes };
    let known = one.entries.saturating_sub(one.files);
    let known = Amount { entries: known, ..Amount::default() };
    let (sent, known) = (first_transfer(sent, None), repeated_transfer(known, None));
    TransferTime { entries: sent.entries + known.entries, ..sent }
}

/// The middle value of the newest, and of how many it is.
fn median(values: impl Iterator<Item = f64>) -> Option<(f64, usize)> {
    let mut values: Vec<f64> = values.take(COUNTED).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).map(|middle| (*middle, values.len()))
}

/// The two times of a transfer, fitted to the engine where it was measured.
pub fn transfer_times(
    amount: Amount,
    slow: Option<Latency>,
    calibration: Option<&Calibration>,
) -> (TransferTime, TransferTime) {
    let (first, repeated) = (first_transfer(amount, slow), repeated_transfer(amount, slow));
    let Some(calibration) = calibration else { return (first, repeated) };
    let fit = |time: TransferTime, factor: Option<f64>| TransferTime {
        fixed: calibration.fixed_seconds,
        entries: time.entries * factor.unwrap_or(1.0),
        bytes: time.bytes * factor.unwrap_or(1.0),
        ..time
    };
    (fit(first, calibration.first), fit(repeated, calibration.repeated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(entries: u64, files: u64, bytes: u64, seconds: f64) -> MeasuredTransfer {
        MeasuredTransfer { engine: "e".into(), entries, files, bytes, seconds }
    }

    fn times(transfers: Vec<MeasuredTransfer>, amount: Amount) -> (f64, f64) {
        let history = HistoryFacts { transfers, ..HistoryFacts::default() };
        let calibration = calibrate(&history);
        let (first, repeated) = transfer_times(amount, None, calibration.as_ref());
        (first.seconds(), repeated.seconds())
    }

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 0.01 * expected.max(0.01), "{found} {expected}");
    }

    #[test]
    fn what_was_measured_is_predicted() {
        let amount = Amount { entries: 10_000, files: 9_000, bytes: 9_000_000 };
        let uncalibrated = times(vec![], amount);
        near(uncalibrated.0, 9_000.0 * 300e-6 + 1_000.0 * 60e-6 + 0.1);
        // An engine that is half as fast and takes 0.1 s for nothing.
        let slow = times(
            vec![
                transfer(10, 0, 0, 0.1),
                transfer(20_000, 0, 0, 0.1 + 2.0 * 20_000.0 * 60e-6),
                transfer(20_000, 20_000, 0, 0.1 + 2.0 * 20_000.0 * 300e-6),
            ],
            amount,
        );
        near(slow.0, 0.1 + 2.0 * uncalibrated.0);
        near(slow.1, 0.1 + 2.0 * uncalibrated.1);
        // Only small ones: the coefficients stay.
        let small = times(vec![transfer(10, 9, 100, 0.05), transfer(10, 0, 0, 0.05)], amount);
        near(small.0, 0.05 + uncalibrated.0);
        // One outlier among three changes nothing.
        let outlier = times(
            vec![
                transfer(20_000, 0, 0, 60.0),
                transfer(20_000, 0, 0, 1.2),
                transfer(20_000, 0, 0, 1.2),
            ],
            amount,
        );
        near(outlier.1, uncalibrated.1);
    }
}
