//! How the file is written.

pub(crate) mod mismatched_as_case;
pub(crate) mod refused_dockerfile;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[&mismatched_as_case::RULE, &refused_dockerfile::RULE];
