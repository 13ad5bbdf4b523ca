//! Which ignore file counts for a Dockerfile, read from disk with everything that makes it not count.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use careen_model::context::{IgnoreFile, IgnoreProblem};
use careen_syntax::ignore::{IgnoreSource, candidates, fault, read, read_dedicated};

/// The ignore file in force and its patterns.
#[derive(Debug, Clone)]
pub struct Force {
    pub file: IgnoreFile,
    pub source: IgnoreSource,
}

impl Force {
    /// The patterns that work. The others fail every build and are among the file's problems.
    pub fn working_patterns(&self) -> Vec<String> {
        let works = |pattern: &&String| fault(pattern).is_none();
        self.source.patterns.iter().filter(works).cloned().collect()
    }
}

/// What is found at the place of an ignore file.
enum Found {
    Nothing,
    Text(Vec<u8>),
    /// It is there, but the builder does not see it.
    Unseen(String),
}

/// Finds the file in force: `<Dockerfile>.dockerignore`, else `.dockerignore` in the context root.
/// Exactly one counts; when there is none, the file of the result does not exist.
pub fn in_force(dockerfile: &Path, root: &Path) -> Force {
    let [dedicated, common] =
        candidates(&dockerfile.to_string_lossy(), &root.to_string_lossy()).map(PathBuf::from);
    let mut problems = Vec::new();
    let beside = dockerfile.parent().unwrap_or(root);
    for (path, base, is_dedicated) in [(&dedicated, beside, true), (&common, root, false)] {
        match find(path, base) {
            Found::Nothing => (),
            Found::Unseen(message) => {
                problems.push(IgnoreProblem { line: None, message, fatal: false });
                if !is_dedicated {
                    return force(path, is_dedicated, None, IgnoreSource::default(), problems);
                }
            }
            Found::Text(bytes) => {
                let source = if is_dedicated { read_dedicated(&bytes) } else { read(&bytes) };
                problems.extend(source.problems.iter().cloned());
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return force(path, is_dedicated, Some(text), source, problems);
            }
        }
    }
    let mut none = force(&common, false, None, IgnoreSource::default(), problems);
    none.file.exists = false;
    none
}

/// The ignore file for the classic builder: only `.dockerignore` in the context root, wherever a
/// link leads; a folder in its place fails the build.
pub fn in_force_for_classic(root: &Path) -> Force {
    let path = root.join(".dockerignore");
    let problem = |message: String, fatal| IgnoreProblem { line: None, message, fatal };
    match fs::read(&path) {
        Ok(bytes) => {
            let source = read(&bytes);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let problems = source.problems.clone();
            force(&path, false, Some(text), source, problems)
        }
        Err(err) if is_absent(&err) => {
            let mut none = force(&path, false, None, IgnoreSource::default(), vec![]);
            none.file.exists = false;
            none
        }
        Err(err) => {
            let message = format!("`{}` cannot be read: {err}", path.display());
            let problems = vec![problem(message, true)];
            force(&path, false, None, IgnoreSource::default(), problems)
        }
    }
}

fn force(
    path: &Path,
    dedicated: bool,
    text: Option<String>,
    source: IgnoreSource,
    problems: Vec<IgnoreProblem>,
) -> Force {
    let path = path.to_owned();
    Force { file: IgnoreFile { path, exists: true, dedicated, text, problems }, source }
}

fn is_absent(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn find(path: &Path, base: &Path) -> Found {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Err(err) if is_absent(&err) => return Found::Nothing,
        Err(err) => return Found::Unseen(format!("`{shown}` cannot be read: {err}")),
        Ok(metadata) if metadata.is_dir() => {
            return Found::Unseen(format!("`{shown}` is a folder, so nothing is ignored"));
        }
        Ok(metadata) if metadata.is_symlink() => {
            let target = fs::canonicalize(path);
            let base = fs::canonicalize(base);
            let is_inside = match (&target, &base) {
                (Ok(target), Ok(base)) => target.starts_with(base),
                _ => false,
            };
            if !is_inside {
                let message =
                    format!("`{shown}` is a link out of the context, so nothing is ignored");
                return Found::Unseen(message);
            }
        }
        Ok(_) => (),
    }
    match fs::read(path) {
        Ok(bytes) => Found::Text(bytes),
        Err(err) => Found::Unseen(format!("`{shown}` cannot be read: {err}")),
    }
}
