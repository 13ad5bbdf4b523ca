//! Dockerfile and .dockerignore: text in, values out.
#![deny(clippy::disallowed_methods)]

pub mod dockerfile;
