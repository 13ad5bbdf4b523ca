//! `careen debug`: what the readers of Dockerfiles and ignore files understand.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use careen_host::walk::{WalkRequest, walk};
use careen_syntax::dockerfile::{self, Keyword};
use careen_syntax::ignore;

use crate::arguments::Debug;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn run(options: &Debug) -> Result<Exit, Failure> {
    match options {
        Debug::Ast { files } => ast(files),
        Debug::Walk { root, ignore, threads } => count_walk(root, ignore.as_deref(), *threads),
        Debug::Parse { times } => count_parse(*times),
        Debug::Words | Debug::Expand | Debug::IgnoreMatch | Debug::IgnoreWalk => {
            super::debug_lines::run(options)
        }
    }
}

/// The dump of each file, and on standard error why BuildKit would refuse it.
///
/// The exit code is 1 for a file without a tree or with an unknown instruction. What a later pass
/// says of an instruction's arguments leaves it at 0: BuildKit's own parser tests have such files.
fn ast(files: &[std::path::PathBuf]) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    for path in files {
        let bytes = fs::read(path)
            .map_err(|err| Failure::could_not(format!("read {}", path.display()), err))?;
        let file = dockerfile::parse(bytes);
        if let Some(problem) = file.refusal() {
            super::say(&format!("{}:{}: {}", path.display(), problem.line, problem.message));
        }
        let has_no_tree = file.parser_refusal().is_some();
        if has_no_tree || file.instructions().any(|one| one.keyword == Keyword::Unknown) {
            exit = Exit::Findings;
        }
        if !has_no_tree {
            super::print(|out| writeln!(out, "{}", file.dump()))?;
        }
    }
    Ok(exit)
}

/// Entries and bytes of a context after an ignore file, and nothing that costs time beside it.
fn count_walk(
    root: &Path,
    ignore: Option<&Path>,
    threads: Option<NonZeroUsize>,
) -> Result<Exit, Failure> {
    let exclude = match ignore {
        Some(path) => {
            let bytes = fs::read(path)
                .map_err(|err| Failure::could_not(format!("read {}", path.display()), err))?;
            ignore::read(&bytes).patterns
        }
        None => vec![],
    };
    let request = WalkRequest { root: root.to_owned(), exclude, threads, ..WalkRequest::default() };
    let found = walk(&request)
        .map_err(|err| Failure::could_not(format!("walk {}", root.display()), err))?;
    let (entries, bytes, faults) = (found.len(), found.bytes(), found.faults.len());
    super::print(|out| writeln!(out, "{entries} entries, {bytes} bytes, {faults} faults"))?;
    Ok(Exit::Ok)
}

/// Files and instructions of the Dockerfiles named on standard input, one path a line.
fn count_parse(times: usize) -> Result<Exit, Failure> {
    let (mut files, mut instructions) = (0_usize, 0_usize);
    for path in io::stdin().lines() {
        let path = path.map_err(|err| Failure::could_not("read standard input", err))?;
        let bytes =
            fs::read(&path).map_err(|err| Failure::could_not(format!("read {path}"), err))?;
        files += 1;
        for _ in 0..times {
            instructions += dockerfile::parse(bytes.clone()).instructions().count();
        }
    }
    super::print(|out| writeln!(out, "{files} files, {instructions} instructions"))?;
    Ok(Exit::Ok)
}
