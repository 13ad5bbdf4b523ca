//! How the file is written.

pub(crate) mod blank_in_continuation;
pub(crate) mod invalid_dockerfile;
pub(crate) mod maintainer_instruction;
pub(crate) mod mismatched_as_case;
pub(crate) mod misplaced_description;
pub(crate) mod missing_syntax_line;
pub(crate) mod mixed_keyword_case;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[
    &invalid_dockerfile::RULE,
    &blank_in_continuation::RULE,
    &mixed_keyword_case::RULE,
    &mismatched_as_case::RULE,
    &maintainer_instruction::RULE,
    &misplaced_description::RULE,
    &missing_syntax_line::RULE,
];
