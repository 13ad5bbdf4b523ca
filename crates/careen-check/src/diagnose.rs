//! Running rules over facts: every rule that was asked for ends as passed, found, skipped or
//! ignored.

use careen_model::{Checked, Diagnosis, Finding, Findings, Looked};
use careen_shell::Code;

use crate::rules::commands::shell_mistake;
use crate::steps::Reading;
use crate::suppress::{Dialect, Suppressions};
use crate::{Facts, RULES, Rule, Status, Topic, UnknownRule, find};

/// Which rules to run, and which the user does not want to hear of.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Empty: all of them.
    pub only: Vec<&'static Rule>,
    /// Rules that stay silent, each with the user's reason.
    pub ignored: Vec<(&'static Rule, String)>,
    pub numbers: Numbers,
}

/// What is asked of the one rule that has all numbers of ShellCheck.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Empty: all of them.
    pub only: Vec<Code>,
    /// Each with the user's reason.
    pub ignored: Vec<(Code, String)>,
}

impl Numbers {
    /// Whether anybody wants to hear of a finding.
    pub(crate) fn want(&self, finding: &Finding) -> bool {
        if finding.rule != shell_mistake::RULE.id || self.only.is_empty() {
            return true;
        }
        self.only.iter().any(|code| finding.also.contains(&code.name()))
    }

    pub(crate) fn reason_to_ignore(&self, finding: &Finding) -> Option<&String> {
        let ignored = self.ignored.iter().find(|(code, _)| finding.also.contains(&code.name()));
        ignored.map(|(_, reason)| reason)
    }
}

impl Selection {
    /// Reads names and aliases; the first unknown one is an error with a suggestion.
    pub fn of(only: &[String], ignored: &[(String, String)]) -> Result<Selection, UnknownRule> {
        let mut selection = Selection::default();
        for name in only {
            let rule = find(name)?;
            selection.only.push(rule);
            selection.numbers.only.extend(Code::named(name));
        }
        // The whole rule is more than some of its numbers.
        if only.iter().any(|name| name.eq_ignore_ascii_case(shell_mistake::RULE.id)) {
            selection.numbers.only.clear();
        }
        for (name, reason) in ignored {
            match Code::named(name) {
                Some(code) => selection.numbers.ignored.push((code, reason.clone())),
                None => selection.ignored.push((find(name)?, reason.clone())),
            }
        }
        Ok(selection)
    }

    fn asks_for(&self, rule: &Rule) -> bool {
        if self.only.is_empty() {
            // How a file is written is what `careen lint` tells.
            return rule.status == Status::Stable && rule.topic != Topic::Style;
        }
        self.only.iter().any(|asked| asked.id == rule.id)
    }

    pub(crate) fn reason_to_ignore(&self, rule: &Rule) -> Option<&String> {
        self.ignored.iter().find(|(known, _)| known.id == rule.id).map(|(_, reason)| reason)
    }

    /// The same for one of its findings.
    pub(crate) fn reason_to_silence(&self, rule: &Rule, finding: &Finding) -> Option<&String> {
        self.reason_to_ignore(rule).or_else(|| self.numbers.reason_to_ignore(finding))
    }
}

/// Runs the selected rules. Never fails: what could not be looked at is a row that says so.
pub fn diagnose(facts: &Facts, selection: &Selection) -> Diagnosis {
    let suppressions = Suppressions::of(facts, &Dialect::ALL);
    let given = &facts.lint.given;
    let dockerfile = facts.dockerfile.as_ref().map(|file| Reading::of(file, given));
    let seen = Seen { facts, dockerfile: dockerfile.as_ref(), suppressions: &suppressions };
    let mut found = Findings::default();
    let mut checks = Vec::new();
    for rule in RULES.iter().copied().filter(|rule| selection.asks_for(rule)) {
        let looked = match selection.reason_to_ignore(rule) {
            Some(reason) => Looked::Ignored { reason: reason.clone() },
            None => look(rule, seen, &selection.numbers, &mut found),
        };
        let Rule { id, title, category, .. } = *rule;
        checks.push(Checked { rule: id, title, category, looked });
    }
    Diagnosis { findings: found.into_sorted(), checks }
}

/// What all rules look at.
#[derive(Clone, Copy)]
struct Seen<'a> {
    facts: &'a Facts,
    dockerfile: Option<&'a Reading<'a>>,
    suppressions: &'a Suppressions,
}

fn look(rule: &'static Rule, seen: Seen<'_>, numbers: &Numbers, found: &mut Findings) -> Looked {
    let Seen { facts, dockerfile, suppressions } = seen;
    let mut mine = Findings::default();
    if let Err(why) = rule.judge(facts, dockerfile, &mut mine) {
        // What a rule found before it ran out of facts is still true.
        let any = !mine.is_empty();
        if !any {
            return Looked::Skipped(why);
        }
    }
    let mut reason = None;
    let mut n = 0;
    for finding in mine.into_sorted().into_iter().filter(|finding| numbers.want(finding)) {
        let ignored = numbers.reason_to_ignore(&finding).cloned();
        if let Some(told) = ignored.or_else(|| suppressions.reason(rule, &finding)) {
            reason = Some(told);
            continue;
        }
        n += 1;
        found.push(finding);
    }
    match (n, reason) {
        (0, Some(reason)) => Looked::Ignored { reason },
        (0, None) => Looked::Passed,
        (n, _) => Looked::Found(n),
    }
}
