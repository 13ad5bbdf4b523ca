//! Doing: applying fixes with a journal and undo, recording builds, testing images.
//!
//! Nothing outside [`apply`] writes into the user's project, and nothing here prints.

pub mod apply;
pub mod build;
pub mod context;
mod context_files;
mod digest;
mod error;
pub mod gather;
pub mod history;
pub mod image_test;
pub mod import;
pub mod recorder;
mod redaction;
pub mod remedy;

pub use context_files::ContextFiles;
pub use error::Error;
pub use recorder::{About, Recorded, Recorder};
pub use redaction::Redaction;
