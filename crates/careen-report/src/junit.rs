//! `JUnit` XML, the form that CI systems read: image tests, and the doctor's checks as tests.

use std::io;

use careen_model::{Diagnosis, Finding, Looked, Severity, Verdict};

use crate::xml::{attribute, body};
use crate::{ImageTests, subject, words};

/// One suite for the image; a case that could not be run is an error, not a failure.
pub fn image_tests(out: &mut dyn io::Write, tests: &ImageTests<'_>) -> io::Result<()> {
    let tally = tests.tally();
    let suite = Suite {
        name: tests.image,
        tests: tests.runs.len(),
        failures: tally.failed,
        errors: tally.broken,
        skipped: tally.skipped,
        seconds: tests.took.as_secs_f64(),
    };
    suite.open(out)?;
    for (case, verdict) in tests.runs {
        let took = subject::took(verdict).as_secs_f64();
        let name = attribute(&case.name);
        let class = attribute(tests.image);
        write!(out, "    <testcase name=\"{name}\" classname=\"{class}\" time=\"{took:.3}\"")?;
        match verdict {
            Verdict::Passed { shown, .. } if shown.is_empty() => writeln!(out, "/>")?,
            Verdict::Passed { shown, .. } => {
                writeln!(
                    out,
                    ">\n      <system-out>{}</system-out>\n    </testcase>",
                    body(shown)
                )?;
            }
            Verdict::Failed { reason, stderr, hint, .. } => {
                let hint = hint.as_ref().map_or(String::new(), |hint| format!("\nhint: {hint}"));
                let text = body(&format!("{stderr}{hint}"));
                let reason = attribute(reason);
                write!(out, ">\n      <failure message=\"{reason}\">{text}</failure>")?;
                writeln!(out, "\n    </testcase>")?;
            }
            Verdict::Skipped { reason } => {
                let reason = attribute(reason);
                writeln!(out, ">\n      <skipped message=\"{reason}\"/>\n    </testcase>")?;
            }
            Verdict::Broken { reason } => {
                let reason = attribute(reason);
                writeln!(out, ">\n      <error message=\"{reason}\"/>\n    </testcase>")?;
            }
        }
    }
    close(out)
}

/// One case per check. Findings below `fail_on` are told in the output of a passed case.
pub fn doctor(out: &mut dyn io::Write, diagnosis: &Diagnosis, fail_on: Severity) -> io::Result<()> {
    let fails = |rule: &str| {
        diagnosis.findings.iter().any(|finding| finding.rule == rule && finding.severity >= fail_on)
    };
    let suite = Suite {
        name: "careen doctor",
        tests: diagnosis.checks.len(),
        failures: diagnosis.checks.iter().filter(|check| fails(check.rule)).count(),
        errors: 0,
        skipped: diagnosis.skipped() + diagnosis.ignored(),
        seconds: 0.0,
    };
    suite.open(out)?;
    for check in &diagnosis.checks {
        let class = attribute(&format!("doctor.{}", check.category.name()));
        write!(out, "    <testcase name=\"{}\" classname=\"{class}\"", attribute(check.rule))?;
        let findings = diagnosis.findings.iter().filter(|finding| finding.rule == check.rule);
        let told: Vec<String> = findings.map(told).collect();
        match &check.looked {
            Looked::Passed => writeln!(out, "/>")?,
            Looked::Found(_) if fails(check.rule) => {
                let title = attribute(check.title);
                let text = body(&told.join("\n"));
                write!(out, ">\n      <failure message=\"{title}\">{text}</failure>")?;
                writeln!(out, "\n    </testcase>")?;
            }
            Looked::Found(_) => {
                let text = body(&told.join("\n"));
                writeln!(out, ">\n      <system-out>{text}</system-out>\n    </testcase>")?;
            }
            Looked::Skipped(why) => {
                let why = attribute(&why.to_string());
                writeln!(out, ">\n      <skipped message=\"{why}\"/>\n    </testcase>")?;
            }
            Looked::Ignored { reason } => {
                let reason = attribute(&format!("ignored: {reason}"));
                writeln!(out, ">\n      <skipped message=\"{reason}\"/>\n    </testcase>")?;
            }
        }
    }
    close(out)
}

fn told(finding: &Finding) -> String {
    let mut lines = vec![format!("{}: {}", words::severity(finding.severity), finding.message)];
    for fact in &finding.evidence {
        lines.push(format!("  {}: {} (from {})", fact.what, fact.value, fact.source));
    }
    for fix in &finding.fixes {
        lines.push(format!("  fix: {} ({})", fix.title, words::safety(fix.safety)));
    }
    lines.join("\n")
}

struct Suite<'a> {
    name: &'a str,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    seconds: f64,
}

impl Suite<'_> {
    fn open(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let Suite { name, tests, failures, errors, skipped, seconds } = self;
        let numbers = format!(
            "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" \
             time=\"{seconds:.3}\""
        );
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>")?;
        writeln!(out, "  <testsuite name=\"{}\" {numbers}>", attribute(name))
    }
}

fn close(out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "  </testsuite>\n</testsuites>")
}
