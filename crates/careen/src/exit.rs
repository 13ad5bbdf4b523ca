//! Exit codes: the one list, printed at the end of `careen --help`.

/// How a run of careen ends. `build` passes the builder's own code through instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and nothing at or above `--fail-on`.
    Ok,
    /// Findings at or above `--fail-on`, or an image test failed.
    Findings,
    /// The command line or the configuration is wrong.
    Usage,
    /// Could not check: no engine, no permission, no Dockerfile.
    CouldNotCheck,
    /// Interrupted by the user.
    Interrupted,
    /// The builder failed with this code.
    Builder(u8),
}

/// Every code with its meaning, in the words of the help.
pub(crate) const TABLE: &[(u8, &str)] = &[
    (0, "done, nothing at or above --fail-on"),
    (1, "findings at or above --fail-on, an image test failed, or the build failed"),
    (2, "wrong command line or configuration"),
    (3, "could not check: no engine, no permission, nothing to build or to test"),
    (130, "interrupted"),
];

/// The table as the end of the help.
pub(crate) fn help() -> String {
    let rows = TABLE.iter().map(|(code, means)| format!("  {code:>3}  {means}"));
    format!("Exit codes:\n{}", rows.collect::<Vec<_>>().join("\n"))
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::CouldNotCheck => 3,
            Exit::Interrupted => 130,
            Exit::Builder(code) => code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_is_in_the_table() {
        for exit in [Exit::Ok, Exit::Findings, Exit::Usage, Exit::CouldNotCheck, Exit::Interrupted]
        {
            assert!(TABLE.iter().any(|(code, _)| *code == exit.code()), "{exit:?}");
        }
    }
}
