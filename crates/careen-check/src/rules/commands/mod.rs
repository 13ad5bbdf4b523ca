//! What RUN, CMD, ENTRYPOINT and HEALTHCHECK start, package managers aside.

pub(crate) mod cd_in_run;
pub(crate) mod changed_in_later_layer;
pub(crate) mod consecutive_runs;
pub(crate) mod credential_in_step;
pub(crate) mod curl_and_wget;
pub(crate) mod gpu_check_in_run;
pub(crate) mod lost_cd;
pub(crate) mod missing_pipefail;
pub(crate) mod overridden_instruction;
pub(crate) mod pointless_command;
pub(crate) mod removed_in_later_layer;
pub(crate) mod shell_form_command;
pub(crate) mod shell_mistake;
pub(crate) mod sudo_in_run;
pub(crate) mod useradd_large_uid;
pub(crate) mod wget_progress;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[
    &gpu_check_in_run::RULE,
    &shell_form_command::RULE,
    &overridden_instruction::RULE,
    &pointless_command::RULE,
    &lost_cd::RULE,
    &cd_in_run::RULE,
    &sudo_in_run::RULE,
    &curl_and_wget::RULE,
    &wget_progress::RULE,
    &useradd_large_uid::RULE,
    &consecutive_runs::RULE,
    &missing_pipefail::RULE,
    &shell_mistake::RULE,
    &changed_in_later_layer::RULE,
    &removed_in_later_layer::RULE,
    &credential_in_step::RULE,
];
