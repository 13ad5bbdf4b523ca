//! Image tests: what to run in the image, what to expect, and how it went.

use std::time::Duration;

/// One test of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Short and stable: `import torch`.
    pub name: String,
    /// Run as is, no shell.
    pub argv: Vec<String>,
    pub expect: Expect,
    pub limit: Duration,
    /// A failure makes the run fail; otherwise it is only told.
    pub critical: bool,
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
