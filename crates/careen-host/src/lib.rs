//! Reading the machine and the project: probes from a [`System`] to facts, with no opinion on them.
//!
//! Each probe has a half that asks and a pure half that understands the answer.

mod container;
mod discover;
mod environment;
#[cfg(test)]
mod fake;
mod gather;
pub mod hadolint_config;
mod latency;
mod memory;
mod mount;
mod mount_class;
mod network;
mod space;
mod system;
mod tools;
pub mod walk;
mod wsl;

pub use discover::{
    BuildFile, BuildFiles, DiscoverRequest, builds_in, builds_of, discover, is_build_description,
};
pub use environment::{agent, ci};
pub use gather::{Budget, HostRequest, gather, mount_of};
pub use latency::LatencyBudget;
pub use system::{Folder, Freshness, Machine, RealSystem, RoomStatus, Status, System, read_small};
