//! Judging facts: rules, the planner of fixes, the generators of files and the facts under
//! their documented names.
//!
//! A rule is a constant and a function; the function sees facts and nothing else. Nothing here
//! reads a file, a clock, a socket or the environment.
#![deny(clippy::disallowed_methods)]

mod buildkit;
mod calibration;
mod calls;
mod contract;
mod diagnose;
mod essential;
mod facts;
mod find;
mod gc;
pub mod generate;
mod legacy;
mod lint;
mod missed;
mod need;
mod packages;
mod plan;
mod price;
mod profile;
mod reads;
mod rebuild;
mod rule;
mod rules;
mod sizes;
mod steps;
mod suppress;
mod words;

pub use buildkit::{BaseImage, base_images, platform_problem};
pub use calibration::{calibrate, transfer_times};
pub use diagnose::{Numbers, Selection, diagnose};
pub use facts::{
    BaseImages, Facts, LabelKind, LintFacts, OtherLabels, ParsedDockerfile, WantedPlatform,
};
pub use find::{UnknownRule, answers_to, find, nearest};
pub use legacy::legacy;
pub use lint::{Comments, Lint, Linted, Overrides, Reach, lint, lint_ignore};
pub use missed::{is_described, missed};
pub use plan::{Policy, Request, Scope, plan, plan_rounds};
pub use price::last_seconds;
pub use profile::Profile;
pub use rebuild::rebuild_cost;
pub use rule::{Check, DockerfileCheck, Fixable, Rule, Status, Topic};
pub use rules::RULES;
pub use rules::transfer::layout::files_to_look_for;
pub use steps::Reading;
