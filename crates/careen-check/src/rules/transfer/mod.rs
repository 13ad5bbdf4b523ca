//! COPY, ADD and bind mounts.

pub(crate) mod copy_all_before_dependencies;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[&copy_all_before_dependencies::RULE];
