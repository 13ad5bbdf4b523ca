//! Package managers in RUN.

use crate::profile::Row;

pub(super) const ROWS: &[Row] = &[];
