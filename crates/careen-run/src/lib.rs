//! Doing: applying fixes with a journal and undo, recording builds, testing images.
//!
//! Nothing outside [`apply`] writes into the user's project, and nothing here prints.

pub mod apply;
mod digest;
mod error;
pub mod history;
pub mod image_test;
pub mod recorder;
mod redaction;

pub use error::Error;
pub use recorder::{About, Recorded, Recorder};
pub use redaction::Redaction;
