//! Docker and BuildKit: find the engine, ask it, build on it, run commands in what was built.
//!
//! Every call blocks; the runtime that drives sockets lives inside [`Connection`]. What an engine
//! cannot do is an error that says so. Decisions go by what the engine answers, never by its
//! version: Debian's engine calls its BuildKit `v0.0.0+unknown`.

mod bases;
mod build;
mod buildx;
mod buildx_builds;
mod cache;
mod command;
mod connection;
mod container;
mod dial;
mod digest;
mod endpoint;
mod error;
mod events;
mod exec;
mod facts;
mod failure;
mod gateway;
mod images;
mod leftovers;
mod plan;
mod rest;
mod saved;
mod session;
mod time;
mod whole_file;

pub use bases::{AskedBase, FoundBase};
pub use build::{BuildRequest, Built, EngineHistory, Frontend, Output, Pull, build};
pub use buildx::{buildx_shared_key, buildx_store, recreate_steps, run_steps};
pub use buildx_builds::{BuiltFolder, buildx_builds};
pub use cache::Pruned;
pub use command::{Exec, ExecOutput, RootFs};
pub use connection::{CancelToken, Connection};
pub use container::{remove_leftovers, run_in_image};
pub use endpoint::{Target, config_directory, resolve, resolve_builder};
pub use error::{BuildFailure, EngineError};
pub use exec::{BuildResult, open_result};
pub use facts::{Surroundings, gather};
pub use images::{HistoryRow, Image, ImageConfig, ImageRow, Root};
pub use leftovers::{Leftovers, Removed};
pub use plan::{CacheMount, Command, Network, Operation, PlannedStep, Sharing, plan};
pub use rest::Ping;
pub use saved::{LogReader, LogSummary, read_dockerbuild};
pub use session::{FileSource, SyncEntry, SyncRequest};
pub use whole_file::WholeFile;
