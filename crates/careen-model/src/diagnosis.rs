//! What the doctor says: each check with its outcome, and the findings by cost.

use crate::{Finding, Severity, Why};

/// The outcome of a run of rules over facts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnosis {
    /// Sorted: most severe first, then most expensive.
    pub findings: Vec<Finding>,
    /// One row per check that was asked for, in catalogue order.
    pub checks: Vec<Checked>,
}

/// One check and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub rule: &'static str,
    pub title: &'static str,
    pub category: Category,
    pub looked: Looked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Looked, and found nothing wrong.
    Passed,
    /// Looked, and found this many things.
    Found(usize),
    /// Could not look. Never the same as passed.
    Skipped(Why),
    /// The user asked not to be told, and why.
    Ignored { reason: String },
}

/// The sections of the doctor's screen, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    Client,
    Engine,
    Builder,
    Cache,
    Disk,
    Context,
    Ignore,
    Dockerfile,
    Secrets,
    Network,
}

impl Category {
    pub const ALL: [Category; 10] = [
        Category::Client,
        Category::Engine,
        Category::Builder,
        Category::Cache,
        Category::Disk,
        Category::Context,
        Category::Ignore,
        Category::Dockerfile,
        Category::Secrets,
        Category::Network,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Category::Client => "Client",
            Category::Engine => "Engine",
            Category::Builder => "Builder",
            Category::Cache => "Cache",
            Category::Disk => "Disk",
            Category::Context => "Context",
            Category::Ignore => "Ignore file",
            Category::Dockerfile => "Dockerfile",
            Category::Secrets => "Secrets",
            Category::Network => "Network",
        }
    }
}

impl Diagnosis {
    /// Findings of at least this severity.
    pub fn at_least(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity >= severity).count()
    }

    pub fn skipped(&self) -> usize {
        self.checks.iter().filter(|c| matches!(c.looked, Looked::Skipped(_))).count()
    }

    pub fn ignored(&self) -> usize {
        self.checks.iter().filter(|c| matches!(c.looked, Looked::Ignored { .. })).count()
    }
}
