//! Comments that silence rules.

pub(crate) mod ignore_comment;
pub(crate) mod useless_suppression;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[&ignore_comment::RULE, &useless_suppression::RULE];
