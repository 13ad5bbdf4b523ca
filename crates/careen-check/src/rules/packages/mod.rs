//! Package managers in RUN: what they download, keep and leave behind.

mod apt;
pub(crate) mod apt_cache_unlocked;
pub(crate) mod apt_cache_unmounted;
pub(crate) mod apt_recommends;
pub(crate) mod apt_update_apart;
pub(super) mod installs_cost;
pub(crate) mod mounted_cache_cleaned;
pub(crate) mod package_cache_unmounted;

use crate::Rule;

pub(super) const RULES: &[&Rule] = &[
    &apt_cache_unmounted::RULE,
    &apt_cache_unlocked::RULE,
    &apt_update_apart::RULE,
    &apt_recommends::RULE,
    &package_cache_unmounted::RULE,
    &mounted_cache_cleaned::RULE,
];
