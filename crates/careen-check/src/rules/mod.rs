//! Every rule, one file each. To add one: a `.rs`, a `.md`, and its two lines in the `mod.rs` of
//! their folder.
//!
//! Rules about the Dockerfile stand in a folder by subject; those about the machine, the engine and
//! the context stand here.

mod broken_builder;
mod broken_client_builder;
pub(crate) mod broken_ignore_file;
mod buildx_missing;
mod classic_builder;
mod clock_skew;
pub(crate) mod commands;
mod copy_exclude_sends;
mod dead_cache;
mod discarding_collector;
mod duplicate_cache_mounts;
mod engine_data_in_memory;
mod engine_unreachable;
mod evicted_cache_mounts;
mod few_inodes;
pub(crate) mod format;
mod hazards;
mod hot_files;
mod idle_builder;
pub(crate) mod labels;
mod large_context;
mod link_used_twice;
mod little_memory;
mod localhost_proxy;
mod low_space;
pub(crate) mod misread_ignore_line;
mod missing_bridge;
mod missing_ignore_file;
mod mistaken_hard_links;
mod mounts;
mod moving_files;
mod mtu_mismatch;
mod no_docker_client;
mod old_engine;
pub(crate) mod packages;
mod proxies;
mod proxy_disagreement;
mod same_size_and_time;
mod secrets_in_context;
mod shared_context_copy;
mod slow_context;
mod slow_dockerfile_folder;
mod slow_storage_driver;
mod sparse_files;
mod special_files;
pub(crate) mod stages;
mod stale_context_copies;
pub(crate) mod suppressions;
pub(crate) mod transfer;
mod uncollected_cache;
mod unpruned_exceptions;
mod unreadable_folders;
mod unsendable_names;
pub(crate) mod variables;
mod weak_ignore_file;
mod wide_copy_wildcard;
mod zero_byte_files;

use crate::Rule;

/// Rules about the machine, the engine and the context, in the order of the doctor's screen.
#[rustfmt::skip]
const AROUND: &[&Rule] = &[
    &no_docker_client::RULE,
    &broken_client_builder::RULE,
    &classic_builder::RULE,
    &buildx_missing::RULE,
    &engine_unreachable::RULE,
    &old_engine::RULE,
    &slow_storage_driver::RULE,
    &clock_skew::RULE,
    &little_memory::RULE,
    &broken_builder::RULE,
    &idle_builder::RULE,
    &evicted_cache_mounts::RULE,
    &discarding_collector::RULE,
    &uncollected_cache::RULE,
    &duplicate_cache_mounts::RULE,
    &stale_context_copies::RULE,
    &dead_cache::RULE,
    &low_space::RULE,
    &few_inodes::RULE,
    &engine_data_in_memory::RULE,
    &slow_context::RULE,
    &slow_dockerfile_folder::RULE,
    &shared_context_copy::RULE,
    &large_context::RULE,
    &zero_byte_files::RULE,
    &same_size_and_time::RULE,
    &mistaken_hard_links::RULE,
    &unreadable_folders::RULE,
    &special_files::RULE,
    &unsendable_names::RULE,
    &moving_files::RULE,
    &hot_files::RULE,
    &sparse_files::RULE,
    &link_used_twice::RULE,
    &wide_copy_wildcard::RULE,
    &copy_exclude_sends::RULE,
    &unpruned_exceptions::RULE,
    &missing_ignore_file::RULE,
    &broken_ignore_file::RULE,
    &misread_ignore_line::RULE,
    &weak_ignore_file::RULE,
    &secrets_in_context::RULE,
    &mtu_mismatch::RULE,
    &missing_bridge::RULE,
    &proxy_disagreement::RULE,
    &localhost_proxy::RULE,
];

const GROUPS: &[&[&Rule]] = &[
    AROUND,
    packages::RULES,
    transfer::RULES,
    stages::RULES,
    commands::RULES,
    variables::RULES,
    labels::RULES,
    format::RULES,
    suppressions::RULES,
];

/// All rules.
pub const RULES: &[&Rule] = &joined::<{ count() }>();

const fn count() -> usize {
    let (mut n, mut group) = (0, 0);
    while group < GROUPS.len() {
        n += GROUPS[group].len();
        group += 1;
    }
    n
}

const fn joined<const N: usize>() -> [&'static Rule; N] {
    let mut all = [AROUND[0]; N];
    let (mut n, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut i = 0;
        while i < GROUPS[group].len() {
            all[n] = GROUPS[group][i];
            n += 1;
            i += 1;
        }
        group += 1;
    }
    all
}
