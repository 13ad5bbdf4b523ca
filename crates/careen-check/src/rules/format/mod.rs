//! How the file is written.

pub(crate) mod mismatched_as_case;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[&mismatched_as_case::RULE];
