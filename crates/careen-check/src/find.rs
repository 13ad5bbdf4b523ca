//! Finding a rule by its name, or by the name another linter gives it.

use std::fmt;

use careen_model::{Finding, distance};
use careen_shell::Code;

use crate::rules::commands::shell_mistake;
use crate::{RULES, Rule};

/// No rule has that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRule {
    pub name: String,
    /// The closest name there is, when one is close enough to be meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no rule is called `{}`", self.name)
    }
}

impl std::error::Error for UnknownRule {}

impl UnknownRule {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self.nearest {
            Some(name) => format!("did you mean `{name}`?"),
            None => "`careen doctor --list` shows all names".to_owned(),
        }
    }
}

/// The rule of that name or alias; upper and lower case are the same.
///
/// A number of ShellCheck is the rule that has them all; [`answers_to`] tells its findings apart.
pub fn find(name: &str) -> Result<&'static Rule, UnknownRule> {
    let called = |rule: &&&Rule| names(rule).any(|known| known.eq_ignore_ascii_case(name));
    if let Some(rule) = RULES.iter().find(called) {
        return Ok(rule);
    }
    if Code::named(name).is_some() {
        return Ok(&shell_mistake::RULE);
    }
    let nearest = nearest(name, RULES.iter().flat_map(|rule| names(rule)));
    Err(UnknownRule { name: name.to_owned(), nearest })
}

/// Whether a finding answers to a name: its rule's, an alias of that, or one of its own.
pub fn answers_to(finding: &Finding, name: &str) -> bool {
    let is = |known: &&'static str| known.eq_ignore_ascii_case(name);
    let is_own = is(&finding.rule) || finding.also.iter().any(is);
    is_own || (Code::named(name).is_none() && find(name).is_ok_and(|rule| rule.id == finding.rule))
}

/// The one of the `known` names that was most likely meant by a misspelt one, if any is close.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (distance(&known.to_lowercase(), &name.to_lowercase()), known));
    let (far, known) = near.min()?;
    (far <= 2.max(known.len() / 3)).then_some(known)
}

fn names(rule: &Rule) -> impl Iterator<Item = &'static str> {
    std::iter::once(rule.id).chain(rule.aliases.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_aliases_and_near_misses() {
        let check = |name: &str| match find(name) {
            Ok(rule) => rule.id.to_owned(),
            Err(err) => format!("{err}; {}", err.hint()),
        };
        assert_eq!(check("slow-context"), "slow-context");
        assert_eq!(check("Slow-Context"), "slow-context");
        assert_eq!(check("dl3009"), "apt-cache-unmounted");
        assert_eq!(check("sc2086"), "shell-mistake");
        assert_eq!(
            check("slow-kontext"),
            "no rule is called `slow-kontext`; did you mean `slow-context`?"
        );
        assert_eq!(
            check("zzzzzzzzzzzzzzz"),
            "no rule is called `zzzzzzzzzzzzzzz`; `careen doctor --list` shows all names"
        );
    }

    #[test]
    fn no_two_rules_share_a_name() {
        let mut all: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
    }
}
