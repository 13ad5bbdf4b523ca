//! Docker and BuildKit: find the engine, ask it, build on it, run commands in what was built.
//!
//! Every call blocks; the runtime that drives sockets lives inside [`Connection`]. What an engine
//! cannot do is an error that says so. Decisions go by what the engine answers, never by its
//! version: Debian's engine calls its BuildKit `v0.0.0+unknown`.

mod cache;
mod connection;
mod dial;
mod digest;
mod endpoint;
mod error;
mod facts;
mod gateway;
mod images;
mod rest;

pub use cache::Pruned;
pub use connection::{CancelToken, Connection};
pub use endpoint::{Target, config_directory, resolve, resolve_builder};
pub use error::{BuildFailure, EngineError};
pub use facts::{Surroundings, gather};
pub use images::{HistoryRow, Image, ImageConfig, ImageRow, Root};
pub use rest::Ping;
