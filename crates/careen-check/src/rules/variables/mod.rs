//! ARG and ENV.

pub(crate) mod secret_in_arg_or_env;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[&secret_in_arg_or_env::RULE];
