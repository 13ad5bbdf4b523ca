//! When BuildKit asks each of its checks: an error before that keeps it from being asked.
//!
//! The order is that of `frontend/dockerfile/dockerfile2llb/convert.go`.

/// The steps of BuildKit from a file to a build, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The parser reads the file.
    Parser,
    /// The tree it made is looked at.
    Tree,
    /// Each instruction is read.
    Instructions,
    /// Names of stages, case of keywords and default images are looked at.
    Names,
    /// Each FROM is expanded.
    From,
    /// Stages that are copied from are looked for.
    Links,
    /// Base images are looked for.
    Bases,
    /// Each instruction of each stage that is built is turned into a step.
    Dispatch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When {
    pub(super) phase: Phase,
    /// It is asked about the instruction that BuildKit refuses, too.
    pub(super) before_error: bool,
    /// `# check=skip=…` above the instruction silences it.
    pub(super) heeds_comments: bool,
    pub(super) is_experimental: bool,
}

pub(super) fn of(name: &str) -> When {
    let when = |phase, before_error, heeds_comments| When {
        phase,
        before_error,
        heeds_comments,
        is_experimental: false,
    };
    match name {
        "NoEmptyContinuation" => when(Phase::Tree, false, false),
        "StageNameCasing" | "FromAsCasing" | "MaintainerDeprecated" => {
            when(Phase::Instructions, true, true)
        }
        "InvalidDefinitionDescription" => {
            When { is_experimental: true, ..when(Phase::Instructions, false, true) }
        }
        "DuplicateStageName"
        | "ReservedStageName"
        | "ConsistentInstructionCasing"
        | "InvalidDefaultArgInFrom" => when(Phase::Names, false, false),
        "UndefinedArgInFrom" => when(Phase::From, true, true),
        "RedundantTargetPlatform" | "FromPlatformFlagConstDisallowed" => {
            when(Phase::From, false, true)
        }
        "InvalidBaseImagePlatform" => when(Phase::Bases, false, false),
        "UndefinedVar" | "ExposeProtoCasing" | "ExposeInvalidFormat" => {
            when(Phase::Dispatch, true, true)
        }
        _ => when(Phase::Dispatch, false, true),
    }
}
