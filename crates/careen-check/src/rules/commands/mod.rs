//! What RUN, CMD, ENTRYPOINT and HEALTHCHECK start, package managers aside.

pub(crate) mod gpu_check_in_run;
pub(crate) mod overridden_instruction;
pub(crate) mod shell_form_command;

use crate::Rule;

pub(super) const RULES: &[&Rule] =
    &[&gpu_check_in_run::RULE, &shell_form_command::RULE, &overridden_instruction::RULE];
