//! One command in an image, and what it gave: shared by both ways of running it.

use std::time::Duration;

/// Output beyond this is dropped, so that a command cannot fill our memory.
const LONGEST_OUTPUT: usize = 1 << 20;

/// A command to run without network, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// Program and arguments; no shell is put around it, and no entry point before it.
    pub argv: Vec<String>,
    /// `NAME=value`, on top of the image's own.
    pub env: Vec<String>,
    /// Instead of the image's user.
    pub user: Option<String>,
    /// Instead of the image's working directory.
    pub working_dir: Option<String>,
    /// Killed after this long.
    pub limit: Duration,
    /// Whether the file tree can be written to. Nothing written survives the command.
    pub root: RootFs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RootFs {
    #[default]
    Writable,
    ReadOnly,
}

impl Exec {
    /// A command as the image's user, in its working directory, for at most `limit`.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>, limit: Duration) -> Exec {
        Exec {
            argv: argv.into_iter().map(Into::into).collect(),
            env: vec![],
            user: None,
            working_dir: None,
            limit,
            root: RootFs::default(),
        }
    }
}

/// What a command gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecOutput {
    /// Exit code; `None` when it was killed at its limit or could not be started.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// From the request to the end, with the start of the container.
    pub took: Duration,
    pub timed_out: bool,
    /// Output over 1 MiB per stream was dropped.
    pub is_cut: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Channel {
    Out,
    Err,
}

impl ExecOutput {
    pub(crate) fn take(&mut self, channel: Channel, data: &[u8]) {
        let stream = match channel {
            Channel::Out => &mut self.stdout,
            Channel::Err => &mut self.stderr,
        };
        let room = LONGEST_OUTPUT - stream.len();
        self.is_cut |= data.len() > room;
        stream.extend_from_slice(&data[..data.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_bounded_and_says_so() {
        let mut output = ExecOutput::default();
        output.take(Channel::Out, &vec![b'x'; LONGEST_OUTPUT - 1]);
        assert!(!output.is_cut);
        output.take(Channel::Out, b"yz");
        output.take(Channel::Err, b"e");
        assert_eq!((output.stdout.len(), output.stderr.len()), (LONGEST_OUTPUT, 1));
        assert!(output.is_cut);
    }
}
