//! COPY, ADD and bind mounts.

pub(crate) mod copy_all_before_dependencies;
pub(crate) mod ignored_copy_source;

use crate::Rule;

pub(super) const RULES: &[&Rule] =
    &[&copy_all_before_dependencies::RULE, &ignored_copy_source::RULE];
