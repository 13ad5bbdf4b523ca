//! COPY, ADD and bind mounts.

pub(crate) mod add_for_local_files;
pub(in crate::rules) mod archives;
pub(crate) mod copied_install_files;
pub(crate) mod copy_all_before_dependencies;
pub(crate) mod copy_before_slow_steps;
pub(crate) mod copy_from_itself;
pub(crate) mod ignored_copy_source;
pub(crate) mod layout;
pub(crate) mod many_files_to_one;
pub(crate) mod relative_destination;
pub(crate) mod unknown_copy_source;
pub(crate) mod unlinked_copy;
pub(crate) mod unpacked_copy;
pub(crate) mod whole_filesystem_copied;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[
    &copy_all_before_dependencies::RULE,
    &copy_before_slow_steps::RULE,
    &ignored_copy_source::RULE,
    &unpacked_copy::RULE,
    &add_for_local_files::RULE,
    &unknown_copy_source::RULE,
    &copy_from_itself::RULE,
    &relative_destination::RULE,
    &whole_filesystem_copied::RULE,
    &many_files_to_one::RULE,
    &copied_install_files::RULE,
    &unlinked_copy::RULE,
];
