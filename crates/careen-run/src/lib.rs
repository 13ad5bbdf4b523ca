//! Doing: applying fixes with a journal and undo, recording builds, testing images.
//!
//! Nothing outside [`apply`] writes into the user's project, and nothing here prints.
//! [`relocate`] only reads it.

pub mod apply;
pub mod build;
mod changes;
pub mod context;
mod context_files;
mod digest;
mod error;
pub mod gather;
pub mod history;
pub mod image_test;
pub mod import;
mod inputs;
mod manifest;
pub mod missed;
mod namesakes;
pub mod prove;
pub mod recorder;
mod redaction;
pub mod relocate;
pub mod remedy;
mod sent_files;
mod sources;

pub use context_files::ContextFiles;
pub use error::Error;
pub use recorder::{About, Recorded, Recorder};
pub use redaction::Redaction;
pub use sent_files::SentFile;

/// Sixteen hexadecimal digits that stand for a path or another name.
pub fn short_name(bytes: &[u8]) -> String {
    let mut name = digest::of(bytes);
    name.truncate(16);
    name
}
