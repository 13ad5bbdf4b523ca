//! What RUN, CMD, ENTRYPOINT and HEALTHCHECK start, package managers aside.

pub(crate) mod gpu_check_in_run;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[&gpu_check_in_run::RULE];
