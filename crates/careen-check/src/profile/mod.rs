//! Profiles: what another linter would say, under its own names.
//!
//! A profile is a table of rows. Most rows are a rule of careen under the other tool's name and
//! severity; where the other tool judges differently, the row has a function of its own, so that
//! people who move over see what they know, and the rule of careen stays what is true.

mod buildkit;
pub(crate) mod hadolint;

use careen_model::{Finding, Findings, Place, Severity};

use crate::lint::{Comments, Lint, Linted, Overruled};
use crate::rules::commands::shell_mistake;
use crate::steps::{Placed, Reading};
use crate::suppress::{Dialect, Suppressions};
use crate::{Check, DockerfileCheck, Facts, Rule, Status};

/// Whose findings are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    #[default]
    Careen,
    /// `docker build --check`.
    BuildKit,
    /// hadolint.
    Hadolint,
}

/// The checks of another linter.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The comments it honours.
    dialect: Dialect,
    groups: &'static [&'static [Row]],
}

/// One check of another linter.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    severity: Severity,
    /// The rule of careen that comes nearest; findings are started with it.
    rule: &'static Rule,
    judge: DockerfileCheck,
    /// The other linter has it, and tells only those who ask.
    is_off: bool,
}

impl Row {
    /// A rule of careen that means the same.
    const fn same(name: &'static str, severity: Severity, rule: &'static Rule) -> Row {
        let (Check::Dockerfile(judge) | Check::Bases(judge)) = rule.check else {
            panic!("a row of a profile is about a Dockerfile")
        };
        Row { name, severity, rule, judge, is_off: false }
    }

    /// The other linter's own idea.
    const fn own(
        name: &'static str,
        severity: Severity,
        rule: &'static Rule,
        judge: DockerfileCheck,
    ) -> Row {
        Row { name, severity, rule, judge, is_off: false }
    }

    /// One that is not told unless asked for.
    const fn off(self) -> Row {
        Row { is_off: true, ..self }
    }
}

impl Profile {
    /// The other linter's names of its checks; none for careen, whose rules are [`crate::RULES`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let groups = self.rows().map_or(&[][..], |rows| rows.groups);
        let rows = groups.iter().copied().flatten().map(|row| row.name);
        let has_numbers = self == Profile::Hadolint;
        rows.chain(has_numbers.then(hadolint::shell::names).into_iter().flatten())
    }

    /// What the other linter says; `None` for careen, whose rules speak for themselves.
    pub(crate) fn lint(self, reading: &Reading<'_>, facts: &Facts, asked: &Lint) -> Option<Linted> {
        match self {
            Profile::Careen => None,
            Profile::BuildKit => Some(buildkit::lint(reading, facts, &asked.reach)),
            Profile::Hadolint => {
                let mut linted = hadolint::ROWS.lint(reading, facts, asked);
                add_shell(reading, facts, asked, &mut linted);
                Some(linted)
            }
        }
    }

    fn rows(self) -> Option<&'static Rows> {
        match self {
            Profile::Careen => None,
            Profile::BuildKit => Some(&buildkit::ROWS),
            Profile::Hadolint => Some(&hadolint::ROWS),
        }
    }
}

impl Rows {
    fn suppressions(&self, facts: &Facts, asked: &Lint) -> Suppressions {
        match asked.overrides.comments {
            Comments::Honoured => Suppressions::of(facts, &[self.dialect]),
            Comments::Disregarded => Suppressions::default(),
        }
    }

    /// What the other linter would say, its comments honoured.
    fn lint(&self, reading: &Reading<'_>, facts: &Facts, asked: &Lint) -> Linted {
        let suppressions = self.suppressions(facts, asked);
        let mut linted = Linted::default();
        for row in self.groups.iter().copied().flatten() {
            let Overruled { severity, is_ignored } = asked.overrides.of(&[row.name]);
            let is_off =
                row.is_off && severity.is_none() && !asked.also.contains(&Status::Pedantic);
            if is_off || is_ignored {
                continue;
            }
            let mut found = Findings::default();
            (row.judge)(row.rule, reading, facts, &mut found);
            let mut told: Vec<(Place, String)> = vec![];
            for mut finding in found.into_sorted() {
                if self.dialect == Dialect::Hadolint {
                    move_to_instruction(reading, &mut finding);
                }
                // One instruction is told of once.
                let place = (finding.place.clone(), finding.message.clone());
                if told.contains(&place) {
                    continue;
                }
                told.push(place);
                finding.also.push(finding.rule);
                finding.rule = row.name;
                finding.severity = severity.unwrap_or(row.severity);
                if suppressions.reason(row.rule, &finding).is_some() {
                    linted.suppressed += 1;
                } else {
                    linted.findings.push(finding);
                }
            }
        }
        linted
    }
}

/// ShellCheck's findings are no rows: each has the name and the severity of its number.
fn add_shell(reading: &Reading<'_>, facts: &Facts, asked: &Lint, linted: &mut Linted) {
    let suppressions = hadolint::ROWS.suppressions(facts, asked);
    for mut finding in hadolint::shell::findings(reading) {
        let Overruled { severity, is_ignored } = asked.overrides.of(&[finding.rule]);
        if is_ignored {
            continue;
        }
        move_to_instruction(reading, &mut finding);
        finding.severity = severity.unwrap_or(finding.severity);
        if suppressions.reason(&shell_mistake::RULE, &finding).is_some() {
            linted.suppressed += 1;
        } else {
            linted.findings.push(finding);
        }
    }
}

/// hadolint knows the line where an instruction begins, and nothing more exact.
fn move_to_instruction(reading: &Reading<'_>, finding: &mut Finding) {
    let Place::File { span, .. } = &mut finding.place else { return };
    let holds = |step: &&Placed<'_>| {
        let own = step.instruction.span;
        own.start <= span.start && span.start < own.end && !step.is_trigger
    };
    if let Some(step) = reading.steps.iter().find(holds) {
        *span = step.instruction.code;
    }
}
