//! One row of the list of recorded builds, without the record itself.

use std::time::Duration;

use crate::{LogFormat, Outcome};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub label: String,
    /// Seconds since the Unix epoch.
    pub started_at: i64,
    pub state: State,
    pub total: Duration,
    pub steps_run: u64,
    pub steps_cached: u64,
    /// Bytes sent as the main context, when the build told.
    pub context_bytes: Option<u64>,
    pub image: Option<String>,
    /// Read from a log; `None` for a build that careen ran.
    pub imported: Option<LogFormat>,
}

/// How a build of the history went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Somebody is at it.
    Running,
    Built,
    Failed,
    Cancelled,
    /// Careen was killed during the build, or a log ends before the build does.
    Interrupted,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Built => "built",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            State::Interrupted => "interrupted",
        }
    }

    pub fn of(outcome: Option<Outcome>) -> State {
        match outcome {
            Some(Outcome::Built) => State::Built,
            Some(Outcome::Failed) => State::Failed,
            Some(Outcome::Cancelled) => State::Cancelled,
            None => State::Interrupted,
        }
    }

    /// The state of this name; a name that nobody knows is an interrupted build.
    pub fn parse(name: &str) -> State {
        let all = [State::Running, State::Built, State::Failed, State::Cancelled];
        all.into_iter().find(|state| state.name() == name).unwrap_or(State::Interrupted)
    }
}

impl Listed {
    /// Its time, when it counts for the usual time of this project's builds here.
    pub fn counted(&self) -> Option<Duration> {
        (self.state == State::Built && self.imported.is_none()).then_some(self.total)
    }
}
