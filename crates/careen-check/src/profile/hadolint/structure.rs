//! Stages, labels, copies, and commands that are no package manager.

use crate::profile::Row;

pub(super) const ROWS: &[Row] = &[];
