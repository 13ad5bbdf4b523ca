//! `careen debug`: what the readers of Dockerfiles and ignore files understand.

use std::fs;

use careen_syntax::dockerfile;

use crate::arguments::Debug;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn run(options: &Debug) -> Result<Exit, Failure> {
    match options {
        Debug::Ast { files } => ast(files),
        Debug::Words | Debug::Expand | Debug::IgnoreMatch | Debug::IgnoreWalk => {
            super::debug_lines::run(options)
        }
    }
}

/// The dump of each file; a file that BuildKit's parser refuses makes the exit code 1.
fn ast(files: &[std::path::PathBuf]) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    for path in files {
        let bytes = fs::read(path)
            .map_err(|err| Failure::could_not(format!("read {}", path.display()), err))?;
        let file = dockerfile::parse(bytes);
        match file.parser_refusal() {
            Some(problem) => {
                super::say(&format!("{}: {}", path.display(), problem.message));
                exit = Exit::Findings;
            }
            None => super::print(|out| writeln!(out, "{}", file.dump()))?,
        }
    }
    Ok(exit)
}
