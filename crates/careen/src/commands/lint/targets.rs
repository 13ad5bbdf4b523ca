//! Which files a run looks at, and what is known of the build of each.

use std::path::{Path, PathBuf};

use crate::arguments::LintOptions;
use crate::failure::Failure;

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
    pub(super) targets: Vec<Target>,
    pub(super) notes: Vec<String>,
}

pub(super) fn of(options: &LintOptions) -> Result<Targets, Failure> {
    let mut found = Targets::default();
    for path in &options.paths {
        found.targets.push(Target {
            path: path.clone(),
            kind: kind(path),
            context: options.context.clone(),
            arguments: vec![],
        });
    }
    Ok(found)
}

fn kind(path: &Path) -> Kind {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    match name {
        b"-" if path.as_os_str() == "-" => Kind::StandardInput,
        _ if name.ends_with(b".dockerignore") || name == b".containerignore" => Kind::IgnoreFile,
        _ => Kind::Dockerfile,
    }
}
