//! How large what an instruction copies is, where the walk of the context tells.

use std::path::Path;

use careen_model::context::Sized;
use careen_model::{Basis, Finding, Saving, units};
use careen_syntax::dockerfile::{Instruction, Word};

use crate::Facts;

/// Where [`copied_bytes`] come from, in a finding.
const CONTEXT: &str = "the context";

/// Bytes of sources in the context; `None` when one of them is elsewhere, matched by a pattern or
/// too small to be among the largest that the walk remembers.
pub(crate) fn copied_bytes(facts: &Facts, sources: &[&Word]) -> Option<u64> {
    let context = facts.context.known()?;
    let mut bytes = 0;
    for source in sources {
        let text = source.text.trim_start_matches("./").trim_matches('/');
        if text.contains(['*', '?', '[', '$', '"']) || text.contains("://") {
            return None;
        }
        bytes += match text {
            "" | "." => context.kept.bytes,
            path => {
                let is_it = |sized: &&Sized| sized.path == Path::new(path);
                let mut known = context.top_files.iter().chain(&context.top_folders);
                known.find(is_it)?.amount.bytes
            }
        };
    }
    Some(bytes)
}

/// What a copy that need not be there stores, where it is known.
pub(crate) fn stored_again(finding: Finding, facts: &Facts, copy: &Instruction) -> Finding {
    let Some(copy) = copy.transfer() else { return finding };
    let is_of_context = copy.from.is_none() && copy.inline.is_empty();
    let bytes = is_of_context.then(|| copied_bytes(facts, &copy.sources)).flatten();
    stored(finding, bytes)
}

/// The same for some of the sources.
pub(crate) fn stored(finding: Finding, bytes: Option<u64>) -> Finding {
    match bytes.filter(|bytes| *bytes > 0) {
        Some(bytes) => finding
            .because("what is copied", units::size(bytes), CONTEXT)
            .costs(Saving::Bytes(bytes), Basis::Measured),
        None => finding,
    }
}
