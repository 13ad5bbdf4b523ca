//! Running tests on a real engine: in containers of an image, or in the result of a build.

use std::time::Duration;

use careen_engine::{BuildResult, CancelToken, Connection, EngineError, ExecOutput};

use super::{Exec, NotRun, Ran};

/// Exit code of a container runtime that found no such program (as shells use it).
const NO_PROGRAM: i32 = 127;

/// Runs each program in a container of its own, without network, removed afterwards.
#[derive(Debug)]
pub struct ImageExec<'a> {
    connection: &'a Connection,
    image: &'a str,
    cancel: &'a CancelToken,
}

/// Runs each program in the builder, without an image.
#[derive(Debug)]
pub struct ResultExec<'a> {
    result: &'a BuildResult,
    cancel: &'a CancelToken,
}

impl<'a> ImageExec<'a> {
    /// `image`: a name or id that the engine knows.
    pub fn new(connection: &'a Connection, image: &'a str, cancel: &'a CancelToken) -> Self {
        ImageExec { connection, image, cancel }
    }
}

impl<'a> ResultExec<'a> {
    pub fn new(result: &'a BuildResult, cancel: &'a CancelToken) -> Self {
        ResultExec { result, cancel }
    }
}

impl Exec for ImageExec<'_> {
    fn exec(&self, argv: &[String], limit: Duration) -> Result<Ran, NotRun> {
        let exec = careen_engine::Exec::new(argv, limit);
        let output = careen_engine::run_in_image(self.connection, self.image, &exec, self.cancel);
        ran(argv, output)
    }
}

impl Exec for ResultExec<'_> {
    fn exec(&self, argv: &[String], limit: Duration) -> Result<Ran, NotRun> {
        ran(argv, self.result.exec(&careen_engine::Exec::new(argv, limit), self.cancel))
    }
}

fn ran(argv: &[String], output: Result<ExecOutput, EngineError>) -> Result<Ran, NotRun> {
    let program = || argv.first().cloned().unwrap_or_default();
    match output {
        Ok(output) => match output.code {
            Some(NO_PROGRAM) if output.stdout.is_empty() && says_missing(&output.stderr) => {
                Err(NotRun::NoProgram { program: program() })
            }
            code => Ok(Ran {
                exit_code: code.unwrap_or(-1),
                stdout: output.stdout,
                stderr: output.stderr,
                took: output.took,
                timed_out: output.timed_out,
            }),
        },
        // What runc says when the program of a container does not exist.
        Err(EngineError::Refused { message, .. }) if says_missing(message.as_bytes()) => {
            Err(NotRun::NoProgram { program: program() })
        }
        Err(err) => Err(NotRun::NoEngine { reason: err.to_string() }),
    }
}

fn says_missing(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.is_empty()
        || text.contains("executable file not found")
        || text.contains("no such file or directory")
}
