//! A history by hand: rows, a slow build, a trend.

use careen_model::trend::Trend;
use careen_model::{BuildRecord, Listed, LogFormat, State, StepChange};
use careen_report::{HistoryShown, SlowShown};

use crate::sample::{after, before, failed, seconds};

/// Rows of a history, one of them read from a log.
pub(crate) fn rows() -> Vec<Listed> {
    let of = |record: BuildRecord, imported| {
        let (run, cached) = record.run_and_cached();
        Listed {
            label: record.label.clone(),
            started_at: record.started_at,
            state: State::of(record.outcome),
            total: record.total,
            steps_run: run as u64,
            steps_cached: cached as u64,
            context_bytes: record.context().map(|sent| sent.bytes),
            image: record.image,
            imported,
        }
    };
    vec![of(before(), None), of(failed(), Some(LogFormat::Plain)), of(after(), None)]
}

pub(crate) fn history(rows: &[Listed]) -> HistoryShown<'_> {
    let cause = StepChange {
        name: "[base 4/9] RUN uv sync --group torch".into(),
        before: Some(seconds(0.0)),
        after: Some(seconds(414.9)),
        was_cached: true,
        is_cached: false,
    };
    let slow = SlowShown {
        slow: "0007".into(),
        usual: "0003".into(),
        took: seconds(514.0),
        usually: seconds(90.0),
        cause: Some(cause),
    };
    let trend = Trend { before: seconds(90.0), now: seconds(120.0) };
    HistoryShown { rows, slow: Vec::leak(vec![slow]), trend: Some(trend) }
}
