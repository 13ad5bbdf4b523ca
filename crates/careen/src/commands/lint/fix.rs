//! `careen lint --fix`: the fixes of the findings, planned for each file and applied at once.

use std::fs;
use std::path::{Path, PathBuf};

use careen_check::{
    Check, Policy, Profile, RULES, Scope, Selection, diagnose, lint_ignore, plan, plan_rounds,
};
use careen_model::{Choice, Diagnosis, Plan, Planned, Safety, Step};
use careen_report::lint::Fixed;
use careen_run::apply::{Journal, replace_file};
use careen_syntax::dockerfile;

use super::asked::Asked;
use super::look;
use super::targets::{Kind, Target};
use crate::arguments::LintOptions;
use crate::commands::undo::{failed, recover};
use crate::failure::Failure;

/// What was fixed, and what was not and why.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) fixed: Vec<Fixed>,
    pub(super) journal: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// What a folder has that is a project of its own.
const SIGNS: [&str; 5] = [".git", ".careen", "careen.toml", ".careen.toml", "pyproject.toml"];

/// The fixes of all files in one plan, and nothing written.
pub(super) fn planned(
    targets: &[Target],
    asked: &Asked,
    options: &LintOptions,
) -> Result<Plan, Failure> {
    if asked.lint.profile != Profile::Careen {
        let why = "--fix works with careen's own rules, not with --profile";
        return Err(Failure::usage(why));
    }
    if targets.iter().any(|target| target.kind == Kind::StandardInput) {
        return Err(Failure::usage("--fix needs a file; standard input cannot be changed"));
    }
    let policy = Policy {
        scope: Scope::All,
        floor: if options.risky { Safety::Risky } else { Safety::Safe },
        numbers: asked.lint.selection.numbers.clone(),
        ..Policy::default()
    };
    let mut all = Plan::default();
    for target in targets {
        let Some(plan) = plan_of(target, asked, &policy) else { continue };
        all.chosen.extend(plan.chosen);
        all.left.extend(plan.left);
        all.files.extend(plan.files);
    }
    Ok(all)
}

/// The fixes of one file; nothing for one that cannot be read, which the report says.
fn plan_of(target: &Target, asked: &Asked, policy: &Policy) -> Option<Plan> {
    let bytes = careen_host::read_small(&target.path).ok()?;
    let files = |path: &Path| {
        if path == target.path { Some(bytes.clone()) } else { fs::read(path).ok() }
    };
    if target.kind == Kind::IgnoreFile {
        let file = look::ignore_facts(&target.path, &bytes);
        let findings = lint_ignore(file, &asked.lint).findings;
        let diagnosis = Diagnosis { findings, checks: vec![] };
        return Some(plan(&diagnosis, &careen_check::Facts::nothing(0), &files, policy));
    }
    let facts = look::facts(target, asked, dockerfile::parse(bytes.clone()));
    let is_asked = |rule: &&careen_check::Rule| {
        matches!(rule.check, Check::Dockerfile(_) | Check::Bases(_)) && asked.lint.asks_for(rule)
    };
    let only: Vec<_> = RULES.iter().copied().filter(is_asked).collect();
    if only.is_empty() {
        return None;
    }
    let selection = Selection { only, ..asked.lint.selection.clone() };
    Some(plan_rounds(&diagnose(&facts, &selection), &facts, &files, policy))
}

/// Applies the plan: one journal entry for each project, or each file by itself without a journal.
pub(super) fn apply(plan: Plan, options: &LintOptions, now: i64) -> Result<Done, Failure> {
    let mut done = Done { notes: refused(&plan), ..Done::default() };
    done.fixed = plan.chosen.iter().map(|planned| fixed(&plan, planned)).collect();
    if options.no_journal {
        for file in &plan.files {
            replace_file(file).map_err(failed("apply the fixes"))?;
        }
        return Ok(done);
    }
    let mut projects: Vec<(PathBuf, Plan)> = Vec::new();
    for file in plan.files {
        let root = project_of(&file.path)?;
        let at = projects.iter().position(|(known, _)| *known == root);
        let at = at.unwrap_or_else(|| {
            projects.push((root, Plan::default()));
            projects.len() - 1
        });
        projects[at].1.files.push(file);
    }
    for (root, mut part) in projects {
        let in_part =
            |planned: &&Planned| part.files.iter().any(|file| touches(planned, &file.path));
        part.chosen = plan.chosen.iter().filter(in_part).cloned().collect();
        crate::commands::relative_to(&root, &mut part);
        let journal = Journal::of(&root).map_err(failed("read the journal"))?;
        recover(&journal)?;
        let applied = journal.apply(&part, now).map_err(failed("apply the fixes"))?;
        done.journal.extend(applied.map(|applied| applied.id));
    }
    Ok(done)
}

/// The nearest folder above a file that is a project of its own.
fn project_of(path: &Path) -> Result<PathBuf, Failure> {
    let full = fs::canonicalize(path)
        .map_err(|err| Failure::could_not(format!("fix {}", path.display()), err))?;
    let is_project =
        |folder: &&Path| SIGNS.iter().any(|sign| fs::symlink_metadata(folder.join(sign)).is_ok());
    match full.ancestors().skip(1).find(is_project) {
        Some(root) => Ok(root.to_owned()),
        None => Err(Failure::could_not(
            format!("fix {}", path.display()),
            "it lies in no project, so there is no place for a journal",
        )
        .hint(Some("add --no-journal to change it without a way back"))),
    }
}

fn touches(planned: &Planned, path: &Path) -> bool {
    planned.fix.steps.iter().any(|step| match step {
        Step::Edit { path: known, .. } | Step::Write { path: known, .. } => known == path,
        _ => false,
    })
}

fn fixed(plan: &Plan, planned: &Planned) -> Fixed {
    let file = plan.files.iter().find(|file| touches(planned, &file.path));
    Fixed {
        path: file.map_or(String::new(), |file| file.path.display().to_string()),
        rule: planned.rule,
        title: planned.fix.title.clone(),
        safety: planned.fix.safety,
    }
}

/// Fixes that were offered and would have done harm.
fn refused(plan: &Plan) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for (planned, choice) in &plan.left {
        let Choice::Refused(why) = choice else { continue };
        let paths = planned.fix.steps.iter().filter_map(|step| match step {
            Step::Edit { path, .. } | Step::Write { path, .. } => Some(path.display().to_string()),
            _ => None,
        });
        let path = paths.collect::<Vec<_>>().join(", ");
        let note = format!("{path}: not fixed by {}: {}: {why}", planned.rule, planned.fix.title);
        // Two findings may offer the same.
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}
