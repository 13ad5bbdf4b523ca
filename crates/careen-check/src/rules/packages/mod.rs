//! Package managers in RUN: what they download, keep and leave behind.

mod apt;
pub(crate) mod apt_cache_unlocked;
pub(crate) mod apt_cache_unmounted;
pub(crate) mod apt_recommends;
pub(crate) mod apt_update_apart;
pub(crate) mod asking_package_manager;
pub(crate) mod cargo_install_unlocked;
pub(crate) mod installs_cost;
pub(crate) mod interactive_apt;
pub(crate) mod mounted_cache_cleaned;
pub(crate) mod mounted_cache_refused;
pub(crate) mod package_cache_left;
pub(crate) mod package_cache_unmounted;
pub(crate) mod serial_installs;
pub(crate) mod slow_installer;
pub(crate) mod system_upgrade;
pub(crate) mod uncompiled_bytecode;
pub(crate) mod unpinned_packages;
pub(crate) mod unpinned_system_packages;
pub(crate) mod uv_link_mode_unset;

use careen_model::Span;

use crate::calls::Command;
use crate::steps::text;
use crate::{ParsedDockerfile, Rule};

pub(super) const RULES: &[&Rule] = &[
    &apt_cache_unmounted::RULE,
    &apt_cache_unlocked::RULE,
    &apt_update_apart::RULE,
    &apt_recommends::RULE,
    &package_cache_unmounted::RULE,
    &package_cache_left::RULE,
    &mounted_cache_cleaned::RULE,
    &mounted_cache_refused::RULE,
    &uv_link_mode_unset::RULE,
    &asking_package_manager::RULE,
    &interactive_apt::RULE,
    &cargo_install_unlocked::RULE,
    &slow_installer::RULE,
    &system_upgrade::RULE,
    &unpinned_system_packages::RULE,
    &unpinned_packages::RULE,
    &uncompiled_bytecode::RULE,
    &serial_installs::RULE,
];

/// A word and what lies between it and the next, or the one before; a comment there stays.
fn with_gap(file: &ParsedDockerfile, command: &Command, word: Span) -> Span {
    let next = command.words.iter().find(|other| other.span.start >= word.end);
    let before = command.words.iter().rev().find(|other| other.span.end <= word.start);
    let to_next = next.map(|next| Span { start: word.start, end: next.span.start });
    let from_before = before.map(|before| Span { start: before.span.end, end: word.end });
    let has_comment = |span: &Span| text(file, *span).contains('#');
    let mut spans = to_next.into_iter().chain(from_before);
    spans.find(|span| !has_comment(span)).unwrap_or(word)
}
