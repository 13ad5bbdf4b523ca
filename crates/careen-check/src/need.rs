//! What the next build will need: room on disks, and memory.

use careen_model::host::{Room, SpaceRole};
use careen_model::project::ProjectKind;
use careen_model::{Basis, Fact};

use crate::{Facts, price};

/// Room that an engine should have before a first machine-learning image, when nothing of this
/// project is recorded: wheels, layers and the exported image of a CUDA project fill about this.
const FIRST_LARGE_BUILD: u64 = 20_000_000_000;

/// The same for any other project.
const FIRST_BUILD: u64 = 5_000_000_000;

/// Bytes of free room that the next build needs in the engine's data, and how we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) bytes: u64,
    /// Why this many, in words that a reader can check.
    pub(crate) because: String,
    pub(crate) basis: Basis,
}

/// The engine keeps a copy of the context and a layer made of it, so it needs the context twice.
///
/// Measured: a build dies in COPY when less than 2× the context is free.
pub(crate) fn engine_bytes(facts: &Facts) -> Need {
    let size = careen_model::units::size;
    let (context, told) = match &facts.context {
        Fact::Known(context) => {
            (context.sent.bytes, format!("2 × {} context", size(context.sent.bytes)))
        }
        Fact::Unknown(_) => (0, "a context of unknown size".to_owned()),
    };
    if let Some((layers, source)) = price::exported_bytes(&facts.history) {
        return Need {
            bytes: 2 * context + layers,
            because: format!("{told} + {} layers of {source}", size(layers)),
            basis: Basis::Measured,
        };
    }
    let floor = if is_large(facts) { FIRST_LARGE_BUILD } else { FIRST_BUILD };
    Need {
        bytes: 2 * context + floor,
        because: format!(
            "{told} + {} for a first build (no build of this project is recorded)",
            size(floor)
        ),
        basis: Basis::Rule,
    }
}

/// Free inodes that the next build needs: the context twice, and a margin for packages.
///
/// Below 200 000 a Python environment with a few large wheels may not fit any more.
pub(crate) fn inodes(facts: &Facts) -> u64 {
    let entries = facts.context.known().map_or(0, |context| context.sent.entries);
    200_000 + 2 * entries
}

pub(crate) fn is_large(facts: &Facts) -> bool {
    let kinds = facts.project.as_ref().map(|project| project.kinds.as_slice());
    kinds.is_some_and(|kinds| kinds.contains(&ProjectKind::MachineLearning))
}

/// The room of one role, when the probe found it.
pub(crate) fn room(facts: &Facts, role: SpaceRole) -> Option<&Room> {
    let spaces = &facts.host.as_ref()?.space;
    spaces.iter().find(|space| space.role == role)?.found.known()
}
