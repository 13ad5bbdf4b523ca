//! LABEL.

pub(crate) mod invalid_label_key;
pub(crate) mod missing_label;
pub(crate) mod unlisted_label;
pub(crate) mod values;
pub(crate) mod wrong_label_value;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[
    &invalid_label_key::RULE,
    &missing_label::RULE,
    &unlisted_label::RULE,
    &wrong_label_value::RULE,
];
