//! Why one path is in or out, from the ignore file and the links alone: the context is not walked.

use std::fs;
use std::path::Path;

use careen_host::walk::takers;
use careen_model::Why;
use careen_model::context_answer::{Found, IgnoreStep, PathAnswer};
use careen_syntax::ignore::{
    self, ExplainError, Explanation, IgnoreSource, Matcher, Transition, explain,
};

use super::{Ground, TMPFS};

impl Ground {
    /// The story of `path`, relative to the context with slashes.
    pub fn explain(&self, path: &str) -> Result<PathAnswer, Why> {
        let root = &self.project.context;
        let source = working(&self.force.source);
        let told = explain(&source, path).map_err(|err| unreadable(&source, err))?;
        let Explanation { walk, open } = told;
        let asks: Vec<_> =
            self.sources.iter().flatten().filter(|source| source.instruction != TMPFS).collect();
        let paths: Vec<String> = asks.iter().map(|source| source.path.clone()).collect();
        let taken = takers(root, path, &paths)?;
        Ok(PathAnswer {
            path: path.to_owned(),
            found: found(&root.join(path)),
            ignore: self.force.file.exists.then(|| self.force.file.path.clone()),
            problems: self.force.file.problems.clone(),
            closed: closed(&root.join(path)),
            walk: walk.into_iter().map(step).collect(),
            open: open.into_iter().map(step).collect(),
            classic: classic(root, path),
            taken: taken.into_iter().map(|number| asks[number].clone()).collect(),
            has_sources: self.sources.is_some(),
        })
    }
}

/// The file without the patterns that fail every build, lines and numbers kept.
fn working(source: &IgnoreSource) -> IgnoreSource {
    let mut out = source.clone();
    // An empty pattern is passed over by the matcher, so places stay what they are.
    for pattern in &mut out.patterns {
        if ignore::fault(pattern).is_some() {
            pattern.clear();
        }
    }
    out
}

fn unreadable(source: &IgnoreSource, err: ExplainError) -> Why {
    let (index, error) = match err {
        ExplainError::New(err) => (err.index, err.message),
        ExplainError::Match(err) => (err.index, err.message),
    };
    let pattern = source.patterns.get(index).map_or("", String::as_str);
    Why::Unreadable { what: format!("the pattern `{pattern}`"), error }
}

fn step(step: Transition) -> IgnoreStep {
    IgnoreStep {
        line: step.line,
        pattern: step.pattern,
        matched: step.matched,
        excluded: step.excluded,
        readings: step.readings.into_iter().map(ignore::Reading::text).collect(),
    }
}

fn found(path: &Path) -> Found {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => Found::Folder,
        Ok(meta) if meta.is_symlink() => Found::Link,
        Ok(meta) if meta.file_type().is_file() => Found::File(meta.len()),
        Ok(_) => Found::Special,
        Err(err) if err.kind() == std::io::ErrorKind::PermissionDenied => Found::Denied,
        Err(_) => Found::Nothing,
    }
}

/// Opens it as the builder's client would; what is no file and no folder is never opened.
fn closed(path: &Path) -> Option<String> {
    let opened = match found(path) {
        Found::Folder => fs::read_dir(path).map(drop),
        Found::File(_) => fs::File::open(path).map(drop),
        _ => return None,
    };
    opened.err().map(|err| err.to_string())
}

/// Whether the classic builder leaves `path` out. It reads only `.dockerignore` in the root and
/// skips an excluded folder unless the text of an exception begins with it (moby/go-archive
/// `archive.go`), so that exceptions with a wildcard in front never reach into one.
fn classic(root: &Path, path: &str) -> Result<bool, String> {
    let Ok(bytes) = fs::read(root.join(".dockerignore")) else { return Ok(false) };
    let source = ignore::read(&bytes);
    if let Some(problem) = source.problems.iter().find(|problem| problem.fatal) {
        return Err(problem.message.clone());
    }
    let matcher = Matcher::new(&source.patterns).map_err(|err| err.message)?;
    let ends = path.match_indices('/').map(|(at, _)| at);
    for folder in ends.map(|end| &path[..end]) {
        let is_out = matcher.walk_match(folder.as_bytes()).map_err(|err| err.message)?;
        let below = format!("{folder}/");
        let mut exceptions = matcher.patterns().iter().filter(|pattern| pattern.is_exception);
        if is_out && !exceptions.any(|pattern| format!("{}/", pattern.text).starts_with(&below)) {
            return Ok(true);
        }
    }
    matcher.walk_match(path.as_bytes()).map_err(|err| err.message)
}
