//! The build while it runs: a live frame on a terminal, plain lines or JSON lines elsewhere.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use careen_model::{BuildEvent, BuildRecord};
use careen_report::json;
use careen_report::terminal::{Output, Plain, Style, Tail, Window, columns, frame};

use crate::arguments::{Build, Format};
use crate::world::{World, size};

/// Ten frames a second look alive and cost nothing.
const BEAT: Duration = Duration::from_millis(100);

/// Shows a build. Drawing errors are ignored: a closed terminal must not stop a build.
pub(super) struct Screen {
    means: Means,
    tail: Tail,
    failed: Option<String>,
}

enum Means {
    Quiet,
    Plain(Plain, Style),
    Lines,
    Live { records: Sender<BuildRecord>, painter: JoinHandle<()>, sent: Instant },
}

impl Screen {
    pub(super) fn new(
        options: &Build,
        format: Format,
        world: &World,
        last: Option<&BuildRecord>,
    ) -> Screen {
        let means = match format {
            Format::Jsonl => Means::Lines,
            _ if options.quiet => Means::Quiet,
            _ if world.interactive && !options.plain => live(world.err, last.cloned()),
            _ => {
                let output = if options.plain { Output::All } else { Output::OfFailures };
                Means::Plain(Plain::new(output), world.err)
            }
        };
        Screen { means, tail: Tail::default(), failed: None }
    }

    pub(super) fn event(&mut self, event: &BuildEvent, record: &BuildRecord) {
        self.tail.apply(event);
        if let careen_model::What::StepEnded { step, error: Some(_) } = &event.what {
            self.failed.get_or_insert_with(|| step.clone());
        }
        match &mut self.means {
            Means::Quiet => (),
            Means::Plain(plain, style) => {
                let _ = plain.event(&mut io::stderr().lock(), *style, (record, event));
            }
            Means::Lines => {
                let _ = json::event(&mut io::stdout().lock(), event);
            }
            Means::Live { records, sent, .. } => {
                let is_output = matches!(event.what, careen_model::What::Log { .. });
                if !is_output || sent.elapsed() >= BEAT {
                    *sent = Instant::now();
                    // The painter lives as long as this sender.
                    let _ = records.send(record.clone());
                }
            }
        }
    }

    /// Takes the frame away and gives the last lines of the step that failed.
    pub(super) fn end(self) -> Vec<String> {
        if let Means::Live { records, painter, .. } = self.means {
            drop(records);
            let _ = painter.join();
        }
        self.failed.map(|step| self.tail.lines(&step)).unwrap_or_default()
    }
}

fn live(style: Style, last: Option<BuildRecord>) -> Means {
    let (records, news) = mpsc::channel::<BuildRecord>();
    let painter = std::thread::spawn(move || {
        let began = Instant::now();
        let mut record = BuildRecord::default();
        let mut drawn = Vec::new();
        loop {
            match news.recv_timeout(BEAT) {
                Ok(newer) => record = newer,
                Err(RecvTimeoutError::Timeout) => (),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Ok(newer) = news.try_recv() {
                record = newer;
            }
            let (height, width) = size(style.width);
            let window = Window { elapsed: began.elapsed(), height, width };
            let lines = frame(&record, last.as_ref(), window, style);
            drawn = paint(&lines, rows_of(&drawn, width));
        }
        let (_, width) = size(style.width);
        paint(&[], rows_of(&drawn, width));
    });
    Means::Live { records, painter, sent: Instant::now() }
}

/// Rows that lines of these widths take now: a terminal that became narrower has wrapped them.
fn rows_of(widths: &[usize], columns: usize) -> usize {
    widths.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum()
}

/// Draws over the last frame, which takes `drawn` rows, in one write, so that nothing flickers.
/// Returns the widths of the lines.
fn paint(lines: &[String], drawn: usize) -> Vec<usize> {
    let text = painted(lines, drawn);
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    lines.iter().map(|line| columns(line)).collect()
}

fn painted(lines: &[String], drawn: usize) -> String {
    let mut out = String::new();
    if drawn > 0 {
        write!(out, "\u{1b}[{drawn}F").expect("a String takes everything");
    }
    for line in lines {
        // Erased before and not after: after the last column the cursor still stands on it, and
        // it would go; and a row that once wrapped would still count as one that does.
        out.push_str("\u{1b}[K");
        out.push_str(line);
        out.push('\n');
    }
    out.push_str("\u{1b}[J");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrower_terminal_has_wrapped_the_last_frame() {
        let widths = ["\u{1b}[2m   1 \u{1b}[0mRUN make", "", "████░░", "漢字漢字"].map(columns);
        assert_eq!(widths, [13, 0, 6, 8]);
        assert_eq!(rows_of(&widths, 80), 4);
        assert_eq!(rows_of(&widths, 6), 7);
        assert_eq!(rows_of(&[], 80), 0);
    }

    #[test]
    fn the_last_column_is_not_erased() {
        let lines = ["1234", "12345"].map(str::to_owned);
        assert_eq!(painted(&lines, 2), "\u{1b}[2F\u{1b}[K1234\n\u{1b}[K12345\n\u{1b}[J");
        assert_eq!(painted(&[], 3), "\u{1b}[3F\u{1b}[J");
    }
}
