//! FROM, names of stages, WORKDIR and EXPOSE.

pub(crate) mod base_platform_mismatch;
pub(crate) mod constant_platform;
pub(crate) mod duplicate_stage_name;
pub(crate) mod host_port_in_expose;
pub(crate) mod invalid_default_image;
pub(crate) mod redundant_target_platform;
pub(crate) mod relative_workdir;
pub(crate) mod reserved_stage_name;
pub(crate) mod undefined_arg_in_from;
pub(crate) mod uppercase_port_protocol;
pub(crate) mod uppercase_stage_name;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[
    &uppercase_stage_name::RULE,
    &duplicate_stage_name::RULE,
    &reserved_stage_name::RULE,
    &undefined_arg_in_from::RULE,
    &invalid_default_image::RULE,
    &constant_platform::RULE,
    &redundant_target_platform::RULE,
    &base_platform_mismatch::RULE,
    &relative_workdir::RULE,
    &uppercase_port_protocol::RULE,
    &host_port_in_expose::RULE,
];
