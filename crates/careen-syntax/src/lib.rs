//! Dockerfile and .dockerignore read exactly as the builders read them: text in, values out.

#![deny(clippy::disallowed_methods)]

pub mod dockerfile;
pub mod ignore;
