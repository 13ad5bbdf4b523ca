//! Every screen at every width: nothing panics, and only what is for copying sticks out.

use std::time::Duration;

use careen_model::Fact;
use careen_report::{
    ImageTests, Subject,
    terminal::{self, BuildSummary, Detail, Doctor, Overview, Style},
};

use crate::{histories, sample, text};

fn screens(style: Style) -> Vec<(&'static str, String)> {
    let (project, host, engine) = (sample::project(), sample::host(), sample::engine());
    let context = Fact::Known(sample::context(false, 90));
    let subject = Subject {
        project: Some(&project),
        host: Some(&host),
        engine: Some(&engine),
        context: Some(&context),
        history: None,
    };
    let diagnosis = sample::diagnosis();
    let (before, failed, runs) = (sample::before(), sample::failed(), sample::cases());
    let overview =
        Overview { version: "0.1.0", subject, diagnosis: &diagnosis, took: Duration::from_secs(1) };
    let detail = Detail::Everything;
    let doctor = Doctor { subject, diagnosis: &diagnosis, detail, text_of: &sample::text_of };
    let tail = ["a line of the log that is rather long and goes on for a while, really".to_owned()];
    let summary = BuildSummary {
        record: &failed,
        last: Some(&before),
        context: context.known(),
        log_tail: &tail,
        report: None,
        archive: None,
    };
    let tests = ImageTests {
        image: "hoops:dev",
        digest: None,
        conditions: "network none",
        runs: &runs,
        took: Duration::from_secs(7),
    };
    vec![
        ("overview", text(|out| terminal::overview(out, style, &overview))),
        ("doctor", text(|out| terminal::doctor(out, style, &doctor))),
        ("summary", text(|out| terminal::build_summary(out, style, &summary))),
        ("tests", text(|out| terminal::image_tests(out, style, &tests))),
        (
            "history",
            text(|out| terminal::history(out, style, &histories::history(&histories::rows()))),
        ),
        ("plan", text(|out| terminal::plan(out, style, &sample::plan()))),
    ]
}

#[test]
fn every_screen_fits_every_width() {
    for width in (0..=130).chain([usize::MAX / 2]) {
        for unicode in [true, false] {
            let style = Style { color: false, unicode, width };
            for (name, screen) in screens(style) {
                for line in screen.lines() {
                    let columns = unicode_width::UnicodeWidthStr::width(line);
                    let is_diff = name == "plan"
                        && ["+", "-", ".d", " FROM", " WORK", " COPY"]
                            .iter()
                            .any(|start| line.starts_with(start));
                    let fits = columns <= width || is_diff || line.contains("careen move");
                    assert!(fits, "{name} at {width}: {line:?}");
                }
            }
        }
    }
}
