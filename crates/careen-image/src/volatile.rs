//! Places of an image that differ from build to build although nothing did.

/// How a place is recognised.
enum Place {
    /// All in the folder, not itself.
    Below(&'static str),
    Exactly(&'static str),
    EndsWith(&'static str),
}

use Place::{Below, EndsWith, Exactly};

/// Places, and why they differ.
const PLACES: &[(Place, &str)] = &[
    (EndsWith(".pyc"), "compiled Python holds the time of its source"),
    (Below("var/log"), "logs hold times"),
    (Below("var/lib/apt/lists"), "package lists hold the time of the download"),
    (Below("var/cache/apt"), "apt's own indexes"),
    (Below("var/cache/debconf"), "debconf keeps backups"),
    (Exactly("var/cache/ldconfig/aux-cache"), "the linker's cache holds inode numbers"),
    (EndsWith("-old"), "backups of package databases"),
    (Exactly("etc/shadow"), "accounts hold the day they were made"),
    (Exactly("etc/shadow-"), "accounts hold the day they were made"),
    (EndsWith(".dist-info/uv_cache.json"), "uv notes the time of a local source"),
    (Below("tmp"), "temporary files"),
    (Below("root/.cache"), "caches of tools"),
    // With all of its caches mounted, nothing makes the folder itself.
    (Exactly("root/.cache"), "caches of tools"),
    (Exactly("etc/hostname"), "made by the runtime"),
    (Exactly("etc/hosts"), "made by the runtime"),
    (Exactly("etc/resolv.conf"), "made by the runtime"),
    (Below("proc"), "made by the runtime"),
    (Below("sys"), "made by the runtime"),
    (Below("dev"), "made by the runtime"),
];

/// Why a difference at this path does not count, if so.
pub fn volatile(path: &[u8]) -> Option<&'static str> {
    let is_at = |place: &Place| match place {
        Below(folder) => {
            path.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
        }
        Exactly(file) => path == file.as_bytes(),
        EndsWith(end) => {
            path.ends_with(end.as_bytes()) && (*end != "-old" || path.starts_with(b"var/lib/dpkg/"))
        }
    };
    PLACES.iter().find(|(place, _)| is_at(place)).map(|(_, why)| *why)
}

/// The reason of these words, if it is one of ours.
pub fn reason(words: &str) -> Option<&'static str> {
    PLACES.iter().map(|(_, why)| *why).find(|why| *why == words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_places_are_volatile() {
        for path in [
            "var/log/apt/history.log",
            "a/__pycache__/b.pyc",
            "var/lib/dpkg/status-old",
            "root/.cache",
        ] {
            assert!(volatile(path.as_bytes()).is_some(), "{path}");
        }
        for path in ["var/logs/x", "app/readme-old", "etc/passwd", "usr/lib/libc.so.6", "tmp"] {
            assert_eq!(volatile(path.as_bytes()), None, "{path}");
        }
    }
}
