//! Counts with the right form of their noun.

use careen_model::units;

/// `1 record`, `12 records`.
pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{} {many}", units::count(n as u64)),
    }
}
