//! What would break a build, asked before anything is sent: cheap, and without the engine.

use std::fs;
use std::path::Path;

use careen_model::ProjectFacts;
use careen_syntax::dockerfile;

use super::missing_stage;
use crate::failure::Failure;

/// Fails when the Dockerfile cannot be read, or BuildKit would refuse it.
///
/// A file with a `# syntax=` line is left to that frontend, which may know more than we do.
pub(super) fn check(project: &ProjectFacts, path: &Path) -> Result<(), Failure> {
    let doing = format!("build {}", path.display());
    let bytes = fs::read(path).map_err(|err| Failure::could_not(doing.clone(), err))?;
    let file = dockerfile::parse(bytes);
    if file.syntax().is_none()
        && let Some(problem) = file.refusal()
    {
        let why = format!("line {}: {}", problem.line, problem.message);
        return Err(Failure::refused(doing, why));
    }
    if !project.context.is_dir() {
        let why = format!("the context {} is not a folder", project.context.display());
        return Err(Failure::could_not(doing, why));
    }
    if let Some(target) = &project.target
        && file.syntax().is_none()
        && file.reachable(Some(target)).is_empty()
    {
        let meaning = file.meaning(&dockerfile::Given::default());
        return Err(Failure::refused(doing, missing_stage::told(&meaning, target)));
    }
    Ok(())
}
