//! Which files a run looks at, and what is known of the build of each.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use careen_host::BuildFiles;

/// One file to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// Where the ignore file is looked for beside the Dockerfile; the Dockerfile's folder without.
    pub(super) context: Option<PathBuf>,
    /// What compose and the like give to the build; options go before.
    pub(super) arguments: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Dockerfile,
    /// Named `-`.
    StandardInput,
    IgnoreFile,
}

/// All files in their order, and what the search did not understand.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) all: Vec<Target>,
    pub(super) notes: Vec<String>,
    /// The files themselves, whatever leads to them.
    seen: HashSet<PathBuf>,
}

/// What the paths of the command line lead to; without one, the current folder.
///
/// A file that is named is looked at whatever its name; one that several paths lead to, once.
pub(super) fn of(paths: &[PathBuf], context: Option<&Path>) -> Targets {
    let mut found = Targets::default();
    let here = [PathBuf::from(".")];
    for path in if paths.is_empty() { &here } else { paths } {
        if path.as_os_str() == "-" {
            found.add(path.clone(), Kind::StandardInput, context.map(Path::to_owned), vec![]);
        } else if path.is_dir() {
            found.add_all(careen_host::builds_in(path), path, context);
        } else if careen_host::is_build_description(path) && path.is_file() {
            found.add_all(careen_host::builds_of(path), path, context);
        } else {
            let kind = if is_ignore_file(path) { Kind::IgnoreFile } else { Kind::Dockerfile };
            found.add(path.clone(), kind, context.map(Path::to_owned), vec![]);
        }
    }
    found
}

impl Targets {
    fn add(
        &mut self,
        path: PathBuf,
        kind: Kind,
        context: Option<PathBuf>,
        arguments: Vec<(String, String)>,
    ) {
        // What is not there is told under each of its names.
        let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if self.seen.insert(real) {
            self.all.push(Target { path, kind, context, arguments });
        }
    }

    fn add_all(&mut self, files: BuildFiles, path: &Path, context: Option<&Path>) {
        let count = self.all.len();
        for file in files.dockerfiles {
            let context = context.map(Path::to_owned).or(file.context);
            self.add(file.path, Kind::Dockerfile, context, file.arguments);
        }
        for file in files.ignore_files {
            self.add(file, Kind::IgnoreFile, None, vec![]);
        }
        self.all[count..].sort_by(|a, b| a.path.cmp(&b.path));
        self.notes.extend(files.notes);
        if self.all.len() == count {
            self.notes.push(format!("{}: no Dockerfile was found", path.display()));
        }
    }
}

fn is_ignore_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.ends_with(b".dockerignore") || name == b".containerignore"
}
