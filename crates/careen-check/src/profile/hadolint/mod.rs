//! The checks of hadolint, by its names, with its severities.

pub(crate) mod bash;
mod packages;
mod shared;
pub(super) mod shell;
mod structure;

use super::Rows;
use crate::suppress::Dialect;

pub(super) const ROWS: Rows =
    Rows { dialect: Dialect::Hadolint, groups: &[packages::ROWS, shared::ROWS, structure::ROWS] };
