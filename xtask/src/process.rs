//! Other programs: echoed before they run, named in full when they fail.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Lines of a failed program's output that are repeated in the error.
const TAIL_LINES: usize = 12;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C ends the running program but not this one, so that it can clean up.
pub(crate) fn survive_interrupts() {
    let installed = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst));
    if let Err(err) = installed {
        eprintln!("warning: Ctrl-C will not clean up: {err}");
    }
}

/// Whether Ctrl-C was pressed since.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A program that is about to run.
#[derive(Debug)]
pub(crate) struct Call(Command);

impl Call {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self(Command::new(program))
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs with this terminal's output; anything but success is an error.
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.run_or(&[])
    }

    /// Runs with this terminal's output; these exit codes are as good as success.
    pub(crate) fn run_or(mut self, good: &[i32]) -> Result<(), Failure> {
        let line = self.line();
        eprintln!("$ {line}");
        let status = match self.0.stdin(Stdio::null()).status() {
            Ok(status) => status,
            Err(source) => return Err(Failure::NotStarted { line, source }),
        };
        match status.success() {
            _ if interrupted() => Err(Failure::Interrupted),
            true => Ok(()),
            false if status.code().is_some_and(|code| good.contains(&code)) => Ok(()),
            false => Err(Failure::Command { line, status, tail: String::new() }),
        }
    }

    /// Runs with an echo; output is shown only as part of an error.
    pub(crate) fn run_quietly(self) -> Result<(), Failure> {
        eprintln!("$ {}", self.line());
        self.read().map(drop)
    }

    /// Runs without an echo and returns standard output. It works after Ctrl-C too: cleaning up
    /// is made of such commands.
    pub(crate) fn read(self) -> Result<String, Failure> {
        self.read_or(&[])
    }

    /// The same; these exit codes are as good as success.
    pub(crate) fn read_or(self, good: &[i32]) -> Result<String, Failure> {
        let line = self.line();
        let output = self.output()?;
        let is_good = output.status.code().is_some_and(|code| good.contains(&code));
        if output.status.success() || is_good {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        if interrupted() {
            return Err(Failure::Interrupted);
        }
        let both = [output.stdout, output.stderr].concat();
        Err(Failure::Command { line, status: output.status, tail: tail(&both) })
    }

    /// Runs without an echo; whether it succeeded.
    pub(crate) fn succeeds(self) -> bool {
        self.output().is_ok_and(|output| output.status.success())
    }

    /// The inner command, for what is unusual.
    pub(crate) fn into_command(self) -> Command {
        self.0
    }

    fn output(mut self) -> Result<Output, Failure> {
        let line = self.line();
        let output = self.0.stdin(Stdio::null()).output();
        output.map_err(|source| Failure::NotStarted { line, source })
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args());
        words.map(quote).collect::<Vec<_>>().join(" ")
    }
}

/// Whether a program is on the PATH.
pub(crate) fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The last lines of a program's output, set off from the message before them.
pub(crate) fn tail(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    last.iter().flat_map(|line| ["\n  ", line]).collect()
}

fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.,:+@%!".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_into_a_shell() {
        let call = Call::new("git").args(["commit", "-m", "it's done", ""]);
        assert_eq!(call.line(), r"git commit -m 'it'\''s done' ''");
    }

    #[test]
    fn only_the_last_lines_are_repeated() {
        let output: String = {
            let lines: Vec<String> = (0..40).map(|n| format!("line {n}\n")).collect();
            lines.join("\n")
        };
        let shown = tail(output.as_bytes());
        assert_eq!(shown.lines().count(), TAIL_LINES + 1);
        assert!(shown.ends_with("\n  line 39"));
        assert_eq!(tail(b""), "");
    }

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let failed = Call::new("sh").args(["-c", "echo no such place >&2; exit 3"]).read();
        let text = failed.unwrap_err().to_string();
        assert!(text.starts_with("`sh -c 'echo no such place >&2; exit 3'` ended with"), "{text}");
        assert!(text.ends_with("\n  no such place"), "{text}");
    }
}
