//! Every rule, one file each. To add one: a `.rs`, a `.md`, and its two lines here.

mod apt;
mod apt_cache_unlocked;
mod apt_cache_unmounted;
mod apt_recommends;
mod apt_update_apart;
mod broken_builder;
mod broken_client_builder;
mod broken_ignore_file;
mod buildx_missing;
mod classic_builder;
mod clock_skew;
mod copy_all_before_dependencies;
mod copy_exclude_sends;
mod dead_cache;
mod discarding_collector;
mod duplicate_cache_mounts;
mod engine_data_in_memory;
mod engine_unreachable;
mod evicted_cache_mounts;
mod few_inodes;
mod gpu_check_in_run;
mod hazards;
mod hot_files;
mod idle_builder;
mod installs_cost;
mod large_context;
mod link_used_twice;
mod little_memory;
mod localhost_proxy;
mod low_space;
mod missing_bridge;
mod missing_ignore_file;
mod mounted_cache_cleaned;
mod mounts;
mod moving_files;
mod mtu_mismatch;
mod no_docker_client;
mod old_engine;
mod package_cache_unmounted;
mod proxies;
mod proxy_disagreement;
mod same_size_and_time;
mod secret_in_arg_or_env;
mod secrets_in_context;
mod slow_context;
mod slow_dockerfile_folder;
mod slow_storage_driver;
mod sparse_files;
mod special_files;
mod stale_context_copies;
mod uncollected_cache;
mod unpruned_exceptions;
mod unreadable_folders;
mod unsendable_names;
mod weak_ignore_file;
mod wide_copy_wildcard;
mod zero_byte_files;

use crate::Rule;

/// All rules, in the order of the doctor's screen.
#[rustfmt::skip]
pub const RULES: &[&Rule] = &[
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
    &large_context::RULE,
    &zero_byte_files::RULE,
    &same_size_and_time::RULE,
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
    &weak_ignore_file::RULE,
    &apt_cache_unmounted::RULE,
    &apt_cache_unlocked::RULE,
    &apt_update_apart::RULE,
    &apt_recommends::RULE,
    &package_cache_unmounted::RULE,
    &mounted_cache_cleaned::RULE,
    &copy_all_before_dependencies::RULE,
    &gpu_check_in_run::RULE,
    &secrets_in_context::RULE,
    &secret_in_arg_or_env::RULE,
    &mtu_mismatch::RULE,
    &missing_bridge::RULE,
    &proxy_disagreement::RULE,
    &localhost_proxy::RULE,
];
