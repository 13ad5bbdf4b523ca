//! What an engine keeps that nothing uses any more: shown one by one, removed one by one.

/// Kinds in the order in which they are removed: a container holds its image and its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftoverKind {
    /// Containers that do not run.
    Containers,
    /// Images without a name that no container needs.
    Images,
    /// Networks that somebody made and no container is in.
    Networks,
    /// Records of the build cache that nothing uses.
    Cache,
    /// Volumes that no container has; they hold data.
    Volumes,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What the engine removes it by.
    pub id: String,
    /// What a person knows it by; empty when it has none.
    pub name: String,
    /// Of its own: bytes that it shares with others are not freed.
    pub bytes: Option<u64>,
    pub age_seconds: Option<u64>,
}

impl LeftoverKind {
    /// The word for one of them.
    pub fn noun(self) -> &'static str {
        match self {
            LeftoverKind::Containers => "container",
            LeftoverKind::Images => "image",
            LeftoverKind::Networks => "network",
            LeftoverKind::Cache => "cache record",
            LeftoverKind::Volumes => "volume",
        }
    }
}
