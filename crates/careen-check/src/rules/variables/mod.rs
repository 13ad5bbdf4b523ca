//! ARG and ENV.

pub(crate) mod changing_value_before_slow_steps;
pub(crate) mod env_uses_itself;
pub(crate) mod legacy_key_value;
mod misspelt;
pub(crate) mod secret_in_arg_or_env;
pub(crate) mod undefined_variable;

pub(crate) use misspelt::misspelt;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[
    &secret_in_arg_or_env::RULE,
    &undefined_variable::RULE,
    &legacy_key_value::RULE,
    &env_uses_itself::RULE,
    &changing_value_before_slow_steps::RULE,
];
