//! ARG and ENV.

pub(crate) mod env_uses_itself;
pub(crate) mod secret_in_arg_or_env;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[&secret_in_arg_or_env::RULE, &env_uses_itself::RULE];
