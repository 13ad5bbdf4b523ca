//! FROM, stage names, USER, WORKDIR, EXPOSE, SHELL and ONBUILD.

pub(crate) mod forbidden_trigger;
pub(crate) mod images;
pub(crate) mod instruction_before_from;
pub(crate) mod missing_healthcheck;
pub(crate) mod named_user;
pub(crate) mod port_out_of_range;
pub(crate) mod relinked_shell;
pub(crate) mod root_user;
pub(crate) mod untagged_base;
pub(crate) mod untrusted_registry;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[
    &root_user::RULE,
    &untagged_base::RULE,
    &untrusted_registry::RULE,
    &missing_healthcheck::RULE,
    &named_user::RULE,
    &relinked_shell::RULE,
    &port_out_of_range::RULE,
    &forbidden_trigger::RULE,
    &instruction_before_from::RULE,
];
