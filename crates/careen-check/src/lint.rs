//! Reading one Dockerfile with the rules of a profile, in the order of its lines.

use careen_model::{Finding, Findings, Place};

use crate::buildkit::CheckOptions;
use crate::profile::Profile;
use crate::steps::Reading;
use crate::suppress::{Dialect, Suppressions};
use crate::{Check, Facts, RULES, Rule, Selection, Status};

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Lint {
    pub profile: Profile,
    /// Rules of careen; other profiles have rows of their own and take no selection.
    pub selection: Selection,
    /// Statuses that are asked beside [`Status::Stable`].
    pub also: Vec<Status>,
    /// Which stages [`Profile::BuildKit`] looks into; the other profiles look into all.
    pub reach: Reach,
}

/// Which stages of a file are looked into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reach {
    /// All of them, as `docker build --check` does without a target.
    #[default]
    All,
    /// Those that a build of this target needs; of the last stage when `None`.
    Target(Option<String>),
}

/// What was found, and how much the comments of the file and the selection kept back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Linted {
    /// By place, then by rule.
    pub findings: Vec<Finding>,
    pub suppressed: usize,
    /// The file asks with `# check=error=true` that any warning of BuildKit's checks be an error,
    /// and there is one.
    pub must_fail: bool,
}

/// Looks at `facts.dockerfile`; without one nothing is found.
pub fn lint(facts: &Facts, lint: &Lint) -> Linted {
    let Some(file) = &facts.dockerfile else { return Linted::default() };
    let reading = Reading::of(file, &facts.lint.given);
    let others = lint.profile.lint(&reading, facts, lint);
    let mut linted = others.unwrap_or_else(|| own(&reading, facts, lint));
    linted.findings.sort_by(|a, b| (order(a), a.rule).cmp(&(order(b), b.rule)));
    linted
}

fn own(reading: &Reading<'_>, facts: &Facts, lint: &Lint) -> Linted {
    let suppressions = Suppressions::of(facts, &Dialect::ALL);
    let mut linted = Linted::default();
    for rule in RULES.iter().copied().filter(|rule| lint.asks_for(rule)) {
        let Check::Dockerfile(judge) = rule.check else { continue };
        let mut found = Findings::default();
        judge(rule, reading, facts, &mut found);
        for finding in found.into_sorted() {
            let named = lint.selection.reason_to_ignore(rule).is_some();
            if named || suppressions.reason(rule, &finding).is_some() {
                linted.suppressed += 1;
            } else {
                linted.findings.push(finding);
            }
        }
    }
    let options = CheckOptions::of(&reading.file.file, &facts.lint.given).unwrap_or_default();
    let is_buildkits = |finding: &Finding| {
        let rule = RULES.iter().find(|rule| rule.id == finding.rule);
        rule.is_some_and(|rule| Profile::BuildKit.names().any(|name| rule.aliases.contains(&name)))
    };
    linted.must_fail = options.error && linted.findings.iter().any(is_buildkits);
    linted
}

impl Lint {
    fn asks_for(&self, rule: &Rule) -> bool {
        if !self.selection.only.is_empty() {
            return self.selection.only.iter().any(|asked| asked.id == rule.id);
        }
        rule.status == Status::Stable || self.also.contains(&rule.status)
    }
}

fn order(finding: &Finding) -> (u32, u32) {
    match &finding.place {
        Place::File { span, .. } => (span.start, span.end),
        _ => (0, 0),
    }
}
