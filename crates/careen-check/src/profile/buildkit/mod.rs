//! The checks of `docker build --check`, by its names.

use careen_model::Severity;

use super::{Row, Rows};
use crate::Rule;
use crate::rules::format::mismatched_as_case;
use crate::rules::variables::secret_in_arg_or_env;
use crate::suppress::Dialect;

pub(super) const ROWS: Rows = Rows { dialect: Dialect::BuildKit, groups: &[TABLE] };

/// BuildKit has no severities: each of its warnings is one.
const fn row(name: &'static str, rule: &'static Rule) -> Row {
    Row::same(name, Severity::Warning, rule)
}

const TABLE: &[Row] = &[
    row("FromAsCasing", &mismatched_as_case::RULE),
    row("SecretsUsedInArgOrEnv", &secret_in_arg_or_env::RULE),
];
