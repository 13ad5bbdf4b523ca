//! Files and tests made from facts about a project: image tests, a build script, an ignore file.

pub mod cases;
mod distributions;
pub mod ignore_categories;
pub mod ignore_file;
pub mod script;
