//! The nouns of careen: what we know, what is wrong, and what would change it.
//!
//! Data moves through these types in one direction only:
//!
//! ```text
//! facts ──check──▶ findings ──plan──▶ fixes ──apply──▶ files, commands, journal
//!                     └─────────────────report───────▶ text, HTML, JSON, JUnit, Markdown
//! build events ──fold──▶ record ──compare──▶ comparison ──report──▶ the same
//! ```
//!
//! Nothing in this crate reads a file, a clock, a socket or the environment.
#![deny(clippy::disallowed_methods)]

pub mod build;
pub mod case;
pub mod compare;
pub mod context_answer;
pub mod context_busters;
pub mod diagnosis;
mod distance;
pub mod edit;
pub mod facts;
pub mod finding;
mod leftover;
mod listed;
pub mod plan;
pub mod proof;
pub mod rebuild_cost;
pub mod redact;
mod secret_values;
pub mod trend;
pub mod units;

pub use build::missed;
pub use build::{
    BuildEvent, BuildRecord, CacheSource, Imported, LogClock, LogFormat, Missed, Outcome,
    PackageGroup, PackageGroups, Part, Phase, Run, Share, StepId, StepRecord, Stream, Task,
    Transfer, Wait, What, exit_code_in, phase_of, told_downloads,
};
pub use case::{Case, Expect, Verdict};
pub use compare::{Change, Comparison, Row, StepChange, instruction_of};
pub use diagnosis::{Category, Checked, Diagnosis, Looked};
pub use distance::distance;
pub use edit::{Edit, Overlap, Span, apply};
pub use facts::{
    ChangeFacts, ContextFacts, EngineFacts, Fact, HistoryFacts, HostFacts, Namesake, ProjectFacts,
    Why, changes, context, engine, history, host, legacy, project,
};
pub use finding::{
    Basis, BuilderCache, Cost, Evidence, Finding, Findings, Fix, Place, Safety, Saving, Severity,
    Step, Words,
};
pub use leftover::{Leftover, LeftoverKind};
pub use listed::{Listed, State};
pub use plan::{Choice, FileChange, Plan, Planned};
pub use proof::{
    CacheRow, Cleaned, Content, Difference, Gain, How, Measured, Proof, Ratio, Scenario,
    Verdict as ProofVerdict,
};
pub use secret_values::SecretValues;
