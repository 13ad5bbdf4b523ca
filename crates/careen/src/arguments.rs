//! The command line: every option of every command, and its help.

mod lint;
mod size;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use careen_model::{Scenario, Severity};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::lint::{LintOptions, LintProfile};
use self::size::bytes;

#[derive(Debug, Parser)]
#[command(
    name = "careen",
    version,
    about = "Finds, prices, fixes, proves and undoes what makes container image builds slow, fat or broken",
    after_help = crate::exit::help(),
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) project: ProjectOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Which project, Dockerfile and context.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ProjectOptions {
    /// Folder of the project, instead of the current one
    #[arg(default_value = ".", hide_default_value = true)]
    pub(crate) path: PathBuf,
    /// Dockerfile to build, instead of the one that is found
    #[arg(short = 'f', long = "file", value_name = "DOCKERFILE", help_heading = "Project")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// Build context, instead of the one that compose, devcontainer or the Dockerfile suggest
    #[arg(long, value_name = "FOLDER", help_heading = "Project")]
    pub(crate) context: Option<PathBuf>,
    /// Stage to build
    #[arg(long, value_name = "STAGE", help_heading = "Project")]
    pub(crate) target: Option<String>,
    /// Configuration file, instead of the nearest careen.toml
    #[arg(long, value_name = "FILE", help_heading = "Project")]
    pub(crate) config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, conflicts_with = "config", help_heading = "Project")]
    pub(crate) isolated: bool,
}

/// How results are shown.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OutputOptions {
    /// Form of the result; a command that does not have it says which it has
    #[arg(long, value_enum, default_value_t = Format::Text, global = true, help_heading = "Output")]
    pub(crate) format: Format,
    /// Colour on a terminal; `NO_COLOR` is honoured
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, help_heading = "Output")]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
    // Plain comments: documented values would spread each help over several screens.
    // One event of a build, or one finding, per line.
    Jsonl,
    Junit,
    Sarif,
    // Workflow commands of GitHub.
    Github,
    // Code quality of GitLab.
    Gitlab,
    Checkstyle,
    // Short enough for a pull request comment.
    Md,
    Html,
    // Trace events, for viewers of timelines.
    Trace,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Never,
    Style,
    #[value(alias = "info")]
    Hint,
    Warning,
    Error,
}

impl FailOn {
    /// The lowest severity that fails; `None`: nothing does.
    pub(crate) fn floor(self) -> Option<Severity> {
        Some(match self {
            FailOn::Never => return None,
            FailOn::Style => Severity::Style,
            FailOn::Hint => Severity::Hint,
            FailOn::Warning => Severity::Warning,
            FailOn::Error => Severity::Error,
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all checks by category; never writes, needs no network and no engine
    Doctor(Doctor),
    /// Plan the fixes, show them as a diff, apply them, measure again
    Fix(Fix),
    /// Bring files back byte for byte as they were before a fix
    Undo(Undo),
    /// List what careen has changed in this project
    Journal(JournalOptions),
    /// Copy the project to another file system, such as from a Windows drive; checked byte by byte
    Move(Move),
    /// Build the image, time every step, compare with the last build
    Build(Build),
    /// Test an image: versions, imports, GPU; inferred from the project
    Test(Test),
    /// Write a stand-alone build script that needs only a shell and Docker
    Script(Script),
    /// Write the report of a build: HTML, Markdown, JSON or a trace
    Report(Report),
    /// List the recorded builds of this project
    History(HistoryOptions),
    /// Compare two recorded builds
    Compare(Compare),
    /// Prove a gain: build two states in turns, compare times and content
    Prove(Prove),
    /// Show what the build context holds, what is sent of it and why, without an engine
    Context(ContextOptions),
    /// Check Dockerfiles and ignore files line by line; needs no engine
    Lint(LintOptions),
    /// Explain a rule; works offline
    Explain(Explain),
    /// Look inside: what careen's readers understand (for contributors)
    #[command(subcommand)]
    Debug(Debug),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) project: ProjectOptions,
    /// List the checks and what they look at
    #[arg(long)]
    pub(crate) list: bool,
    /// Run only this check (repeatable)
    #[arg(long, value_name = "RULE")]
    pub(crate) only: Vec<String>,
    /// Do not tell about a rule, with the reason (repeatable)
    #[arg(long, value_name = "RULE=REASON")]
    pub(crate) ignore: Vec<String>,
    /// Show every check with its evidence and cost
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Lowest severity that makes the exit code 1
    #[arg(long, value_enum, default_value = "error", value_name = "SEVERITY")]
    pub(crate) fail_on: FailOn,
}

#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Fix {
    #[command(flatten)]
    pub(crate) project: ProjectOptions,
    /// All safe fixes (the default when nothing is selected)
    #[arg(long)]
    pub(crate) all: bool,
    /// Only fixes of this rule (repeatable)
    #[arg(long, value_name = "RULE")]
    pub(crate) only: Vec<String>,
    /// Create or update the ignore file
    #[arg(long)]
    pub(crate) dockerignore: bool,
    /// Remove build cache: what is in the way, else all that is not in use; no undo
    #[arg(long)]
    pub(crate) clean_cache: bool,
    /// Remove what the engine keeps and nothing uses: stopped containers, images without a name,
    /// unused networks, build cache; each is listed first; no undo
    #[arg(long)]
    pub(crate) clean_system: bool,
    /// With --clean-system also volumes that no container has; they hold data
    #[arg(long, requires = "clean_system")]
    pub(crate) volumes: bool,
    /// Make builders anew whose container is broken, else the one in use
    #[arg(long)]
    pub(crate) recreate_builder: bool,
    /// Also write the stand-alone build script
    #[arg(long)]
    pub(crate) script: bool,
    /// Also fixes that may change what is built, such as moving a COPY
    #[arg(long)]
    pub(crate) risky: bool,
    /// Do not tell about a rule, with the reason (repeatable)
    #[arg(long, value_name = "RULE=REASON")]
    pub(crate) ignore: Vec<String>,
    /// Show the plan and the diff, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Undo {
    /// Journal entry, as `careen journal` lists it; the last one without
    pub(crate) id: Option<String>,
    /// Folder of the project
    #[arg(long, default_value = ".")]
    pub(crate) path: PathBuf,
    /// Undo even where a file was changed since
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Move {
    /// Folder of the project
    #[arg(default_value = ".", hide_default_value = true)]
    pub(crate) path: PathBuf,
    /// Folder that the copy will be; in the home folder, under the project's own name, without
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Look and tell, copy nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct JournalOptions {
    /// Folder of the project
    #[arg(default_value = ".", hide_default_value = true)]
    pub(crate) path: PathBuf,
}

#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) project: ProjectOptions,
    /// Name and tag of the image (repeatable)
    #[arg(short, long = "tag", value_name = "NAME:TAG")]
    pub(crate) tags: Vec<String>,
    /// Build argument; without a value it is taken from the environment (repeatable)
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    pub(crate) arguments: Vec<String>,
    /// Secret for `RUN --mount=type=secret` (repeatable)
    #[arg(long = "secret", value_name = "id=ID,src=FILE|env=NAME")]
    pub(crate) secrets: Vec<String>,
    /// Label of the image (repeatable)
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub(crate) labels: Vec<String>,
    /// Platform to build for
    #[arg(long)]
    pub(crate) platform: Option<String>,
    /// Use no cached step; every rebuild is then a first build
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Always look for a newer base image
    #[arg(long)]
    pub(crate) pull: bool,
    /// Network of the RUN steps: default, host or none
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// Import cache (repeatable), as for buildx
    #[arg(long = "cache-from", value_name = "type=…,…")]
    pub(crate) cache_from: Vec<String>,
    /// Export cache (repeatable), as for buildx
    #[arg(long = "cache-to", value_name = "type=…,…")]
    pub(crate) cache_to: Vec<String>,
    /// Write the image to a tar file instead of the engine: docker:FILE or oci:FILE
    #[arg(short, long, value_name = "KIND:FILE")]
    pub(crate) output: Option<String>,
    /// Builder of buildx to use, through `docker buildx dial-stdio`
    #[arg(long, value_name = "NAME")]
    pub(crate) builder: Option<String>,
    /// Print plain lines also on a terminal, with the output of every step
    #[arg(long)]
    pub(crate) plain: bool,
    /// Print only the result
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Run the image tests in the result
    #[arg(long)]
    pub(crate) test: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Test {
    /// Image to test; the last build of this project without
    pub(crate) image: Option<String>,
    /// Folder of the project
    #[arg(long, default_value = ".")]
    pub(crate) path: PathBuf,
    /// Dockerfile, to test the result of its build without exporting an image
    #[arg(short = 'f', long = "file", value_name = "DOCKERFILE")]
    pub(crate) dockerfile: Option<PathBuf>,
    /// Test the build result in the builder, without an image
    #[arg(long, conflicts_with = "image")]
    pub(crate) result: bool,
    /// Seconds a single test may take
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub(crate) limit: u64,
    /// List the tests, run none
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Script {
    #[command(flatten)]
    pub(crate) project: ProjectOptions,
    /// File to write; standard output without
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Name and tag the script gives the image
    #[arg(short, long, value_name = "NAME:TAG")]
    pub(crate) tag: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Report {
    /// Build to report, as `careen history` lists it; the last one without
    pub(crate) build: Option<String>,
    /// Folder of the project
    #[arg(long, default_value = ".")]
    pub(crate) path: PathBuf,
    /// Build to compare with; the last one before the newest fix without
    #[arg(long, value_name = "BUILD")]
    pub(crate) before: Option<String>,
    /// File to write; without, a page goes to `.careen/reports/` and other forms are printed
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct HistoryOptions {
    /// Folder of the project
    #[arg(default_value = ".", hide_default_value = true)]
    pub(crate) path: PathBuf,
    /// How many builds to show
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
    pub(crate) last: usize,
    #[command(subcommand)]
    pub(crate) command: Option<HistoryCommand>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Read a build from a log: --progress=plain, tty or rawjson, the classic builder's, a
    /// .dockerbuild file, careen's own event log or `build --format jsonl`
    Import(HistoryImport),
    /// Show which recorded builds are too many or too old, and remove them with --yes
    Prune(HistoryPrune),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct HistoryImport {
    /// Log to read, packed with gzip or not; `-` for standard input
    pub(crate) file: PathBuf,
    /// Folder of the project
    #[arg(long, default_value = ".", hide_default_value = true)]
    pub(crate) path: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct HistoryPrune {
    /// Folder of the project
    #[arg(long, default_value = ".", hide_default_value = true)]
    pub(crate) path: PathBuf,
    /// Keep this many of the newest builds
    #[arg(long, default_value_t = crate::commands::KEPT_BUILDS, value_name = "N")]
    pub(crate) keep: usize,
    /// Keep no build that is older than this
    #[arg(long, value_name = "DAYS")]
    pub(crate) older_than: Option<u32>,
    /// Remove them; without, they are only shown
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Compare {
    /// The build before
    pub(crate) before: String,
    /// The build after
    pub(crate) after: String,
    /// Folder of the project
    #[arg(long, default_value = ".")]
    pub(crate) path: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    pub(crate) project: ProjectOptions,
    /// State to compare with: `fix` (before the last fix), `fix:ID`, `git:REVISION`, `file:DOCKERFILE`
    #[arg(long, value_name = "STATE", default_value = "fix")]
    pub(crate) before: String,
    /// State that should be faster: `now`, or as --before
    #[arg(long, value_name = "STATE", default_value = "now")]
    pub(crate) after: String,
    /// Build the states between too: after each change since, and after each fix of a change;
    /// says what each removed
    #[arg(long)]
    pub(crate) each: bool,
    /// Scenario to build (repeatable); all of them without
    #[arg(long, value_name = "SCENARIO", value_parser = scenario)]
    pub(crate) scenario: Vec<Scenario>,
    /// Rounds; each builds every scenario once for each state
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=99))]
    pub(crate) runs: u16,
    /// Go on with the proof that was interrupted
    #[arg(long)]
    pub(crate) resume: bool,
    /// Remove the proof that was interrupted, and what it left in the engine
    #[arg(long, conflicts_with = "resume")]
    pub(crate) abandon: bool,
    /// Build argument; without a value it is taken from the environment (repeatable)
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    pub(crate) arguments: Vec<String>,
    /// Secret for `RUN --mount=type=secret` (repeatable)
    #[arg(long = "secret", value_name = "id=ID,src=FILE|env=NAME")]
    pub(crate) secrets: Vec<String>,
    /// Platform to build for
    #[arg(long)]
    pub(crate) platform: Option<String>,
    /// Network of the RUN steps: default, host or none
    #[arg(long)]
    pub(crate) network: Option<String>,
    /// Builder of buildx to use, through `docker buildx dial-stdio`
    #[arg(long, value_name = "NAME")]
    pub(crate) builder: Option<String>,
}

fn scenario(text: &str) -> Result<Scenario, String> {
    let found = Scenario::ALL.into_iter().find(|scenario| scenario.name() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = Scenario::ALL.into_iter().map(Scenario::name).collect();
        format!("there is {}", names.join(", "))
    })
}

#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct ContextOptions {
    #[command(flatten)]
    pub(crate) project: ProjectOptions,
    /// Say why a path is sent or not: every line that counts; walks nothing
    #[arg(long, value_name = "PATH", group = "question")]
    pub(crate) explain: Option<PathBuf>,
    /// List what is sent, in the builder's order
    #[arg(long, group = "question")]
    pub(crate) list: bool,
    /// List all that the ignore file leaves, sent or not (with --list, --make, --hash)
    #[arg(long)]
    pub(crate) all: bool,
    /// End each path of the list with a NUL
    #[arg(short = '0', long = "null", requires = "list")]
    pub(crate) null: bool,
    /// Write what is sent as the prerequisites of TARGET, for make
    #[arg(
        long,
        value_name = "TARGET",
        group = "question",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "context"
    )]
    pub(crate) make: Option<String>,
    /// Print a hash of what is sent: names, kinds, permissions, contents
    #[arg(long, group = "question")]
    pub(crate) hash: bool,
    /// Show what a line in the ignore file would change, without writing it (repeatable)
    #[arg(long = "try", value_name = "PATTERN", group = "question", allow_hyphen_values = true)]
    pub(crate) tried: Vec<String>,
    /// Show what each line of the ignore file matches and is worth
    #[arg(long, group = "question")]
    pub(crate) patterns: bool,
    /// Show what makes each COPY run again, and which steps run again after it
    #[arg(long, group = "question")]
    pub(crate) busters: bool,
    /// Whose rules count: what another builder would be sent
    #[arg(
        long,
        value_enum,
        default_value = "buildkit",
        value_name = "BUILDER",
        conflicts_with_all = ["explain", "patterns"]
    )]
    pub(crate) builder: BuilderView,
    /// Exit with 1 when more is sent, such as 100MB
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(crate) fail_over: Option<u64>,
    /// Exit with 1 when more entries are sent
    #[arg(long, value_name = "N")]
    pub(crate) max_entries: Option<u64>,
}

/// A builder whose rules `careen context` can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BuilderView {
    /// BuildKit with the clients of today
    Buildkit,
    /// BuildKit with the client of Docker 20.10, without buildx
    #[value(name = "buildkit-20.10")]
    Buildkit2010,
    /// The classic builder (`DOCKER_BUILDKIT=0`) with the clients of today
    Classic,
    /// The classic builder of Docker 20.10
    #[value(name = "classic-20.10")]
    Classic2010,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Explain {
    /// Name or alias of the rule; all rules without
    pub(crate) rule: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Debug {
    /// Print each Dockerfile as BuildKit's parser tests do
    Ast {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Split words: JSON lines in, JSON lines out
    Words,
    /// Expand words: JSON lines `{word, env, escape, platform}` in, `{result, unmatched, error}` out
    Expand,
    /// Match paths: JSON lines `{patterns, path}` in, `{is_match, walk_match, err_at}` out
    IgnoreMatch,
    /// Walk trees: JSON lines `{tree, include, exclude, follow}` in, the listing out
    IgnoreWalk,
    /// Walk a folder as a context and print counts only, for measuring
    Walk {
        root: PathBuf,
        /// Ignore file whose patterns are excluded
        #[arg(long, value_name = "FILE")]
        ignore: Option<PathBuf>,
        /// Threads, instead of as many as the walk finds useful
        #[arg(long, value_name = "N")]
        threads: Option<NonZeroUsize>,
    },
    /// Read and parse Dockerfiles named on standard input and print counts only, for measuring
    Parse {
        /// How often each file is parsed
        #[arg(long, default_value_t = 1, value_name = "N")]
        times: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let cases = [
            ("100MB", Ok(100_000_000)),
            ("1.5 GB", Ok(1_500_000_000)),
            ("2GiB", Ok(2_147_483_648)),
            ("512k", Ok(512_000)),
            ("0", Ok(0)),
            ("99999999999GB", Err(())),
            ("x", Err(())),
            ("1 parsec", Err(())),
            ("1.x", Err(())),
        ];
        for (text, expected) in cases {
            assert_eq!(bytes(text).map_err(drop), expected, "{text}");
        }
    }
}
