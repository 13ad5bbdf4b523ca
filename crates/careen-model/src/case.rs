//! Image tests: what to run in the image, what to expect, and how it went.

use std::time::Duration;

/// One test of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Short and stable: `import torch`.
    pub name: String,
    /// Run as is, no shell.
    pub argv: Vec<String>,
    /// Other programs to try in place of `argv[0]`, in order, where it does not exist in the image.
    pub or_programs: Vec<String>,
    pub expect: Expect,
    pub limit: Duration,
    /// A failure makes the run fail; otherwise it is only told.
    pub critical: bool,
    /// Decided before anything runs: not to be run, and why (no GPU here, not a dependency).
    pub skip: Option<String>,
}

impl Case {
    /// A critical case that must exit with 0 within a minute.
    pub fn new(name: impl Into<String>, argv: &[&str]) -> Case {
        Case {
            name: name.into(),
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            or_programs: vec![],
            expect: Expect::Success,
            limit: Duration::from_mins(1),
            critical: true,
            skip: None,
        }
    }

    /// The same case, skipped for this reason.
    #[must_use]
    pub fn skipped(mut self, reason: impl Into<String>) -> Case {
        self.skip = Some(reason.into());
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Exit code 0; the first line of stdout is shown (a version).
    Success,
    /// Exit code 0, or skip with this reason when the program says exit code 77.
    SuccessOrSkip { skip_reason: String },
}

/// How one case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed {
        shown: String,
        took: Duration,
    },
    Failed {
        reason: String,
        stderr: String,
        hint: Option<String>,
        took: Duration,
    },
    Skipped {
        reason: String,
    },
    /// We could not run it at all. Never the same as passed.
    Broken {
        reason: String,
    },
}
