//! How BuildKit's frontend reads what its parser leaves open: check options, image names,
//! platforms, and the words in which it expands variables.

mod bases;
mod comments;
mod expanding;
mod options;
mod place;
mod platform;
mod reference;

pub(crate) use bases::base_image;
pub use bases::{BaseImage, base_images};
pub(crate) use comments::{Above, above};
pub(crate) use expanding::{Expanding, expanding};
pub(crate) use options::{CheckOptions, Names};
pub(crate) use place::{change, has_comment, on_first_line};
pub(crate) use platform::Platform;
pub use platform::platform_problem;
pub(crate) use reference::parse as parse_reference;
use reference::whole as whole_reference;
