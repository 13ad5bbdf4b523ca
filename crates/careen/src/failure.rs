//! What stops a command, in words: "could not …: …", a hint, and the exit code.

use std::fmt;

use crate::exit::Exit;

/// A command that could not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Reads after "careen: could not ".
    doing: String,
    why: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// The command line or the configuration is wrong; `why` reads after "careen: ".
    pub(crate) fn usage(why: impl fmt::Display) -> Failure {
        Failure { doing: String::new(), why: why.to_string(), hint: None, exit: Exit::Usage }
    }

    /// Something is missing that the command needs.
    pub(crate) fn could_not(doing: impl Into<String>, why: impl fmt::Display) -> Failure {
        Failure { doing: doing.into(), why: why.to_string(), hint: None, exit: Exit::CouldNotCheck }
    }

    /// The builder would refuse it, so the command ends as a failed build does.
    pub(crate) fn refused(doing: impl Into<String>, why: impl fmt::Display) -> Failure {
        Failure { exit: Exit::Findings, ..Failure::could_not(doing, why) }
    }

    pub(crate) fn interrupted() -> Failure {
        Failure {
            doing: String::new(),
            why: "interrupted".to_owned(),
            hint: None,
            exit: Exit::Interrupted,
        }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: Option<impl Into<String>>) -> Failure {
        self.hint = hint.map(Into::into);
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.doing.as_str() {
            "" => write!(f, "careen: {}", self.why)?,
            doing => write!(f, "careen: could not {doing}: {}", self.why)?,
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}
