//! Reading one Dockerfile with the rules of a profile, in the order of its lines.

use careen_model::context::IgnoreFile;
use careen_model::{Fact, Finding, Findings, Place, Severity};

use crate::buildkit::CheckOptions;
use crate::profile::Profile;
use crate::rules::suppressions::useless_suppression;
use crate::rules::{broken_ignore_file, misread_ignore_line};
use crate::steps::Reading;
use crate::suppress::{Dialect, Suppressions};
use crate::{Facts, LintFacts, RULES, Rule, Selection, Status, find};

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Lint {
    pub profile: Profile,
    /// Rules of careen; other profiles have rows of their own and take no selection.
    pub selection: Selection,
    /// Statuses that are asked beside [`Status::Stable`]. With [`Status::Pedantic`] another
    /// linter's profile also has what that linter leaves off.
    pub also: Vec<Status>,
    /// Which stages [`Profile::BuildKit`] looks into; the other profiles look into all.
    pub reach: Reach,
    pub overrides: Overrides,
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

/// What a project has decided about rules, by any of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    pub ignored: Vec<String>,
    /// The last one of a name counts.
    pub severities: Vec<(String, Severity)>,
    pub comments: Comments,
}

/// Whether comments of the file may silence rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Comments {
    #[default]
    Honoured,
    Disregarded,
}

/// What is decided about one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overruled {
    pub(crate) severity: Option<Severity>,
    pub(crate) is_ignored: bool,
}

impl Overrides {
    pub(crate) fn of(&self, names: &[&str]) -> Overruled {
        let is_it = |written: &String| names.iter().any(|name| name.eq_ignore_ascii_case(written));
        let severity = self.severities.iter().rfind(|(name, _)| is_it(name));
        Overruled {
            severity: severity.map(|(_, severity)| *severity),
            is_ignored: self.ignored.iter().any(is_it),
        }
    }
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
    let suppressions = match lint.overrides.comments {
        Comments::Honoured => Suppressions::of(facts, &Dialect::ALL),
        Comments::Disregarded => Suppressions::default(),
    };
    let mut used = vec![false; suppressions.rows.len()];
    let mut linted = Linted::default();
    for rule in RULES.iter().copied().filter(|rule| lint.asks_for(rule)) {
        let Some(judge) = rule.check.of_dockerfile(facts) else { continue };
        let mut found = Findings::default();
        judge(rule, reading, facts, &mut found);
        let found = found.into_sorted();
        for mut finding in found.into_iter().filter(|found| lint.selection.numbers.want(found)) {
            // Of a rule with several aliases a finding may be one of them only.
            let aliases = if finding.also.is_empty() { rule.aliases } else { &finding.also };
            let names: Vec<&str> = aliases.iter().copied().chain([rule.id]).collect();
            let Overruled { severity, is_ignored } = lint.overrides.of(&names);
            let is_silent =
                is_ignored || lint.selection.reason_to_silence(rule, &finding).is_some();
            let comment = suppressions.position(rule, &finding);
            if let Some(comment) = comment {
                used[comment] = true;
            }
            if is_silent || comment.is_some() {
                linted.suppressed += 1;
            } else {
                finding.severity = severity.unwrap_or(finding.severity);
                linted.findings.push(finding);
            }
        }
    }
    if lint.asks_for(&useless_suppression::RULE) {
        let unused = suppressions.rows.iter().zip(used).filter(|(_, used)| !used);
        // Whether anything is silenced that nobody could look for is not known.
        let was_asked = |rule: &Rule| {
            let could_look = rule.check.of_dockerfile(facts).is_some();
            lint.asks_for(rule) && (could_look || !rule.check.is_about_dockerfile())
        };
        let asked = unused.filter(|(row, _)| find(&row.name).is_ok_and(was_asked));
        linted.findings.extend(asked.filter_map(|(row, _)| {
            let finding = useless_suppression::unused(reading.file, row)?;
            suppressions.position(&useless_suppression::RULE, &finding).is_none().then_some(finding)
        }));
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
