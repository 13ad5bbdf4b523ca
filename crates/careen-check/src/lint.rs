//! Reading one Dockerfile with the rules of a profile, in the order of its lines.

use careen_model::context::IgnoreFile;
use careen_model::{Fact, Finding, Findings, Place};

use crate::profile::Profile;
use crate::rules::{broken_ignore_file, misread_ignore_line};
use crate::steps::Reading;
use crate::suppress::{Dialect, Suppressions};
use crate::{Check, Facts, LintFacts, RULES, Rule, Selection, Status};

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Lint {
    pub profile: Profile,
    /// Rules of careen; other profiles have rows of their own and take no selection.
    pub selection: Selection,
    /// Statuses that are asked beside [`Status::Stable`].
    pub also: Vec<Status>,
}

/// What was found, and how much the comments of the file and the selection kept back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Linted {
    /// By place, then by rule.
    pub findings: Vec<Finding>,
    pub suppressed: usize,
}

/// Looks at `facts.dockerfile`; without one nothing is found.
pub fn lint(facts: &Facts, lint: &Lint) -> Linted {
    let Some(file) = &facts.dockerfile else { return Linted::default() };
    let reading = Reading::of(file, &facts.lint.given);
    let mut linted = match lint.profile.rows() {
        Some(rows) => rows.lint(&reading, facts),
        None => own(&reading, facts, lint),
    };
    linted.findings.sort_by(|a, b| (order(a), a.rule).cmp(&(order(b), b.rule)));
    linted
}

/// Looks at an ignore file alone. Other linters look at none, so their profiles find nothing.
pub fn lint_ignore(file: IgnoreFile, lint: &Lint) -> Linted {
    let mut linted = Linted::default();
    if lint.profile != Profile::Careen {
        return linted;
    }
    let told = LintFacts { ignore: Fact::Known(file), ..LintFacts::default() };
    let facts = Facts { lint: told, ..Facts::nothing(0) };
    for rule in [&broken_ignore_file::RULE, &misread_ignore_line::RULE] {
        let mut found = Findings::default();
        if !lint.asks_for(rule) || rule.judge(&facts, None, &mut found).is_err() {
            continue;
        }
        let found = found.into_sorted();
        match lint.selection.reason_to_ignore(rule) {
            Some(_) => linted.suppressed += found.len(),
            None => linted.findings.extend(found),
        }
    }
    linted.findings.sort_by(|a, b| (order(a), a.rule).cmp(&(order(b), b.rule)));
    linted
}

fn own(reading: &Reading<'_>, facts: &Facts, lint: &Lint) -> Linted {
    let suppressions = Suppressions::of(facts.dockerfile.as_ref(), &Dialect::ALL);
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
    linted
}

impl Lint {
    /// Whether this run asks a rule, ignored or not.
    pub fn asks_for(&self, rule: &Rule) -> bool {
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
