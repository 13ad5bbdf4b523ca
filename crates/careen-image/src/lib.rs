//! What is in an image: file trees read from tar streams, and how two of them differ.
//!
//! Nothing here opens a file or a socket: callers bring a reader.
#![deny(clippy::disallowed_methods)]

mod difference;
mod packages;
mod tree;
mod volatile;

pub use difference::{Compared, compare};
pub use packages::Packages;
pub use tree::{Entry, Kind, Tree, read};
pub use volatile::{reason, volatile};
