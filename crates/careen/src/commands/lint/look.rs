//! Reading files and running the rules on them, on several threads where there are many.

use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use careen_check::{Facts, LintFacts, ParsedDockerfile, Profile, answers_to, lint, lint_ignore};
use careen_model::context::IgnoreFile;
use careen_model::{Fact, Finding, Place};
use careen_report::lint::LintFile;
use careen_syntax::dockerfile::{self, Dockerfile};
use careen_syntax::ignore;

use super::asked::Asked;
use super::describe;
use super::targets::{Kind, Target};
use crate::commands::missing_stage;

/// Below this number a thread costs more than it saves.
const MANY: usize = 8;

/// Standard input of this size is no Dockerfile.
const LARGEST: u64 = 4 << 20;

/// All files in the order of their targets.
pub(super) fn all(targets: &[Target], asked: &Asked) -> Vec<LintFile> {
    // Asking how many there are costs more than a small file.
    let threads = || thread::available_parallelism().map_or(1, NonZeroUsize::get).min(8);
    let threads = if targets.len() < MANY { 1 } else { threads() };
    if threads == 1 {
        return targets.iter().map(|target| one(target, asked)).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, LintFile)>> = Mutex::new(Vec::with_capacity(targets.len()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(target) = targets.get(n) else { break };
                    mine.push((n, one(target, asked)));
                }
                done.lock().expect("no thread panics with the lock").extend(mine);
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics with the lock");
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, file)| file).collect()
}

/// One file: read, judged, described.
fn one(target: &Target, asked: &Asked) -> LintFile {
    let path = &target.path;
    let bytes = match target.kind {
        Kind::StandardInput => standard_input(),
        Kind::Dockerfile | Kind::IgnoreFile => {
            careen_host::read_small(path).map_err(|why| reason(&why))
        }
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(reason) => return LintFile::unread(path.clone(), reason),
    };
    if target.kind == Kind::IgnoreFile {
        return ignore_file(path, &bytes, asked);
    }
    let mut file = LintFile::new(path.clone(), bytes.clone());
    let facts = facts(target, asked, dockerfile::parse(bytes));
    let found = lint(&facts, &asked.lint);
    let parsed = facts.dockerfile.as_ref().map(|parsed| &parsed.file);
    let mut findings = found.findings;
    file.suppressed = found.suppressed;
    file.must_fail = found.must_fail;
    if asked.lint.profile != Profile::Careen {
        file.suppressed += keep_named(&mut findings, asked);
    }
    if let (Some(stage), Some(parsed)) = (&asked.target, parsed) {
        let meaning = parsed.meaning(&facts.lint.given);
        if meaning.target(Some(stage)).is_none() {
            return LintFile::unread(path.clone(), missing_stage::told(&meaning, stage));
        }
        // BuildKit's own way of reaching stages is in its profile.
        if asked.lint.profile != Profile::BuildKit {
            keep_reachable(&mut findings, parsed, &facts.lint, stage);
        }
    }
    asked.grade(&mut findings);
    describe::add(&mut file, parsed, findings);
    file
}

/// An ignore file: what breaks the build, and what misleads.
fn ignore_file(path: &Path, bytes: &[u8], asked: &Asked) -> LintFile {
    let facts = ignore_facts(path, bytes);
    let text = facts.text.clone().unwrap_or_default();
    let mut file = LintFile::new(path.to_owned(), text.into_bytes());
    let mut found = lint_ignore(facts, &asked.lint);
    asked.grade(&mut found.findings);
    file.suppressed = found.suppressed;
    describe::add(&mut file, None, found.findings);
    file
}

/// An ignore file as the rules see it.
pub(super) fn ignore_facts(path: &Path, bytes: &[u8]) -> IgnoreFile {
    let dedicated = path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."));
    let read = if dedicated { ignore::read_dedicated(bytes) } else { ignore::read(bytes) };
    IgnoreFile {
        path: path.to_owned(),
        exists: true,
        dedicated,
        text: Some(String::from_utf8_lossy(bytes).into_owned()),
        problems: read.problems,
    }
}

/// What the rules are told beside the file.
pub(super) fn facts(target: &Target, asked: &Asked, file: Dockerfile) -> Facts {
    let mut told = asked.facts.clone();
    let given = std::mem::take(&mut told.given.arguments);
    told.given.arguments = target.arguments.iter().cloned().chain(given).collect();
    let folder = target.path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let context = target.context.as_deref().or(match target.kind {
        // Nobody said where the context of a piped file is.
        Kind::StandardInput => None,
        _ => Some(folder.unwrap_or(Path::new("."))),
    });
    if let Some(context) = context {
        told.ignore = Fact::Known(careen_host::walk::in_force(&target.path, context).file);
    }
    asked.tell_bases(&mut told, &file);
    Facts {
        dockerfile: Some(ParsedDockerfile { path: target.path.clone(), file }),
        lint: told,
        ..Facts::nothing(0)
    }
}

/// Leaves the findings of another linter that were asked for.
fn keep_named(findings: &mut Vec<Finding>, asked: &Asked) -> usize {
    let is =
        |finding: &Finding, names: &[String]| names.iter().any(|name| answers_to(finding, name));
    if !asked.only.is_empty() {
        findings.retain(|finding| is(finding, &asked.only));
    }
    let before = findings.len();
    findings.retain(|finding| !is(finding, &asked.ignored));
    before - findings.len()
}

/// Leaves what stands before the first stage, and in stages that the target needs.
fn keep_reachable(findings: &mut Vec<Finding>, file: &Dockerfile, facts: &LintFacts, target: &str) {
    let meaning = file.meaning(&facts.given);
    let reachable = meaning.reachable(Some(target));
    findings.retain(|finding| {
        let Place::File { span, .. } = &finding.place else { return true };
        let holds = |stage: &&careen_syntax::dockerfile::Stage<'_>| {
            stage.span.start <= span.start && span.start < stage.span.end
        };
        meaning.stages.iter().find(holds).is_none_or(|stage| reachable.contains(&stage.index))
    });
}

fn standard_input() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|err| err.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err("is larger than 4 MiB".to_owned());
    }
    Ok(bytes)
}

/// The reason without the path, which stands before it anyway.
fn reason(why: &careen_model::Why) -> String {
    use careen_model::Why;
    match why {
        Why::Absent { .. } => "there is no such file".to_owned(),
        Why::Denied { .. } => "permission denied".to_owned(),
        Why::Unreadable { error, .. } => error.clone(),
        other => other.to_string(),
    }
}
