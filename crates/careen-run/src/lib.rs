//! Doing: applying fixes with a journal and undo, recording builds, testing images.
//!
//! Nothing outside [`apply`] writes into the user's project, and nothing here prints.

pub mod apply;
mod error;

pub use error::Error;
