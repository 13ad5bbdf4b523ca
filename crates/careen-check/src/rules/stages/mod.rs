//! FROM, stage names, USER, WORKDIR, EXPOSE, SHELL and ONBUILD.

pub(crate) mod base_platform_mismatch;
pub(crate) mod constant_platform;
pub(crate) mod duplicate_stage_name;
pub(crate) mod emulated_build;
pub(crate) mod forbidden_trigger;
pub(crate) mod host_port_in_expose;
pub(crate) mod images;
pub(crate) mod instruction_before_from;
pub(crate) mod invalid_default_image;
pub(crate) mod missing_healthcheck;
pub(crate) mod named_user;
pub(crate) mod port_out_of_range;
pub(crate) mod redundant_target_platform;
pub(crate) mod relative_workdir;
pub(crate) mod relinked_shell;
pub(crate) mod reserved_stage_name;
pub(crate) mod root_user;
pub(crate) mod undefined_arg_in_from;
pub(crate) mod undigested_base;
pub(crate) mod untagged_base;
pub(crate) mod untrusted_registry;
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
    &root_user::RULE,
    &untagged_base::RULE,
    &untrusted_registry::RULE,
    &missing_healthcheck::RULE,
    &named_user::RULE,
    &relinked_shell::RULE,
    &port_out_of_range::RULE,
    &forbidden_trigger::RULE,
    &instruction_before_from::RULE,
    &emulated_build::RULE,
    &undigested_base::RULE,
];
