//! Choosing fixes and working out what each file will be, before anything is written.
//!
//! Every edit of a Dockerfile has passed the contract of [`crate::contract`]. What cannot be undone
//! is only ever chosen when it was asked for by name.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use careen_model::engine::Builder;
use careen_model::{
    BuilderCache, Category, Choice, Diagnosis, Edit, FileChange, Finding, Fix, Looked, Plan,
    Planned, Safety, Step, apply, units,
};
use careen_syntax::dockerfile::parse;

use crate::contract::{Case, Counts};
use crate::{
    Facts, Numbers, ParsedDockerfile, RULES, Rule, Selection, contract, diagnose, gc, price,
};

/// Rounds until nothing overlaps any more; each takes at least one fix.
const ROUNDS: usize = 10;

/// What the user wants to have fixed.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether findings are fixed at all, or only what `requests` name.
    pub scope: Scope,
    /// The least safety that is taken without being named. Never below `Risky`.
    pub floor: Safety,
    /// Asked for by name; these may be risky, and may remove things for good.
    pub requests: Vec<Request>,
    /// Fixes that answer no finding, such as a build script; they come last.
    pub extra: Vec<Planned>,
    /// Which numbers of ShellCheck were looked for, for the rounds after the first.
    pub numbers: Numbers,
}

#[derive(Debug, Clone)]
pub enum Scope {
    /// All findings.
    All,
    /// The findings of these rules; with a risky floor also what cannot be undone.
    Only(Vec<&'static Rule>),
    /// No findings but those that a request names.
    RequestsOnly,
}

/// A kind of fix that is asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// The smallest set of cache records that a finding names; without such a finding all that are
    /// not in use, with the price of it in the title.
    CleanCache,
    /// Create or complete the ignore file, also with patterns that may hide wanted files.
    Dockerignore,
    /// Recreate builders whose container is broken; without such a one the builder in use, which
    /// then keeps its cache.
    RecreateBuilder,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            scope: Scope::All,
            floor: Safety::Safe,
            requests: vec![],
            extra: vec![],
            numbers: Numbers::default(),
        }
    }
}

/// One round: the chosen fixes and the files as they will be.
///
/// `files` gives the bytes of a file as they are now; `None` when there is no such file.
pub fn plan(
    diagnosis: &Diagnosis,
    facts: &Facts,
    files: &dyn Fn(&Path) -> Option<Vec<u8>>,
    policy: &Policy,
) -> Plan {
    let mut draft = Draft { facts, files, texts: BTreeMap::new(), whole: vec![], was: None };
    let mut plan = Plan::default();
    for finding in &diagnosis.findings {
        let offered = finding.fixes.iter().find(|fix| policy.takes(finding, fix));
        let Some(fix) = offered.or_else(|| finding.fixes.first()) else { continue };
        let planned =
            Planned { rule: finding.rule, message: finding.message.clone(), fix: fix.clone() };
        if offered.is_none() && !policy.concerns(finding) {
            continue;
        }
        if offered.is_none() {
            plan.left.push((planned, Choice::NotAsked(fix.safety)));
            continue;
        }
        match draft.take(finding, fix) {
            Ok(()) => plan.chosen.push(planned),
            Err(choice) => plan.left.push((planned, choice)),
        }
    }
    let prunes = plan.chosen.iter().any(|planned| rank(&planned.fix) == PRUNES);
    if policy.requests.contains(&Request::CleanCache) && !prunes {
        plan.chosen.extend(clean_all(facts));
    }
    let recreates = plan.chosen.iter().any(|planned| rank(&planned.fix) == BUILDERS);
    if policy.requests.contains(&Request::RecreateBuilder) && !recreates {
        plan.chosen.extend(recreate_current(facts));
    }
    for extra in &policy.extra {
        match draft.add(&extra.fix) {
            Ok(()) => plan.chosen.push(extra.clone()),
            Err(choice) => plan.left.push((extra.clone(), choice)),
        }
    }
    plan.chosen.sort_by_key(|planned| rank(&planned.fix));
    plan.files = draft.into_files();
    plan
}

/// Rounds of [`plan`] until no fix overlaps another any more; files go from the first state to the
/// last in one step.
pub fn plan_rounds(
    diagnosis: &Diagnosis,
    facts: &Facts,
    files: &dyn Fn(&Path) -> Option<Vec<u8>>,
    policy: &Policy,
) -> Plan {
    let mut total = plan(diagnosis, facts, files, policy);
    let Some(path) = facts.dockerfile.as_ref().map(|file| file.path.clone()) else { return total };
    let asked = dockerfile_rules(diagnosis);
    let later = Policy { requests: vec![], extra: vec![], ..policy.clone() };
    let mut facts = facts.clone();
    for _ in 1..ROUNDS {
        let Some(change) = total.files.iter().find(|change| change.path == path) else { break };
        let now = change.after.clone();
        facts.dockerfile = Some(ParsedDockerfile { path: path.clone(), file: parse(now.clone()) });
        let selection =
            Selection { only: asked.clone(), ignored: vec![], numbers: policy.numbers.clone() };
        let files = |asked: &Path| if asked == path { Some(now.clone()) } else { files(asked) };
        let next = plan(&diagnose(&facts, &selection), &facts, &files, &later);
        // What stays open is what the last round says of these rules.
        let is_asked = |planned: &Planned| asked.iter().any(|rule| rule.id == planned.rule);
        total.left.retain(|(planned, _)| !is_asked(planned));
        total.left.extend(next.left);
        let Some(change) = next.files.into_iter().find(|change| change.path == path) else { break };
        total.chosen.extend(next.chosen);
        for known in total.files.iter_mut().filter(|known| known.path == path) {
            known.after.clone_from(&change.after);
        }
    }
    total.chosen.sort_by_key(|planned| rank(&planned.fix));
    total
}

/// The rules about the Dockerfile that this diagnosis ran.
fn dockerfile_rules(diagnosis: &Diagnosis) -> Vec<&'static Rule> {
    let ran = |rule: &&Rule| {
        let row = diagnosis.checks.iter().find(|row| row.rule == rule.id);
        row.is_some_and(|row| !matches!(row.looked, Looked::Ignored { .. }))
    };
    let rules = RULES.iter().copied().filter(|rule| rule.check.is_about_dockerfile());
    rules.filter(ran).collect()
}

impl Policy {
    fn takes(&self, finding: &Finding, fix: &Fix) -> bool {
        if fix.safety == Safety::Manual {
            return false;
        }
        let is_named = self.names(finding, fix);
        let is_in_scope = match &self.scope {
            Scope::All => true,
            Scope::Only(rules) => {
                rules.iter().any(|rule| rule.id == finding.rule) && self.numbers.want(finding)
            }
            Scope::RequestsOnly => false,
        };
        if !fix.undoable {
            let only = matches!(self.scope, Scope::Only(_)) && self.floor == Safety::Risky;
            return is_named || (is_in_scope && only);
        }
        is_named || (is_in_scope && fix.safety >= self.floor)
    }

    /// Whether somebody who asked for this wants to hear of the finding at all.
    fn concerns(&self, finding: &Finding) -> bool {
        let rule = RULES.iter().find(|rule| rule.id == finding.rule);
        let is_asked = |request: &Request| {
            let category = match request {
                Request::CleanCache => Category::Cache,
                Request::Dockerignore => Category::Ignore,
                Request::RecreateBuilder => Category::Builder,
            };
            rule.is_some_and(|rule| rule.category == category)
        };
        match &self.scope {
            Scope::All => true,
            Scope::Only(rules) => {
                rules.iter().any(|rule| rule.id == finding.rule) && self.numbers.want(finding)
            }
            Scope::RequestsOnly => self.requests.iter().any(is_asked),
        }
    }

    /// A request asks for this very kind of fix.
    fn names(&self, finding: &Finding, fix: &Fix) -> bool {
        let category = RULES.iter().find(|rule| rule.id == finding.rule).map(|rule| rule.category);
        self.requests.iter().any(|request| match request {
            Request::CleanCache => rank(fix) == PRUNES,
            Request::Dockerignore => category == Some(Category::Ignore),
            Request::RecreateBuilder => rank(fix) == BUILDERS,
        })
    }
}

const PRUNES: u8 = 2;
const BUILDERS: u8 = 3;

/// Ignore file, Dockerfile, cache, builders, leftovers, then new files such as the script.
fn rank(fix: &Fix) -> u8 {
    let of = |step: &Step| match step {
        Step::Edit { path, .. } | Step::Write { path, executable: false, .. } => u8::from(
            path.extension().is_none_or(|extension| extension != "dockerignore")
                && path.file_name().is_none_or(|name| name != ".dockerignore"),
        ),
        Step::PruneCache { .. } => PRUNES,
        Step::RecreateBuilder { .. } => BUILDERS,
        Step::RemoveLeftovers { .. } => 4,
        Step::Write { .. } => 5,
        Step::Show { .. } => 6,
    };
    fix.steps.iter().map(of).max().unwrap_or(6)
}

/// Everything that is not in use, and what that costs the next build.
fn clean_all(facts: &Facts) -> Option<Planned> {
    let cache = facts.engine.as_ref()?.cache.known()?;
    let free = cache.iter().filter(|record| !record.in_use && !record.shared);
    let ids: Vec<String> = free.map(|record| record.id.clone()).collect();
    if ids.is_empty() {
        return None;
    }
    let bytes = gc::reclaimable_bytes(cache);
    let price = match price::steps_seconds(&facts.history) {
        Some(steps) => format!("{:.0} s in {}", steps.seconds, steps.source),
        None => "no build of this project is recorded to say how long that is".to_owned(),
    };
    let title = format!(
        "Remove all {} cache records, {}; the next build runs every step again ({price})",
        units::count(ids.len() as u64),
        units::size(bytes)
    );
    let message = "the cache is healthy, and cleaning it was asked for".to_owned();
    let fix = Fix::risky(title, Step::PruneCache { ids, bytes }).for_good();
    Some(Planned { rule: "clean-cache", message, fix })
}

/// The builder in use, made again because somebody wants it. Only a container can be: the engine's
/// own builder is the engine, and any other is somebody else's.
fn recreate_current(facts: &Facts) -> Option<Planned> {
    let builders = facts.engine.as_ref()?.builders.known()?;
    let is_ours = |builder: &&Builder| builder.is_current && builder.problem.is_none();
    let current = builders.iter().find(is_ours)?;
    if current.driver != "docker-container" {
        return None;
    }
    let name = current.name.clone();
    let message = format!("the builder `{name}` works, and making it again was asked for");
    let step = Step::RecreateBuilder { name, cache: BuilderCache::Kept };
    let fix = Fix::risky("Recreate the builder with the same settings; its cache is kept", step);
    Some(Planned { rule: "recreate-builder", message, fix: fix.for_good() })
}

/// Files on their way from what they are to what they will be.
struct Draft<'a> {
    facts: &'a Facts,
    files: &'a dyn Fn(&Path) -> Option<Vec<u8>>,
    texts: BTreeMap<PathBuf, (String, Vec<Edit>)>,
    whole: Vec<FileChange>,
    /// What the rules find in the Dockerfile as it is; made when the first fix needs it.
    was: Option<Counts>,
}

impl Draft<'_> {
    /// Adds a fix of a finding, if it keeps the contract.
    fn take(&mut self, finding: &Finding, fix: &Fix) -> Result<(), Choice> {
        if let Some(file) = &self.facts.dockerfile {
            for step in &fix.steps {
                let Step::Edit { path, edits } = step else { continue };
                if *path == file.path {
                    let facts = self.facts;
                    let was = &*self.was.get_or_insert_with(|| Counts::of(facts, file));
                    let kept = contract::check(Case { facts, file, was }, finding, fix, edits);
                    kept.map_err(|broken| Choice::Refused(broken.to_string()))?;
                }
            }
        }
        self.add(fix)
    }

    fn add(&mut self, fix: &Fix) -> Result<(), Choice> {
        let (texts, whole) = (self.texts.clone(), self.whole.len());
        for step in &fix.steps {
            let added = match step {
                Step::Edit { path, edits } => self.edit(path, edits),
                Step::Write { path, text, executable } => self.write(path, text, *executable),
                _ => Ok(()),
            };
            if let Err(choice) = added {
                // All steps of a fix or none.
                self.texts = texts;
                self.whole.truncate(whole);
                return Err(choice);
            }
        }
        Ok(())
    }

    fn edit(&mut self, path: &Path, edits: &[Edit]) -> Result<(), Choice> {
        if self.whole.iter().any(|change| change.path == path) {
            return Err(Choice::Overlaps);
        }
        if !self.texts.contains_key(path) {
            let text = self.read(path)?;
            self.texts.insert(path.to_owned(), (text, vec![]));
        }
        let (text, known) = self.texts.get_mut(path).expect("one was just inserted");
        let mut all = known.clone();
        all.extend(edits.iter().cloned());
        let Ok(after) = apply(text, &all) else { return Err(Choice::Overlaps) };
        // Each fix keeps the contract alone; together they must still be a Dockerfile.
        let is_dockerfile = self.facts.dockerfile.as_ref().is_some_and(|file| file.path == path);
        let is_refused = |text: &str| parse(text).refusal().is_some();
        if is_dockerfile && is_refused(&after) && !is_refused(text) {
            return Err(Choice::Overlaps);
        }
        *known = all;
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<String, Choice> {
        let refused = |reason: &str| Choice::Refused(format!("{} {reason}", path.display()));
        let bytes = (self.files)(path).ok_or_else(|| refused("could not be read"))?;
        let dockerfile = self.facts.dockerfile.as_ref().filter(|file| file.path == path);
        let ignore = self.facts.context.known().map(|context| &context.ignore);
        let seen = match (dockerfile, ignore) {
            (Some(file), _) => Some(file.file.source()),
            (None, Some(ignore)) if ignore.path == path => {
                ignore.text.as_deref().map(str::as_bytes)
            }
            _ => None,
        };
        if seen.is_some_and(|seen| seen != bytes) {
            return Err(refused("has changed since it was read"));
        }
        String::from_utf8(bytes).map_err(|_| refused("is not UTF-8"))
    }

    fn write(&mut self, path: &Path, text: &str, executable: bool) -> Result<(), Choice> {
        let is_known = self.whole.iter().any(|change| change.path == path);
        if is_known || self.texts.contains_key(path) {
            return Err(Choice::Overlaps);
        }
        let before = (self.files)(path);
        let after = text.as_bytes().to_vec();
        self.whole.push(FileChange { path: path.to_owned(), before, after, executable });
        Ok(())
    }

    fn into_files(self) -> Vec<FileChange> {
        let mut files: Vec<FileChange> = Vec::new();
        for (path, (text, edits)) in self.texts {
            let after = apply(&text, &edits).expect("edits were applied when they were added");
            if after != text {
                let before = Some(text.into_bytes());
                let executable = false;
                files.push(FileChange { path, before, after: after.into_bytes(), executable });
            }
        }
        files.extend(
            self.whole.into_iter().filter(|change| change.before.as_ref() != Some(&change.after)),
        );
        let mut seen = HashSet::new();
        files.retain(|change| seen.insert(change.path.clone()));
        files
    }
}
