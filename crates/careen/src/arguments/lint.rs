//! What `careen lint` can be told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::FailOn;

#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct LintOptions {
    /// Dockerfiles, ignore files and folders; `-` is standard input; the current folder without
    #[arg(value_name = "FILE|FOLDER")]
    pub(crate) paths: Vec<PathBuf>,
    /// Whose findings: careen's own, or what another linter would say
    #[arg(long, value_enum)]
    pub(crate) profile: Option<LintProfile>,
    /// Report only this rule, by name or alias (repeatable)
    #[arg(long, value_name = "RULE")]
    pub(crate) only: Vec<String>,
    /// Do not tell about a rule, with the reason (repeatable)
    #[arg(long, value_name = "RULE=REASON")]
    pub(crate) ignore: Vec<String>,
    /// Also rules that have not proven themselves yet
    #[arg(long)]
    pub(crate) preview: bool,
    /// Also rules that are right and more than most people want to hear
    #[arg(long)]
    pub(crate) pedantic: bool,
    /// Lowest severity that makes the exit code 1
    ///
    /// The default is warning.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOn>,
    /// Do not report what this file knows; say which of it is gone
    #[arg(long, value_name = "FILE", help_heading = "Baseline")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write all that is found to this file, and report nothing of it
    #[arg(long, value_name = "FILE", conflicts_with = "baseline", help_heading = "Baseline")]
    pub(crate) write_baseline: Option<PathBuf>,
    /// Apply the safe fixes in place, then report what is left
    #[arg(long, help_heading = "Fix")]
    pub(crate) fix: bool,
    /// Also fixes that may change what is built (with --fix)
    #[arg(long, requires = "fix", help_heading = "Fix")]
    pub(crate) risky: bool,
    /// Show the fixes as a diff and change nothing; 1 when there are any (with --fix)
    #[arg(long, requires = "fix", help_heading = "Fix")]
    pub(crate) dry_run: bool,
    /// Keep no journal, so that nothing can be undone; works outside of projects (with --fix)
    #[arg(long, requires = "fix", help_heading = "Fix")]
    pub(crate) no_journal: bool,
    /// Build argument; without a value it is taken from the environment (repeatable)
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]", help_heading = "Build")]
    pub(crate) arguments: Vec<String>,
    /// Report only what stands in stages that this one needs
    ///
    /// With --profile buildkit: what a build of this stage warns of, of the last one when empty.
    #[arg(long, value_name = "STAGE", help_heading = "Build")]
    pub(crate) target: Option<String>,
    /// Platform to build for
    #[arg(long, value_name = "OS/ARCH", help_heading = "Build")]
    pub(crate) platform: Option<String>,
    /// Also ask the builder which platform its base images are for; it may ask their registries
    #[arg(long, help_heading = "Build")]
    pub(crate) ask_builder: bool,
    /// Build context, instead of what compose and the like say, else the Dockerfile's folder
    #[arg(long, value_name = "FOLDER", help_heading = "Build")]
    pub(crate) context: Option<PathBuf>,
    /// Configuration file, instead of the nearest careen.toml
    #[arg(long, value_name = "FILE", help_heading = "Project")]
    pub(crate) config: Option<PathBuf>,
    /// hadolint's configuration file, instead of the one it would find (with --profile hadolint)
    #[arg(long, value_name = "FILE", help_heading = "Project")]
    pub(crate) hadolint_config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, conflicts_with = "config", help_heading = "Project")]
    pub(crate) isolated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintProfile {
    Careen,
    #[value(name = "buildkit")]
    BuildKit,
    Hadolint,
}
