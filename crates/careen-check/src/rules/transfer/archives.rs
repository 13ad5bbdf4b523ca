//! What ADD does and COPY does not: unpacking archives and fetching addresses.

/// Endings of files that ADD unpacks, as far as names tell.
const ENDINGS: [&str; 17] = [
    ".tar", ".z", ".bz2", ".gz", ".lz", ".lzma", ".tb2", ".tbz", ".tbz2", ".tgz", ".tlz", ".tpz",
    ".txz", ".xz", ".zst", ".tzst", ".tz",
];

pub(in crate::rules) fn is_archive(path: &str) -> bool {
    let path = path.trim_matches(['"', '\'']).to_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

pub(super) fn is_remote(path: &str) -> bool {
    let path = path.trim_matches(['"', '\'']);
    let starts = ["http://", "https://", "git://", "ssh://", "git@", "github.com/"];
    starts.iter().any(|start| path.starts_with(start)) || path.contains("://")
}
