//! Running tests on a real engine: in containers of an image, or in the result of a build.

use std::time::Duration;

use careen_engine::{BuildResult, CancelToken, Connection, EngineError, ExecOutput};

use super::{Exec, NotRun, Ran};

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
        judge_start(argv, output)
    }
}

impl Exec for ResultExec<'_> {
    fn exec(&self, argv: &[String], limit: Duration) -> Result<Ran, NotRun> {
        judge_start(argv, self.result.exec(&careen_engine::Exec::new(argv, limit), self.cancel))
    }
}

/// What an engine's answer means for the test that asked.
fn judge_start(argv: &[String], answer: Result<ExecOutput, EngineError>) -> Result<Ran, NotRun> {
    let message = match answer {
        Ok(output) => return ended(output),
        Err(EngineError::Refused { message, .. }) => message,
        Err(err) => return Err(NotRun::NoEngine { reason: err.to_string() }),
    };
    // What was asked for stands in the message too: words that it has itself tell nothing.
    let is_asked = |word: &str| argv.iter().any(|asked| asked.contains(word));
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word) && !is_asked(word));
    let program = argv.first().cloned().unwrap_or_default();
    // The words of runc and crun; engines wrap them in different ways and with different codes.
    if says(&["no such file or directory", "executable file not found", "not a directory"]) {
        return Err(NotRun::NoProgram { program });
    }
    if says(&["exec format error", "permission denied"]) {
        // It is there and cannot be started: that is a result, with the code a shell would give.
        return Ok(Ran { exit_code: 126, stderr: message.into_bytes(), ..Ran::default() });
    }
    Err(NotRun::NoEngine { reason: message })
}

fn ended(output: ExecOutput) -> Result<Ran, NotRun> {
    let ExecOutput { code, stdout, stderr, took, timed_out, .. } = output;
    match code {
        None if !timed_out => {
            Err(NotRun::NoEngine { reason: "the engine did not tell how it ended".to_owned() })
        }
        code => Ok(Ran { exit_code: code.unwrap_or(137), stdout, stderr, took, timed_out }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_engines() {
        let start = |answer| judge_start(&["x".to_owned()], answer);
        let refused = |message: &str| {
            start(Err(EngineError::Refused { status: 400, message: message.to_owned() }))
        };
        let missing = Err(NotRun::NoProgram { program: "x".into() });
        assert_eq!(refused("exec: \"x\": executable file not found in $PATH: unknown"), missing);
        assert_eq!(refused("exec: \"x\": stat x: no such file or directory"), missing);
        assert_eq!(refused("exec /x: exec format error").unwrap().exit_code, 126);
        let hostile = ["sh".to_owned(), "-c".to_owned(), "echo permission denied".to_owned()];
        let message = "cannot start sh -c echo permission denied".to_owned();
        let refused_hostile =
            judge_start(&hostile, Err(EngineError::Refused { status: 500, message }));
        assert!(matches!(refused_hostile, Err(NotRun::NoEngine { .. })));
        let other = refused("No such image: hoops:dev").unwrap_err();
        assert_eq!(other.to_string(), "No such image: hoops:dev");
        assert!(matches!(start(Err(EngineError::Cancelled)), Err(NotRun::NoEngine { .. })));
        let output = ExecOutput { code: Some(3), ..ExecOutput::default() };
        assert_eq!(start(Ok(output)).unwrap().exit_code, 3);
        let output = ExecOutput { timed_out: true, ..ExecOutput::default() };
        assert!(start(Ok(output)).unwrap().timed_out);
        assert!(start(Ok(ExecOutput::default())).is_err());
    }
}
