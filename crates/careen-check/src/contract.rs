//! The contract of a Dockerfile fix, checked for every fix before it is offered.
//!
//! Applied alone, a fix leaves a file that parses without a new problem, changes exactly the words
//! it declares, makes its own rule find less, and gives no other rule of the same or a higher
//! severity anything new to find. Rules that are asked only on demand do not count there: a hint
//! that nobody asked for is no reason to keep a fix back.
//!
//! Mistakes in shell bodies are counted for fixes of `shell-mistake` alone: to read the bodies
//! again costs more than all other rules together.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use careen_model::{Edit, Finding, Findings, Fix, Overlap, Severity, apply};
use careen_syntax::dockerfile::{Dockerfile, parse};

use crate::rules::commands::shell_mistake;
use crate::steps::Reading;
use crate::{Facts, ParsedDockerfile, RULES, Rule, Status};

/// How a fix broke the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The file is not UTF-8.
    NotText,
    Overlapping(String),
    /// BuildKit would refuse the result, or see something wrong that was not wrong before.
    Problem(String),
    /// More or fewer words changed than the fix declares.
    Words {
        added: Vec<String>,
        removed: Vec<String>,
    },
    /// The rule finds as much as before.
    StillFires,
    /// A rule that is asked always now finds more.
    Causes {
        rule: &'static str,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::NotText => f.write_str("the file is not UTF-8"),
            Broken::Overlapping(what) => f.write_str(what),
            Broken::Problem(message) => write!(f, "the result would not parse: {message}"),
            Broken::Words { added, removed } => write!(
                f,
                "it would change other words than it declares (added `{}`, removed `{}`)",
                added.join(" "),
                removed.join(" ")
            ),
            Broken::StillFires => f.write_str("it would not silence its own rule"),
            Broken::Causes { rule } => write!(f, "it would cause `{rule}`"),
        }
    }
}

impl From<Overlap> for Broken {
    fn from(overlap: Overlap) -> Broken {
        Broken::Overlapping(overlap.to_string())
    }
}

/// The file as it is, and what the rules find in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) file: &'a ParsedDockerfile,
    pub(crate) was: &'a Counts,
}

/// Applies the edits to a copy and looks at the result with the eyes of the parser and all rules.
pub(crate) fn check(
    case: Case<'_>,
    finding: &Finding,
    fix: &Fix,
    edits: &[Edit],
) -> Result<(), Broken> {
    let Case { facts, file, was } = case;
    let before = file.file.text().ok_or(Broken::NotText)?;
    let after = apply(before, edits)?;
    let parsed = parse(after.clone());
    new_problem(&file.file, &parsed).map_or(Ok(()), |message| Err(Broken::Problem(message)))?;
    words(file, before, &after, fix)?;

    let changed = ParsedDockerfile { path: file.path.clone(), file: parsed };
    let is = Counts::of(facts, &changed);
    let least = finding.severity;
    if finding.rule == shell_mistake::RULE.id {
        let mistakes = |counts: &Counts, file| {
            let severities = counts.shell.get_or_init(|| count(&shell_mistake::RULE, facts, file));
            severities.iter().filter(|severity| **severity >= least).count()
        };
        if mistakes(&is, &changed) >= mistakes(was, file) {
            return Err(Broken::StillFires);
        }
    } else if is.at_least(finding.rule, least) >= was.at_least(finding.rule, least) {
        return Err(Broken::StillFires);
    }
    let mut rules = RULES.iter().filter(|rule| rule.status == Status::Stable);
    match rules.find(|rule| is.at_least(rule.id, least) > was.at_least(rule.id, least)) {
        Some(rule) => Err(Broken::Causes { rule: rule.id }),
        None => Ok(()),
    }
}

fn new_problem(before: &Dockerfile, after: &Dockerfile) -> Option<String> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for problem in &before.problems {
        *known.entry(&problem.message).or_default() += 1;
    }
    let new = after.problems.iter().find(|problem| match known.get_mut(problem.message.as_str()) {
        Some(n) if *n > 0 => {
            *n -= 1;
            false
        }
        _ => true,
    });
    new.map(|problem| problem.message.clone())
}

/// The words of the file as a multiset, before and after, against the declared change.
fn words(file: &ParsedDockerfile, before: &str, after: &str, fix: &Fix) -> Result<(), Broken> {
    let mut balance: BTreeMap<&str, i64> = BTreeMap::new();
    for (text, sign) in [(after, 1), (before, -1)] {
        for word in words_of(text, file.file.escape) {
            *balance.entry(word).or_default() += sign;
        }
    }
    for (declared, sign) in [(&fix.words.added, -1), (&fix.words.removed, 1)] {
        for word in declared.iter().flat_map(|word| parts(word)) {
            *balance.entry(word).or_default() += sign;
        }
    }
    let rest = |sign: i64| {
        let rest = balance.iter().filter(|(_, n)| n.signum() == sign);
        rest.map(|(word, _)| (*word).to_owned()).collect::<Vec<_>>()
    };
    let (added, removed) = (rest(1), rest(-1));
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    Err(Broken::Words { added, removed })
}

/// Words of all lines; the continuation at the end of a line is none.
fn words_of(text: &str, escape: char) -> impl Iterator<Item = &str> {
    text.lines().flat_map(move |line| {
        let line = line.trim_end();
        line.strip_suffix(escape).unwrap_or(line).split_whitespace().flat_map(parts)
    })
}

/// A semicolon is a word of its own, also where no white space stands before it.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split_inclusive(';')
        .flat_map(|part| match part.strip_suffix(';') {
            Some("") => [Some(";"), None],
            Some(rest) => [Some(rest), Some(";")],
            None => [Some(part), None],
        })
        .flatten()
}

/// What each rule about the Dockerfile finds in one file, by severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    rules: BTreeMap<&'static str, Vec<Severity>>,
    /// Mistakes in shell bodies, once they are asked for.
    shell: OnceCell<Vec<Severity>>,
}

impl Counts {
    pub(crate) fn of(facts: &Facts, file: &ParsedDockerfile) -> Counts {
        let mut counts = BTreeMap::new();
        let dockerfile = Reading::of(file, &facts.lint.given);
        for rule in RULES {
            let Some(judge) = rule.check.of_dockerfile(facts) else { continue };
            if rule.id == shell_mistake::RULE.id {
                continue;
            }
            let mut found = Findings::default();
            judge(rule, &dockerfile, facts, &mut found);
            let severities = found.into_sorted().iter().map(|finding| finding.severity).collect();
            counts.insert(rule.id, severities);
        }
        Counts { rules: counts, shell: OnceCell::new() }
    }

    fn at_least(&self, rule: &str, least: Severity) -> usize {
        let found = self.rules.get(rule).map_or(&[][..], Vec::as_slice);
        found.iter().filter(|severity| **severity >= least).count()
    }
}

/// What one rule finds in a file that nothing else is asked about.
fn count(rule: &Rule, facts: &Facts, file: &ParsedDockerfile) -> Vec<Severity> {
    let mut found = Findings::default();
    let dockerfile = Reading::of(file, &facts.lint.given);
    // A rule about a Dockerfile can always look at one.
    if rule.judge(facts, Some(&dockerfile), &mut found).is_err() {
        return vec![];
    }
    found.into_sorted().iter().map(|finding| finding.severity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::commands::cd_in_run;
    use careen_model::{Place, Span, Step};

    /// Replaces the first `old` of a sick file by `new` and says how the contract takes it.
    fn verdict(old: &str, new: &str, fix: impl Fn(Fix) -> Fix) -> String {
        verdict_at(Severity::Warning, old, new, fix)
    }

    fn verdict_at(severity: Severity, old: &str, new: &str, fix: impl Fn(Fix) -> Fix) -> String {
        let text = "FROM debian:12\nRUN --mount=type=cache,target=/var/cache/apt apt-get update\n";
        let start = u32::try_from(text.find(old).unwrap()).unwrap();
        let span = Span { start, end: start + u32::try_from(old.len()).unwrap() };
        let edits = vec![Edit::replace(span, new)];
        let file = ParsedDockerfile { path: "Dockerfile".into(), file: parse(text) };
        let finding = Finding {
            rule: "apt-cache-unlocked",
            severity,
            place: Place::Host,
            message: String::new(),
            evidence: vec![],
            cost: None,
            fixes: vec![],
            also: vec![],
        };
        let step = Step::Edit { path: "Dockerfile".into(), edits: edits.clone() };
        let fix = fix(Fix::safe("x", step));
        let facts = &Facts::nothing(0);
        let case = Case { facts, file: &file, was: &Counts::of(facts, &file) };
        match check(case, &finding, &fix, &edits) {
            Ok(()) => "kept".to_owned(),
            Err(broken) => broken.to_string(),
        }
    }

    #[test]
    fn each_way_to_break_it() {
        let mount = "--mount=type=cache,target=/var/cache/apt";
        let locked = "--mount=type=cache,target=/var/cache/apt,sharing=locked";
        let declared = |fix: Fix| fix.removes(mount).adds(locked);
        assert_eq!(verdict(mount, locked, declared), "kept");
        assert_eq!(
            verdict(mount, locked, |fix| fix.adds(locked)),
            format!("it would change other words than it declares (added ``, removed `{mount}`)")
        );
        assert_eq!(
            verdict("RUN", "RAN", |fix| fix.removes("RUN").adds("RAN")),
            "the result would not parse: unknown instruction: RAN (did you mean RUN?)"
        );
        assert_eq!(
            verdict("update", "upgrade", |fix| fix.removes("update").adds("upgrade")),
            "it would not silence its own rule"
        );
        assert_eq!(
            verdict(&format!("{mount} apt-get update"), "nvidia-smi", |fix| {
                fix.removes(&format!("{mount} apt-get update")).adds("nvidia-smi")
            }),
            "it would cause `gpu-check-in-run`"
        );
        // As grave, and nobody hears of it without asking.
        let (old, new) =
            (format!("{mount} apt-get update"), format!("{locked} cd /srv && apt-get update"));
        let moves =
            verdict_at(cd_in_run::RULE.severity, &old, &new, |fix| fix.removes(&old).adds(&new));
        assert_eq!((moves.as_str(), cd_in_run::RULE.status), ("kept", Status::Pedantic));
    }
}
